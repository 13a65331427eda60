"""COCO's detection format: `annotations/instances_*.json` of things and `stuff_*.json` beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from intarsia._check import fail
from intarsia._scalars import whole_number
from intarsia.formats.coco_json import (
    ImageId,
    ImageRow,
    Report,
    image_id_of,
    kind_of,
    load_coco,
    read_images,
    read_segment,
    rows_of,
    stop_at_first,
)
from intarsia.formats.instances_file import annotations_of
from intarsia.formats.json_file import naming, write_json
from intarsia.formats.run_lengths import mask_of_counts
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image
from intarsia.panoptic import Categories, Category, PanopticMap, Segment

MAX_PIXELS = 1 << 28
"""Nothing shows what size a JSON's image really has: a wrong one must not take all memory."""
KIND = "COCO instances JSON"


def read_coco_instances(folder: str | Path) -> list[SourcePart]:
    """A part for each `annotations/instances_<part>.json`, with `stuff_<part>.json` where it is there.

    Masks may overlap in this format. Things lie on stuff and on crowds; of two things the smaller one is on
    top, of equal ones the later. What is hidden altogether is left out.

    Raises:
        ValueError: No such JSON is there, or one is broken.
    """
    folder = Path(folder)
    files = sorted((folder / "annotations").glob("instances_*.json"))
    if not files:
        fail(str(folder), "a folder with annotations/instances_<part>.json", "none of these files")
    return [_part(folder, path) for path in files]


@dataclass(frozen=True, slots=True)
class Instance:
    """One annotation: what it shows, and its mask as polygons, run lengths or a compressed code."""

    segment: Segment
    segmentation: Any


def map_of_annotations(
    rows: Sequence[Mapping[str, Any]], categories: Categories, *, size: tuple[int, int]
) -> PanopticMap:
    """The map of annotations with `category_id`, `segmentation`, perhaps `iscrowd` and `score`.

    Raises:
        ValueError: An annotation is of no known category, or its mask is none.
    """
    report = Report(Path("annotations"), stop_at_first)
    instances = [_instance(row, n, categories, report) for n, row in enumerate(rows, start=1)]
    return map_of_instances(instances, categories, size=size)


def map_of_instances(
    instances: Sequence[Instance], categories: Categories, *, size: tuple[int, int]
) -> PanopticMap:
    """The map of instances, whose ids are their own; those that show no pixel are left out."""
    things = {row.id for row in categories.things}
    masks = [mask_of_segmentation(one.segmentation, size=size) for one in instances]

    def depth(n: int) -> tuple[bool, bool, int]:
        segment = instances[n].segment
        return segment.category_id in things, not segment.is_crowd, -int(masks[n].sum())

    ids = np.zeros(size, np.int64)
    for n in sorted(range(len(instances)), key=depth):
        ids[masks[n]] = instances[n].segment.id
    return PanopticMap.keeping_visible(ids, [instance.segment for instance in instances])


def mask_of_segmentation(segmentation: Any, *, size: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """The mask of polygons, of a list of run lengths, or of a compressed code.

    Raises:
        ValueError: It is none of these, or a code of another size.
    """
    height, width = size
    if segmentation is None:
        return np.zeros(size, bool)
    if isinstance(segmentation, list):
        from pycocotools import mask

        polygons: Any = [_polygon(points, size) for points in segmentation]
        if not polygons:
            return np.zeros(size, bool)
        code: Any = mask.merge(mask.frPyObjects(polygons, height, width))
        return mask_of_counts(code["counts"], size=size)
    if not isinstance(segmentation, Mapping) or not {"size", "counts"} <= segmentation.keys():
        fail("segmentation", "polygons, or run lengths with `size` and `counts`", kind_of(segmentation))
    if [whole_number(side) for side in segmentation["size"]] != [*size]:
        fail("segmentation", f"of {height}x{width} pixels as its image", segmentation["size"])
    return mask_of_counts(segmentation["counts"], size=size)


def _polygon(points: Any, size: tuple[int, int]) -> list[float]:
    """Checked here: pycocotools' native code takes numbers far outside of the image, and is lost in them."""
    flat = np.asarray(points, np.float64)
    if flat.ndim != 1 or len(flat) < 6 or len(flat) % 2:
        fail("segmentation", "made of polygons x, y, x, y, ... of at least three points", f"{flat.shape}")
    far = 2 * max(size)
    if not (np.abs(flat) <= far).all():
        fail("segmentation", f"made of points in the image or near it, within {far} pixels", flat.tolist())
    return flat.tolist()


def write_map(root: Path, part: SourcePart, one: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Bring the photo along; the annotations of the image are the row."""
    copy_image(one, root / (part.name or "images") / one.image_file)
    rows = annotations_of(panoptic_map)
    height, width = panoptic_map.size
    image = {"id": one.image_id, "file_name": one.image_file, "height": height, "width": width}
    return {"image": image, "annotations": rows}


def write_jsons(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """Write `instances_<part>.json` and `stuff_<part>.json`."""
    name = part.name or "all"
    for kind, categories in (("instances", part.categories.things), ("stuff", part.categories.stuff)):
        write_json(root / "annotations" / f"{kind}_{name}.json", _content(rows, categories))


TARGET = Target(write_map, write_jsons, read_coco_instances, keeps_file_names=True)


def _content(rows: Sequence[dict[str, Any]], categories: Iterable[Category]) -> dict[str, Any]:
    shown = {
        row.id: {"id": row.id, "name": row.name, "isthing": int(row.is_thing), "color": list(row.color)}
        for row in categories
    }
    pairs = [(row["image"]["id"], one) for row in rows for one in row["annotations"]]
    kept = [(image_id, one) for image_id, one in pairs if one["category_id"] in shown]
    annotations = [{"id": n, "image_id": image_id, **one} for n, (image_id, one) in enumerate(kept, start=1)]
    return {
        "images": [row["image"] for row in rows],
        "annotations": annotations,
        "categories": list(shown.values()),
    }


def _instance(row: Mapping[str, Any], id: int, categories: Categories, report: Report) -> Instance:
    where = f"image {row.get('image_id', '')}, annotation {row.get('id', '')}"
    segment = read_segment(row, id, categories, report, where=where)
    assert segment is not None, "a strict report has raised"
    return Instance(segment, row.get("segmentation"))


def _part(folder: Path, path: Path) -> SourcePart:
    name = path.stem.removeprefix("instances_")
    report = Report(path, stop_at_first)
    stuff_path = path.with_name(f"stuff_{name}.json")
    content = load_coco(path, kind=KIND)
    stuff = load_coco(stuff_path, kind=KIND) if stuff_path.is_file() else None
    with naming(path):
        categories = _categories(content, stuff, report)
    images = read_images(content, report)
    instances: dict[ImageId, list[Instance]] = {id: [] for id in images}
    for source in (content, stuff):
        rows = rows_of(source, "annotations", report) if source else ()
        for number, row in enumerate(rows):
            with naming(path, f"annotation {number}"):
                image_id = image_id_of(row["image_id"])
                if image_id not in images:
                    report("made of annotations of listed images", f"one of image {image_id!r}")
                of_image = instances[image_id]
                of_image.append(_instance(row, len(of_image) + 1, categories, report))
    maps = tuple(_source_map(folder, path, row, instances[id], categories) for id, row in images.items())
    return SourcePart({"all": ""}.get(name, name.removesuffix("2017")), categories, maps)


def _categories(content: Mapping[str, Any], stuff: Mapping[str, Any] | None, report: Report) -> Categories:
    """Things of the one file and stuff of the other, unless they say themselves what they are."""
    rows = []
    for source, is_thing in ((content, 1), (stuff, 0)):
        for row in rows_of(source, "categories", report) if source else ():
            given = row.get("isthing")
            rows.append({**row, "isthing": is_thing if given is None else given})
    return Categories.from_coco(rows)


def _source_map(
    folder: Path, path: Path, image: ImageRow, instances: Sequence[Instance], categories: Categories
) -> SourceMap:
    part = path.stem.removeprefix("instances_")
    places = [folder / part / image.file_name, folder / "images" / image.file_name]
    shown = next((place for place in places if place.is_file()), None)
    size = image.height, image.width
    if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        expected = f"of an image of 1 to {MAX_PIXELS} pixels"
        fail("height", expected, f"{size[0]}x{size[1]} for {image.file_name!r}")
    map_file = Path(image.file_name).with_suffix(".png").as_posix().replace("/", "_")
    read = partial(_read, path, instances, categories, size)
    return SourceMap(image.id, image.file_name, map_file, shown, read)


def _read(
    path: Path, instances: Sequence[Instance], categories: Categories, size: tuple[int, int]
) -> PanopticMap:
    with naming(path):
        return map_of_instances(instances, categories, size=size)
