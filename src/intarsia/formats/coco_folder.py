"""COCO panoptic as a folder: `panoptic.json`, `panoptic/`, `images/`, perhaps in `train/` and `val/`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from intarsia._check import fail
from intarsia.formats.coco import read_coco, read_map, segments_to_coco
from intarsia.formats.json_file import write_json
from intarsia.formats.png import write_ids
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image
from intarsia.panoptic import PanopticMap

PARTS = ("", "train", "val", "test")


@dataclass(frozen=True, slots=True)
class CocoPlace:
    """Where one part of a data set is: its JSON, its photos, and beside the JSON its PNGs."""

    name: str
    json_path: Path
    images: Path

    @property
    def maps(self) -> Path:
        """The folder of PNGs."""
        return self.json_path.with_suffix("")


def find_coco(source: str | Path) -> list[CocoPlace]:
    """The parts of a COCO panoptic folder, of the official COCO layout, or of one JSON; perhaps none."""
    source = Path(source)
    if source.is_file():
        return [CocoPlace("", source, source.parent / "images")]
    own = [CocoPlace(name, source / name / "panoptic.json", source / name / "images") for name in PARTS]
    official = [
        CocoPlace(name, source / "annotations" / f"panoptic_{name}2017.json", source / f"{name}2017")
        for name in PARTS[1:]
    ]
    return [place for place in own + official if place.json_path.is_file()]


def read_coco_folder(source: str | Path) -> list[SourcePart]:
    """The parts of a COCO panoptic folder, of the official COCO layout, or the one of a JSON beside its PNGs.

    Raises:
        ValueError: There is no COCO panoptic JSON, or one is broken.
    """
    places = find_coco(source)
    if not places:
        fail(str(source), "a COCO panoptic folder with panoptic.json, or train/ and val/ with it", "neither")
    return [_part(place) for place in places]


def write_map(root: Path, part: SourcePart, one: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write PNG and photo of one image; ids that no PNG can hold are renumbered."""
    folder = root / part.name
    if int(panoptic_map.ids.max()) >= 1 << 24:
        panoptic_map = panoptic_map.renumbered()
    path = folder / "panoptic" / one.map_file
    path.parent.mkdir(parents=True, exist_ok=True)
    write_ids(path, panoptic_map.ids)
    copy_image(one, folder / "images" / one.image_file)
    height, width = panoptic_map.size
    image = {"id": one.image_id, "file_name": one.image_file, "height": height, "width": width}
    segments = segments_to_coco(panoptic_map)
    return {"image": image, "annotation": {"file_name": one.map_file, "segments_info": segments}}


def write_panoptic_json(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """Write `panoptic.json`."""
    content = {
        "images": [row["image"] for row in rows],
        "annotations": [{"image_id": row["image"]["id"], **row["annotation"]} for row in rows],
        "categories": part.categories.to_coco(),
    }
    folder = root / part.name
    (folder / "panoptic").mkdir(parents=True, exist_ok=True)
    write_json(folder / "panoptic.json", content)


TARGET = Target(write_map, write_panoptic_json, read_coco_folder, keeps_file_names=True)


def _part(place: CocoPlace) -> SourcePart:
    coco = read_coco(place.json_path)
    maps = []
    for record in coco.records:
        image = place.images / record.image_file
        read = partial(read_map, record, place.maps)
        shown = image if record.image_file and image.is_file() else None
        maps.append(SourceMap(record.image_id, record.image_file, record.map_file, shown, read))
    return SourcePart(place.name, coco.categories, tuple(maps))
