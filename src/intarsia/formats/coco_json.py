"""One parser for COCO panoptic JSON: checked rows come out, a sentence for each mistake goes into a sink."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from intarsia._check import sentence
from intarsia._scalars import finite_number, flag, whole_number
from intarsia.errors import InputError
from intarsia.formats.json_file import naming, read_json
from intarsia.formats.problems import Report, Sink, kind_of, reporting, stop_at_first
from intarsia.formats.same_categories import renamed_categories
from intarsia.panoptic import VOID_ID, Categories, Segment

ImageId = int | str

MAX_ID = (1 << 31) - 1
"""The largest id that a map in memory can have."""


@dataclass(frozen=True, slots=True)
class MapRecord:
    """Where one image and its map are, and which segments the map shows. File names are relative.

    Height and width are 0 where the JSON does not give them.
    """

    image_id: ImageId
    image_file: str
    map_file: str
    height: int
    width: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One entry of `images`.

    Attributes:
        id: As annotations name it.
        file_name: "" where it is not given.
        height: In pixels; 0 where it is not given.
        width: In pixels; 0 where it is not given.
    """

    id: ImageId
    file_name: str
    height: int = 0
    width: int = 0


@dataclass(frozen=True, slots=True)
class ListedMap:
    """One annotation, and what the JSON says of each of its segments (`area`, `bbox`), by id."""

    record: MapRecord
    claims: Mapping[int, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PanopticJson:
    """The content of a COCO panoptic JSON, in its order.

    Attributes:
        categories: Its own, or of a prediction the truth's.
        images: By their ids.
        maps: The annotations, a map for each image.
        renamed: Of a prediction: categories that it calls otherwise than the truth.
    """

    categories: Categories
    images: Mapping[ImageId, ImageRow]
    maps: tuple[ListedMap, ...]
    renamed: tuple[str, ...] = ()


def read_panoptic_json(
    path: str | Path,
    *,
    sink: Sink = stop_at_first,
    categories: Categories | None = None,
    images_needed: bool = True,
) -> PanopticJson:
    """Read a COCO panoptic JSON without opening a PNG.

    Whole numbers and flags may be text or floats ("5", 5.0, "false", null for absent), `images` and
    `annotations` may be objects whose keys are ids, and an annotation without `image_id` belongs to the image
    whose file has its name. What goes into the sink is left out of the result.

    Args:
        path: The JSON of a COCO panoptic data set.
        sink: What to do with each mistake; by default raise an error.
        categories: Of the truth, for predictions, which need none of their own.
        images_needed: Whether `images` must be there.

    Raises:
        ValueError: It is no COCO panoptic JSON at all, or its categories are broken.

    Example:
        >>> import json, tempfile; path = Path(tempfile.mkdtemp()) / "a.json"
        >>> segment = {"id": "7", "category_id": 1.0, "iscrowd": "false"}
        >>> row = {"image_id": 3, "file_name": "a.png", "segments_info": [segment]}
        >>> _ = path.write_text(json.dumps({"annotations": [row]}))
        >>> facades = Categories.named("facades")
        >>> read_panoptic_json(path, categories=facades, images_needed=False).maps[0].record.segments
        (Segment(id=7, category_id=1, score=1.0, is_crowd=False),)
    """
    report = Report(Path(path), sink)
    needed = {"categories": categories is None, "images": images_needed, "annotations": True}
    content = load_coco(path, keys=[key for key in needed if needed[key]], kind="COCO panoptic JSON")
    rows = list(rows_of(content, "annotations", report))
    _refuse_other_kinds(rows, report.path)
    with naming(path):
        table = Categories.from_coco(content) if categories is None else categories
    images = read_images(content, report)
    # annotations without an id of an image are found by their names
    by_name = {PurePosixPath(image.file_name).stem: image.id for image in images.values()}
    words = "listed" if categories is None else "truth's"
    # each annotation by itself, so that one that is broken hides no other
    maps: list[ListedMap] = []
    for number, row in enumerate(rows):
        with reporting(sink), naming(path, f"annotation {number}"):
            image_id = _image_id_of(row, by_name)
            if (images or images_needed) and image_id not in images and categories is None:
                got = f"that of {row['file_name']} of image {image_id!r}"
                report("made of maps of listed images", got)
            image = images.get(image_id, ImageRow(image_id, ""))
            maps.append(_listed_map(row, image, table, report, words))
    _report_repeated(maps, report)
    renamed = () if categories is None else _renamed_categories(content, categories)
    return PanopticJson(table, images, tuple(maps), renamed)


def load_coco(
    path: str | Path, *, keys: Sequence[str] = ("categories", "images", "annotations"), kind: str
) -> dict[str, Any]:
    """The content of a JSON that has at least these keys.

    Raises:
        ValueError: The file is missing, is no JSON, or lacks a key.
    """
    content = read_json(path, kind)
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing:
        got = (
            f"one without {', '.join(missing)}"
            if isinstance(content, dict)
            else f"a JSON that is {kind_of(content)}"
        )
        raise InputError(sentence(str(path), f"a {kind} with " + ", ".join(keys), got))
    return content


def rows_of(content: Mapping[str, Any], key: str, report: Report) -> Iterator[Mapping[str, Any]]:
    """The entries of a list, or of an object whose keys are their ids; what is no entry is reported."""
    value = content.get(key)
    if isinstance(value, Mapping):
        value = [{"id": id, **row} if isinstance(row, Mapping) else row for id, row in value.items()]
    if not isinstance(value, list):
        report(f"one whose `{key}` are a list", kind_of(value))
        return
    for number, row in enumerate(value):
        if isinstance(row, Mapping):
            yield row
        else:
            report(f"one whose `{key}` are objects", f"{kind_of(row)} as number {number}")


def read_images(content: Mapping[str, Any], report: Report) -> dict[ImageId, ImageRow]:
    """The images by id; of two with the same id the first."""
    images: dict[ImageId, ImageRow] = {}
    for number, row in enumerate(rows_of(content, "images", report) if "images" in content else ()):
        with reporting(report.sink), naming(report.path, f"image {number}"):
            id = image_id_of(row["id"])
            image = ImageRow(id, file_name_of(row), *_size_of(row, report))
            if id in images:
                names = f"{id!r} for {images[id].file_name or 'one'} and {image.file_name or 'another'}"
                report("without two images of one id", names)
            images.setdefault(id, image)
    return images


def file_name_of(row: Mapping[str, Any]) -> str:
    """The name of an image's file; the last part of `coco_url` where an entry has only that (LVIS)."""
    name = row.get("file_name")
    return str(row.get("coco_url") or "").rpartition("/")[2] if name is None else str(name)


def image_id_of(value: Any) -> ImageId:
    """An image's id: a whole number, or text. "5" is 5, "05" is text.

    Raises:
        ValueError: It is neither.
    """
    number = whole_number(value)
    if isinstance(value, str):
        return number if number is not None and str(number) == value else value
    if number is None:
        raise InputError(sentence("id", "a whole number or text for an image", repr(value)))
    return number


def read_segment(
    row: Mapping[str, Any],
    id: int,
    categories: Categories,
    report: Report,
    *,
    where: str,
    words: str = "listed",
) -> Segment | None:
    """What an entry with `category_id`, perhaps `iscrowd` and `score` says, `None` without a known category.

    An absent or null `iscrowd` means no; an absent score means 1, and null is none.
    """
    category_id, crowd, score = row["category_id"], row.get("iscrowd"), row.get("score", 1.0)
    if type(category_id) is not int:
        category_id = whole_number(category_id)
    if category_id not in categories:
        report(f"made of the {words} categories", f"{row['category_id']!r} for segment {id} of {where}")
    is_crowd = False if crowd is None else flag(crowd)
    if is_crowd is None:
        report("one with `iscrowd` 0 or 1", f"{crowd!r} for segment {id} of {where}")
    finite = finite_number(score)
    if finite is None:
        report("one with finite scores", f"{score!r} for segment {id} of {where}")
    if category_id is None or category_id not in categories:
        return None
    return Segment(id, category_id, 1.0 if finite is None else finite, bool(is_crowd))


def _listed_map(
    row: Mapping[str, Any], image: ImageRow, categories: Categories, report: Report, words: str
) -> ListedMap:
    map_file = str(row["file_name"])
    claims: dict[int, Mapping[str, Any]] = {}
    segments: list[Segment] = []
    for info in row["segments_info"]:
        id = whole_number(info["id"])
        if id is None or not VOID_ID < id <= MAX_ID:
            report("one with segment ids in [1, 2^31), 0 is void", f"{info['id']!r} in {map_file}")
            continue
        if id in claims:
            report("without two segments of one id in a map", f"{id} twice in {map_file}")
            continue
        claims[id] = info
        segment = read_segment(info, id, categories, report, where=map_file, words=words)
        if segment is not None:
            segments.append(segment)
    record = MapRecord(image.id, image.file_name, map_file, image.height, image.width, tuple(segments))
    return ListedMap(record, claims)


def _image_id_of(row: Mapping[str, Any], by_name: Mapping[str, ImageId]) -> ImageId:
    if row.get("image_id") is not None:
        return image_id_of(row["image_id"])
    stem = PurePosixPath(str(row["file_name"])).stem
    return by_name.get(stem, stem)


def _size_of(row: Mapping[str, Any], report: Report) -> tuple[int, int]:
    sides = [whole_number(row[key]) if row.get(key) is not None else 0 for key in ("height", "width")]
    given = [row[key] for key in ("height", "width") if row.get(key) is not None]
    if any(side is None or side < (1 if given else 0) for side in sides):
        size = f"{row.get('height')!r} and {row.get('width')!r} for image {row['id']!r}"
        report("one with whole heights and widths from 1", size)
        return 0, 0
    return sides[0] or 0, sides[1] or 0


def _renamed_categories(content: Mapping[str, Any], truth: Categories) -> tuple[str, ...]:
    """Categories of a prediction whose ids have other names in the truth; broken ones are nobody's."""
    try:
        return tuple(renamed_categories(Categories.from_coco(content), truth))
    except InputError:
        return ()


def _report_repeated(maps: Iterable[ListedMap], report: Report) -> None:
    image_ids: set[ImageId] = set()
    for listed in maps:
        if listed.record.image_id in image_ids:
            report("one with one map an image", f"two of {listed.record.image_id!r}")
        image_ids.add(listed.record.image_id)


def _refuse_other_kinds(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Detections have the same three keys; what they are is said instead of a key that is missing."""
    if rows and "segments_info" not in rows[0] and ("segmentation" in rows[0] or "bbox" in rows[0]):
        expected = "a COCO panoptic JSON, whose annotations have `segments_info`"
        hint = "`intarsia convert coco-instances` makes panoptic maps of them."
        raise InputError(f"{sentence(str(path), expected, 'one of single instances')} {hint}")
