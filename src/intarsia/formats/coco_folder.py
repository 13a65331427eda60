"""COCO panoptic as a folder: `panoptic.json`, `panoptic/`, `images/`, perhaps in `train/` and `val/`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from intarsia._check import fail
from intarsia.formats.coco import read_map, segments_to_coco
from intarsia.formats.coco_json import MapRecord, read_panoptic_json
from intarsia.formats.coco_places import CocoPlace, find_coco
from intarsia.formats.json_file import write_json
from intarsia.formats.png import write_ids
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image
from intarsia.panoptic import PanopticMap


def read_coco_folder(source: str | Path) -> list[SourcePart]:
    """The parts of a COCO panoptic folder, of the official COCO layout, or the one of a JSON beside its PNGs.

    Raises:
        ValueError: There is no COCO panoptic JSON, or one is broken.
    """
    places = find_coco(source)
    if not places:
        fail(str(source), "a COCO panoptic folder with panoptic.json, or train/ and val/ with it", "neither")
    return [read_place(place) for place in places]


def write_map(root: Path, part: SourcePart, source: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write PNG and photo of one image; ids that no PNG can hold are renumbered."""
    folder = root / part.name
    if int(panoptic_map.ids.max()) >= 1 << 24:
        panoptic_map = panoptic_map.renumbered()
    path = folder / "panoptic" / source.map_file
    path.parent.mkdir(parents=True, exist_ok=True)
    write_ids(path, panoptic_map.ids)
    copy_image(source, folder / "images" / source.image_file)
    height, width = panoptic_map.size
    image = {"id": source.image_id, "file_name": source.image_file, "height": height, "width": width}
    segments = segments_to_coco(panoptic_map)
    return {"image": image, "annotation": {"file_name": source.map_file, "segments_info": segments}}


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


def read_place(place: CocoPlace) -> SourcePart:
    """One part of a COCO panoptic data set; maps are read when they are asked for.

    Raises:
        ValueError: The JSON is broken.
    """
    content = read_panoptic_json(place.json_path)
    records = [listed.record for listed in content.maps]
    names = {image.id: image.file_name for image in content.images.values()}
    photos = place.photos([record.image_file for record in records] + list(names.values()))
    # images that the JSON lists without a map
    for record in records:
        names.pop(record.image_id, None)
    unlabelled = tuple(photos.get(name, place.images / name) for name in names.values())
    maps = tuple(source_map_of(record, place, photos) for record in records)
    return SourcePart(place.name, content.categories, maps, unlabelled, photo_folder=place.images)


def source_map_of(record: MapRecord, place: CocoPlace, photos: Mapping[str, Path]) -> SourceMap:
    """One image of a part, with its photo among those of the part."""
    return SourceMap(
        record.image_id,
        record.image_file,
        record.map_file,
        photos.get(record.image_file),
        partial(read_map, record, place.maps),
        listed=len(record.segments),
        map_path=place.maps / record.map_file,
    )
