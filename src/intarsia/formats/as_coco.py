"""Any data set as COCO panoptic for a while: what evaluates JSONs evaluates folders of label images, too."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from intarsia._check import fail
from intarsia._threads import in_order
from intarsia.errors import InputError
from intarsia.formats import coco_folder
from intarsia.formats.coco import image_to_coco, read_coco, read_map
from intarsia.formats.coco_json import load_coco
from intarsia.formats.coco_places import json_of
from intarsia.formats.json_file import naming
from intarsia.formats.layout import FORMATS, format_of
from intarsia.formats.same_categories import ids_of_same_meaning, is_of_label_images
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import VOID_ID, Categories, PanopticMap

__all__ = ["CocoFiles", "as_coco"]


@dataclass(frozen=True)
class CocoFiles:
    """A COCO panoptic JSON and its PNGs.

    Attributes:
        json_path: The JSON, which lists every map, broken ones too.
        folder: Of the PNGs; `None` for the JSON's name without `.json`.
        problems: A sentence for each PNG that is not there, because the map that it stands for is broken.
        sources: What files that are there for a while stand for, by their paths.
    """

    json_path: Path
    folder: Path | None = None
    problems: Mapping[Path, str] = field(default_factory=dict)
    sources: Mapping[str, Path] = field(default_factory=dict)

    def with_sources(self, sentence: str) -> str:
        """A sentence that names what its reader knows, in place of files that will be gone.

        Example:
            >>> files = CocoFiles(Path("t/a.json"), sources={"t/a.json": Path("masks")})
            >>> files.with_sources("`t/a.json` is bad")
            '`masks` is bad'
        """
        return re.sub("`([^`]+)`", lambda name: f"`{self.sources.get(name[1], name[1])}`", sentence)


@contextmanager
def as_coco(
    source: str | Path,
    *,
    folder: str | Path | None = None,
    truth: Categories | None = None,
    workers: int = 1,
    read_elsewhere: bool = False,
) -> Iterator[CocoFiles]:
    """The COCO panoptic JSON of a data set of one part, and the folder of its PNGs.

    Of a JSON it is the file itself, of a COCO panoptic folder its JSON. Any other format is written to a
    temporary folder, which is gone afterwards; a folder of no known kind is taken for label images. A map
    that is broken is listed without its PNG, and the others are written.

    Args:
        source: A JSON, or a folder in any format that `convert` reads.
        folder: Of the PNGs of a JSON, where they are not in the folder of its name.
        truth: Of predictions: the categories of what they are compared with, whose ids they get by
            `ids_of_same_meaning`. A JSON has the truth's ids already, unless the truth are label images,
            whose ids nobody chose.
        workers: How many maps to convert at once; 1, as a caller has often threads of its own.
        read_elsewhere: Whether other machines read the PNGs, which see no temporary folder of this one.

    Raises:
        ValueError: The folder has several parts, no label images, or nothing says which of the truth's
            categories its labels are; or other machines were to read a temporary folder.

    Example:
        >>> with as_coco("truth.json") as files:
        ...     str(files.json_path)
        'truth.json'
    """
    source, part = Path(source), None
    root = None if folder is None else Path(folder)
    format = format_of(source) if source.is_dir() else "coco"
    if format != "coco":
        part = _only_part(FORMATS[format or "labels"](source), source)
    elif truth is not None and is_of_label_images(truth):
        part = _part_of_json(json_of(source), root)
    if part is None:
        yield CocoFiles(json_of(source), root)
        return
    if read_elsewhere:
        hint = "`intarsia convert` writes it; `--cluster local` stays on this machine."
        got = "another, which is converted on this machine alone"
        fail(str(source), "COCO panoptic where machines of a cluster read it", got, hint=hint)
    if truth is not None:
        with naming(source):
            part = _with_ids_of(truth, part)
    with TemporaryDirectory() as place:
        yield _write(part, source, Path(place), workers=workers)


def _only_part(parts: list[SourcePart], source: Path) -> SourcePart:
    if len(parts) != 1:
        names = ", ".join(part.name for part in parts)
        fail(str(source), "a data set of one part", f"the parts {names}", hint="Give the folder of one part.")
    return parts[0]


def _part_of_json(path: Path, folder: Path | None) -> SourcePart | None:
    """What a JSON lists; `None` where it does not say what its categories are."""
    if not {"categories", "images"} <= load_coco(path, keys=(), kind="COCO panoptic JSON").keys():
        return None
    content = read_coco(path)
    maps = [
        SourceMap(
            record.image_id,
            record.image_file,
            record.map_file,
            None,
            partial(read_map, record, folder or path.with_suffix("")),
        )
        for record in content.records
    ]
    return SourcePart("", content.categories, tuple(maps))


def _with_ids_of(truth: Categories, part: SourcePart) -> SourcePart:
    id_of = ids_of_same_meaning(part.categories, truth)
    if all(id == same for id, same in id_of.items()):
        return replace(part, categories=truth)
    maps = (replace(source, read=partial(_translate, source.read, id_of)) for source in part.maps)
    return replace(part, categories=truth, maps=tuple(maps))


def _translate(read: Callable[[], PanopticMap], id_of: Mapping[int, int | None]) -> PanopticMap:
    """A map with other category ids; segments without one become void."""
    panoptic_map = read()
    segments = [
        replace(segment, category_id=id)
        for segment in panoptic_map.segments
        if (id := id_of[segment.category_id]) is not None
    ]
    shown = np.isin(panoptic_map.ids, [segment.id for segment in segments])
    return PanopticMap(np.where(shown, panoptic_map.ids, VOID_ID), segments)


def _write(part: SourcePart, source: Path, folder: Path, *, workers: int) -> CocoFiles:
    """Write maps and JSON, without the photos."""
    pngs = {str(folder / "panoptic" / listed.map_file): listed.map_path or source for listed in part.maps}
    sources = {**pngs, str(folder / "panoptic"): source, str(folder / "panoptic.json"): source}
    part = replace(part, name="", maps=tuple(map(_without_photo, part.maps)))
    problems: dict[Path, str] = {}

    def write_one(source: SourceMap) -> dict[str, Any]:
        try:
            return coco_folder.write_map(folder, part, source, source.read())
        except InputError as error:
            problems[folder / "panoptic" / source.map_file] = str(error)
            image = {"id": source.image_id, **image_to_coco(source.image_file, (1, 1))}
            return {"image": image, "annotation": {"file_name": source.map_file, "segments_info": []}}

    rows = [row for _, row in in_order(write_one, part.maps, workers=workers, description="")]
    coco_folder.write_panoptic_json(folder, part, rows)
    return CocoFiles(folder / "panoptic.json", problems=problems, sources=sources)


def _without_photo(source: SourceMap) -> SourceMap:
    """The map alone; the name 7.tif is no id, which another data set could have given to another image."""
    is_number = isinstance(source.image_id, str) and source.image_id.isdecimal()
    id = source.image_file if is_number else source.image_id
    return replace(source, image_path=None, pixels=None, image_id=id)
