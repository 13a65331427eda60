"""Everything that is wrong with a COCO panoptic data set, a sentence each: readers stop at the first."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int32
from PIL import Image

from intarsia import _native
from intarsia._check import InputError, sentence
from intarsia.formats.coco import MapRecord, boxes_of, load_coco
from intarsia.formats.coco_folder import CocoPlace
from intarsia.formats.json_file import naming
from intarsia.formats.png import UnreadableError, read_ids
from intarsia.panoptic import VOID_ID, Categories, Segment

MAX_ID = (1 << 24) - 1
"""The largest id that a panoptic PNG can show."""
NUM_NAMED = 8
"""Of more segments with the same mistake in one file, the first are named and the others counted."""


@dataclass(frozen=True, slots=True)
class ListedMap:
    """One annotation as far as it can be used, and what the JSON says of each segment, by id."""

    record: MapRecord
    claims: Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class CheckedJson:
    """A JSON's categories, the maps it lists, and a sentence for each thing that is wrong in it."""

    categories: Categories
    maps: tuple[ListedMap, ...]
    problems: tuple[str, ...]


@dataclass(slots=True)
class CheckedMap:
    """What a PNG shows: its size (`None` if it cannot be read), the pixels of each id, and what is wrong."""

    size: tuple[int, int] | None = None
    areas: dict[int, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def check_json(place: CocoPlace) -> CheckedJson:
    """Look at all of a JSON without opening a PNG.

    Raises:
        ValueError: It is no JSON with `categories`, `images` and `annotations`, or its categories are broken.
    """
    path = place.json_path
    content = load_coco(path)
    problems: list[str] = []
    with naming(path):
        categories = Categories.from_coco(content)
        rows, annotations = list(content["images"]), list(content["annotations"])
    images = _check_images(rows, path, problems)
    maps: list[ListedMap] = []
    seen: set[Any] = set()
    for number, row in enumerate(annotations):
        try:
            with naming(f"{path}, annotation {number}"):
                maps.append(_check_annotation(row, place, images, categories, seen, problems))
        except InputError as error:
            problems.append(str(error))
    for image_id in (id for id in images if id not in seen):
        problems.append(sentence(str(path), "a JSON with a map of every image", f"none of {image_id!r}"))
    for file in _repeated(one.record.map_file for one in maps):
        problems.append(sentence(str(place.maps / file), "the map of one image", "several in the JSON"))
    return CheckedJson(categories, tuple(maps), tuple(problems))


def check_map(listed: ListedMap, place: CocoPlace, *, with_photo: bool) -> CheckedMap:
    """Read the PNG of one image, and its photo if it should be there, and compare them with the JSON."""
    record, found = listed.record, CheckedMap()
    path = place.maps / record.map_file
    try:
        ids = read_ids(path)
    except UnreadableError as error:
        found.problems.append(str(error))
    else:
        found.size = ids.shape[0], ids.shape[1]
        found.areas = dict(_native.count_ids(ids).tolist())
        found.problems += [sentence(str(path), *words) for words in _contradictions(ids, listed, found)]
    if with_photo:
        size = found.size or ((record.height, record.width) if record.height else None)
        found.problems += _check_photo(place.images / record.image_file, size)
    return found


def check_strays(checked: CheckedJson, place: CocoPlace) -> list[str]:
    """Files in the folders that the JSON does not list."""
    records = [one.record for one in checked.maps]
    listed = {place.maps / record.map_file for record in records}
    listed |= {place.images / record.image_file for record in records}
    files = [path for folder in (place.maps, place.images) for path in sorted(folder.rglob("*"))]
    expected, got = f"listed in {place.json_path.name}", "no annotation"
    return [
        sentence(str(path), expected, got)
        for path in files
        if path.is_file() and path not in listed and not path.name.startswith(".")
    ]


def _check_images(rows: Iterable[Any], path: Path, problems: list[str]) -> dict[Any, Mapping[str, Any]]:
    images: dict[Any, Mapping[str, Any]] = {}
    for number, row in enumerate(rows):
        try:
            with naming(f"{path}, image {number}"):
                height, width = row.get("height", 1), row.get("width", 1)
                if not all(type(side) is int and side > 0 for side in (height, width)):
                    size = f"{height!r} and {width!r} for image {row['id']!r}"
                    problems.append(sentence(str(path), "one with whole heights and widths from 1", size))
                    row = {**row, "height": 0, "width": 0}
                if row["id"] in images:
                    problems.append(sentence(str(path), "without two images of one id", repr(row["id"])))
                images.setdefault(row["id"], row)
        except InputError as error:
            problems.append(str(error))
    for name in _repeated(str(row["file_name"]) for row in images.values() if "file_name" in row):
        problems.append(sentence(str(path), "without two images of one file", repr(name)))
    return images


def _check_annotation(
    row: Mapping[str, Any],
    place: CocoPlace,
    images: Mapping[Any, Mapping[str, Any]],
    categories: Categories,
    seen: set[Any],
    problems: list[str],
) -> ListedMap:
    image_id, map_file = row["image_id"], str(row["file_name"])
    if image_id in seen:
        problems.append(sentence(str(place.json_path), "with one map an image", f"two of {image_id!r}"))
    if image_id not in images:
        of = f"that of {map_file} of image {image_id!r}"
        problems.append(sentence(str(place.json_path), "made of maps of listed images", of))
    seen.add(image_id)
    image = images.get(image_id, {})
    segments, claims = _check_segments(row["segments_info"], place.maps / map_file, categories, problems)
    size = int(image.get("height", 0)), int(image.get("width", 0))
    photo = str(image.get("file_name", ""))
    return ListedMap(MapRecord(image_id, photo, map_file, *size, tuple(segments)), claims)


def _check_segments(
    rows: Iterable[Mapping[str, Any]], path: Path, categories: Categories, problems: list[str]
) -> tuple[list[Segment], dict[int, Mapping[str, Any]]]:
    """The segments that can be used, and what the JSON says of all that have an id."""
    claims: dict[int, Mapping[str, Any]] = {}
    segments: list[Segment] = []
    for row in rows:
        id, category_id, crowd = row["id"], row["category_id"], row.get("iscrowd", 0)
        score = row.get("score", 1.0)
        if type(id) is not int or not VOID_ID < id <= MAX_ID:
            problems.append(sentence(str(path), "listed with ids in [1, 2^24)", f"{id!r} for a segment"))
            continue
        if id in claims:
            problems.append(sentence(str(path), "listed without two of the same id", f"id {id} twice"))
            continue
        claims[id] = row
        if category_id not in categories:
            problems.append(sentence(str(path), "made of known categories", f"{category_id!r} ({id=})"))
            continue
        if crowd not in (0, 1):
            problems.append(sentence(str(path), "listed with `iscrowd` 0 or 1", f"{crowd!r} ({id=})"))
        if not isinstance(score, int | float) or not math.isfinite(score):
            problems.append(sentence(str(path), "listed with finite scores", f"{score!r} ({id=})"))
        segments.append(Segment(id, category_id, is_crowd=crowd == 1))
    crowds = [segment.category_id for segment in segments if segment.is_crowd]
    stuff = {row.id for row in categories.stuff}
    for category_id in sorted({id for id in crowds if id in stuff}):
        problems.append(sentence(str(path), "one with crowds of things only", f"one of stuff {category_id}"))
    for category_id in _repeated(crowds):
        problems.append(sentence(str(path), "one with one crowd a category", f"several of {category_id}"))
    return segments, claims


def _contradictions(
    ids: Int32[np.ndarray, "h w"], listed: ListedMap, found: CheckedMap
) -> Iterable[tuple[str, str]]:
    """What must be, and what was found instead, where PNG and JSON disagree."""
    record, claims = listed.record, listed.claims
    if record.height and ids.shape != (record.height, record.width):
        yield f"{record.height}x{record.width} pixels as its JSON says", f"{ids.shape[0]}x{ids.shape[1]}"
    shown = found.areas.keys() - {VOID_ID}
    if unlisted := sorted(shown - claims.keys()):
        yield "made of ids that its JSON lists and 0", _named(f"id {id}" for id in unlisted)
    if absent := sorted(claims.keys() - shown):
        yield "showing every segment its JSON lists", _named(f"no pixel of id {id}" for id in absent)
    common = sorted(shown & claims.keys())
    wrong = [id for id in common if claims[id].get("area", found.areas[id]) != found.areas[id]]
    if wrong:
        areas = (f"{found.areas[id]} pixels for {claims[id]['area']} of id {id}" for id in wrong)
        yield "of the areas its JSON gives", _named(areas)
    boxes = boxes_of(ids, common)
    if wrong := [id for id in common if claims[id].get("bbox", boxes[id]) != boxes[id]]:
        yield (
            "of the boxes its JSON gives",
            _named(f"{boxes[id]} for {claims[id]['bbox']} of id {id}" for id in wrong),
        )


def _check_photo(path: Path, size: tuple[int, int] | None) -> list[str]:
    try:
        with Image.open(path) as image:
            shape = image.height, image.width
            image.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return [sentence(str(path), "a readable image", f"{type(error).__name__}: {error}")]
    if size is None or shape == size:
        return []
    expected = f"as large as its map, {size[0]}x{size[1]}"
    return [sentence(str(path), expected, f"{shape[0]}x{shape[1]}")]


def _named(words: Iterable[str]) -> str:
    words = list(words)
    more = f" and {len(words) - NUM_NAMED} more" if len(words) > NUM_NAMED else ""
    return ", ".join(words[:NUM_NAMED]) + more


def _repeated(values: Iterable[Any]) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]
