"""Everything that is wrong with a COCO panoptic data set, a sentence each: readers stop at the first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32

import intarsia._native as _native
from intarsia._check import sentence
from intarsia._scalars import whole_number
from intarsia.formats.coco import boxes_of
from intarsia.formats.coco_folder import source_map_of
from intarsia.formats.coco_json import ListedMap, MapRecord, read_panoptic_json
from intarsia.formats.coco_places import CocoPlace
from intarsia.formats.photo_fit import check_photo
from intarsia.formats.photos import name_inside
from intarsia.formats.png import UnreadableError, read_ids
from intarsia.formats.problems import Report, reporting
from intarsia.formats.source import SourceMap
from intarsia.panoptic import VOID_ID, Categories, Segment

MAX_PNG_ID = (1 << 24) - 1
"""The largest id that a panoptic PNG can show."""
Choose = Callable[[SourceMap], SourceMap]
"""Chooses what is seen of a photo's file: `SourceMap.with_view` with a page and channels."""
NUM_NAMED = 8
"""Of more segments with the same mistake in one file, the first are named and the others counted."""


@dataclass(frozen=True, slots=True)
class CheckedJson:
    """A JSON's categories, the maps it lists, the photos that are there, and a sentence for each mistake."""

    place: CocoPlace
    categories: Categories
    maps: tuple[ListedMap, ...]
    photos: Mapping[str, Path]
    problems: tuple[str, ...]

    def source_of(self, record: MapRecord) -> SourceMap:
        """What converters read of a record; its photo is where it should be, if it is nowhere else."""
        source = source_map_of(record, self.place, self.photos)
        return replace(source, image_path=source.image_path or self.place.images / record.image_file)


@dataclass(slots=True)
class CheckedMap:
    """What a PNG shows: its size (`None` if it cannot be read), the pixels of each id, and what is wrong."""

    size: tuple[int, int] | None = None
    areas: dict[int, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def check_json(place: CocoPlace) -> CheckedJson:
    """Look at all of a JSON without opening a PNG: what readers refuse, and what they pass over.

    Raises:
        ValueError: It is no JSON with `categories`, `images` and `annotations`, or its categories are broken.
    """
    problems: list[str] = []
    content = read_panoptic_json(place.json_path, sink=problems.append)
    report = Report(place.json_path, problems.append)
    stuff = {row.id for row in content.categories.stuff}
    for entry in content.maps:
        if large := [id for id in entry.claims if id > MAX_PNG_ID]:
            report("one with segment ids below 2^24", f"{large[0]} in {entry.record.map_file}")
        problems += _crowd_problems(place.maps / entry.record.map_file, entry.record.segments, stuff)
    for name in _repetitions(image.file_name for image in content.images.values() if image.file_name):
        report("without two images of one file", repr(name))
    mapped = {entry.record.image_id for entry in content.maps}
    for image_id in (id for id in content.images if id not in mapped):
        report("a JSON with a map of every image", f"none of {image_id!r}")
    for file in _repetitions(entry.record.map_file for entry in content.maps):
        problems.append(sentence(str(place.maps / file), "the map of one image", "several in the JSON"))
    photos = _photos(place, [entry.record.image_file for entry in content.maps], problems)
    return CheckedJson(place, content.categories, content.maps, photos, tuple(problems))


def check_map(entry: ListedMap, document: CheckedJson, *, choose: Choose | None) -> CheckedMap:
    """Read the PNG of one image, and its photo if it should be there, and compare them with the JSON.

    Args:
        entry: The image as the JSON has it.
        document: All of the JSON.
        choose: Chooses what is seen of the photo; None where no photos are to be looked at.
    """
    record, checked_map = entry.record, CheckedMap()
    path = document.place.maps / record.map_file
    try:
        ids = read_ids(path)
    except UnreadableError as error:
        checked_map.problems.append(str(error))
    else:
        checked_map.size = ids.shape[0], ids.shape[1]
        checked_map.areas = dict(_native.count_ids(ids).tolist())
        checked_map.problems += [
            sentence(str(path), *words) for words in _contradictions(ids, entry, checked_map)
        ]
    if choose is not None:
        size = checked_map.size or ((record.height, record.width) if record.height else None)
        with reporting(checked_map.problems.append):
            check_photo(choose(document.source_of(record)), size)
    return checked_map


def check_strays(parts: Sequence[CheckedJson]) -> list[str]:
    """Files in the folders of a data set that none of its JSONs lists; parts may share a folder."""
    named_files: set[Path | None] = set()
    json_of: dict[Path, str] = {}
    for part in parts:
        named_files |= {part.place.maps / listed_map.record.map_file for listed_map in part.maps}
        named_files |= {part.source_of(listed_map.record).image_path for listed_map in part.maps}
        for folder in (part.place.maps, part.place.images):
            json_of.setdefault(folder, part.place.json_path.name)
    files = ((path, name) for folder, name in json_of.items() for path in sorted(folder.rglob("*")))
    return [
        sentence(str(path), f"listed in {name}", "no annotation")
        for path, name in files
        if path.is_file() and path not in named_files and not path.name.startswith(".")
    ]


def _photos(place: CocoPlace, names: Sequence[str], problems: list[str]) -> dict[str, Path]:
    """The photos that are there; a name that leads out of the data set is a problem, and not looked for."""
    inside = []
    for name in names:
        with reporting(problems.append):
            name_inside(name)
            inside.append(name)
    return place.photos(inside)


def _crowd_problems(path: Path, segments: Iterable[Segment], stuff: set[int]) -> Iterator[str]:
    crowds = [segment.category_id for segment in segments if segment.is_crowd]
    for category_id in sorted({id for id in crowds if id in stuff}):
        yield sentence(str(path), "one with crowds of things only", f"one of stuff {category_id}")
    for category_id in _repetitions(crowds):
        yield sentence(str(path), "one with one crowd a category", f"several of {category_id}")


def _contradictions(
    ids: Int32[np.ndarray, "h w"], entry: ListedMap, checked_map: CheckedMap
) -> Iterable[tuple[str, str]]:
    """What must be, and what was found instead, where PNG and JSON disagree."""
    record, claims = entry.record, entry.claims
    if record.height and ids.shape != (record.height, record.width):
        yield f"{record.height}x{record.width} pixels as its JSON says", f"{ids.shape[0]}x{ids.shape[1]}"
    # ids that only one of the two has
    in_map = checked_map.areas.keys() - {VOID_ID}
    if unlisted := sorted(in_map - claims.keys()):
        yield "made of ids that its JSON lists and 0", _first_words(f"id {id}" for id in unlisted)
    if absent := sorted(claims.keys() - in_map):
        yield "showing every segment its JSON lists", _first_words(f"no pixel of id {id}" for id in absent)
    common = sorted(in_map & claims.keys())
    # areas and boxes, where the JSON has them
    ids_with_claim = [id for id in common if claims[id].get("area") is not None]
    wrong = [id for id in ids_with_claim if whole_number(claims[id]["area"]) != checked_map.areas[id]]
    if wrong:
        areas = (f"{checked_map.areas[id]} pixels for {claims[id]['area']} of id {id}" for id in wrong)
        yield "of the areas its JSON gives", _first_words(areas)
    boxes = boxes_of(ids, common)
    ids_with_claim = [id for id in common if claims[id].get("bbox") is not None]
    if wrong := [id for id in ids_with_claim if _box(claims[id]["bbox"]) != boxes[id]]:
        yield (
            "of the boxes its JSON gives",
            _first_words(f"{boxes[id]} for {claims[id]['bbox']} of id {id}" for id in wrong),
        )


def _box(value: Any) -> list[int | None]:
    return [whole_number(side) for side in value] if isinstance(value, list) else []


def _first_words(words: Iterable[str]) -> str:
    words = list(words)
    more = f" and {len(words) - NUM_NAMED} more" if len(words) > NUM_NAMED else ""
    return ", ".join(words[:NUM_NAMED]) + more


def _repetitions(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]
