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
from intarsia.formats.category_map import BACKGROUND, VOID, with_background
from intarsia.formats.coco import map_files_of
from intarsia.formats.coco_json import (
    ImageId,
    ImageRow,
    image_id_of,
    load_coco,
    read_images,
    read_segment,
    rows_of,
)
from intarsia.formats.instances_file import annotations_of
from intarsia.formats.instances_places import InstancesPlace, find_instances
from intarsia.formats.json_file import naming, write_json
from intarsia.formats.photos import find_photos
from intarsia.formats.problems import Report, kind_of, stop_at_first
from intarsia.formats.run_lengths import mask_of_counts
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image
from intarsia.panoptic import VOID_ID, Categories, Category, PanopticMap, Segment

MAX_PIXELS = 1 << 28
"""Nothing shows what size a JSON's image really has: a wrong one must not take all memory."""
KIND = "COCO instances JSON"


def read_coco_instances(folder: str | Path, *, background: str = BACKGROUND.name) -> list[SourcePart]:
    """The parts of a data set of single instances, in the layouts that `find_instances` knows.

    Masks may overlap in this format. Things lie on stuff and on crowds; of two things the smaller one is on
    top, of equal ones the later. What is hidden altogether is left out.

    Args:
        folder: The data set, or one JSON.
        background: The name of the stuff category that uncovered pixels are; "void" makes them void, and so
            they are where the data set has stuff of its own.

    Raises:
        ValueError: No such JSON is there, or one is broken.
    """
    places = find_instances(folder)
    if not places:
        expected = "a folder with annotations/instances_PART.json, PART/_annotations.coco.json or one JSON"
        fail(str(folder), expected, "none of these files")
    return [_part(place, background) for place in places]


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
    instances: Sequence[Instance],
    categories: Categories,
    *,
    size: tuple[int, int],
    uncovered: Segment | None = None,
) -> PanopticMap:
    """The map of instances, whose ids are their own; those that show no pixel are left out.

    Args:
        instances: In any order.
        categories: Which of them are things.
        size: Height and width of the image.
        uncovered: The segment of pixels that no instance covers; by default they are void.
    """
    things = {row.id for row in categories.things}
    masks = [mask_of_segmentation(instance.segmentation, size=size) for instance in instances]

    def depth(n: int) -> tuple[bool, bool, int]:
        segment = instances[n].segment
        return segment.category_id in things, not segment.is_crowd, -int(masks[n].sum())

    ids = np.zeros(size, np.int64)
    for n in sorted(range(len(instances)), key=depth):
        ids[masks[n]] = instances[n].segment.id
    segments = [instance.segment for instance in instances]
    if uncovered is not None:
        ids[ids == VOID_ID] = uncovered.id
        segments.append(uncovered)
    return PanopticMap.keeping_visible(ids, segments)


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


def write_map(root: Path, part: SourcePart, source: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Bring the photo along; the annotations of the image are the row."""
    copy_image(source, root / (part.name or "images") / source.image_file)
    rows = annotations_of(panoptic_map)
    height, width = panoptic_map.size
    image = {"id": source.image_id, "file_name": source.image_file, "height": height, "width": width}
    return {"image": image, "annotations": rows}


def write_jsons(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """Write `instances_<part>.json` and `stuff_<part>.json`."""
    name = part.name or "all"
    for kind, categories in (("instances", part.categories.things), ("stuff", part.categories.stuff)):
        write_json(root / "annotations" / f"{kind}_{name}.json", _content(rows, categories))


TARGET = Target(write_map, write_jsons, read_coco_instances, keeps_file_names=True)


def _content(rows: Sequence[dict[str, Any]], categories: Iterable[Category]) -> dict[str, Any]:
    category_rows = {
        row.id: {"id": row.id, "name": row.name, "isthing": int(row.is_thing), "color": list(row.color)}
        for row in categories
    }
    pairs = [(row["image"]["id"], annotation) for row in rows for annotation in row["annotations"]]
    pairs_of_categories = [
        (image_id, annotation) for image_id, annotation in pairs if annotation["category_id"] in category_rows
    ]
    annotations = [
        {"id": n, "image_id": image_id, **annotation}
        for n, (image_id, annotation) in enumerate(pairs_of_categories, start=1)
    ]
    return {
        "images": [row["image"] for row in rows],
        "annotations": annotations,
        "categories": list(category_rows.values()),
    }


def _instance(row: Mapping[str, Any], id: int, categories: Categories, report: Report) -> Instance:
    where = f"image {row.get('image_id', '')}, annotation {row.get('id', '')}"
    segment = read_segment(row, id, categories, report, where=where)
    assert segment is not None, "a strict report has raised"
    return Instance(segment, row.get("segmentation"))


def _part(place: InstancesPlace, background: str) -> SourcePart:
    path = place.json_path
    report = Report(path, stop_at_first)
    content = load_coco(path, kind=KIND)
    stuff = load_coco(place.stuff_path, kind=KIND) if place.stuff_path else None
    # what covers what no instance does: nothing, where the data have stuff of their own
    with naming(path):
        categories = _categories(content, stuff, report)
        others = [row for row in categories.stuff if row.name != background]
        ground = None if stuff is not None or others or background == VOID else background
        categories = categories if ground is None else with_background(categories, ground)
    # the instances of each image, and its stuff
    images = read_images(content, report)
    instances: dict[ImageId, list[Instance]] = {id: [] for id in images}
    for source in (content, stuff):
        if source is not None:
            _add_instances(instances, rows_of(source, "annotations", report), categories, report)
    # a map for each image, drawn when it is read
    _check_images(images.values(), report)
    photos = find_photos((image.file_name for image in images.values()), place.folders)
    map_files = map_files_of([image.file_name for image in images.values()])
    maps = tuple(
        SourceMap(
            id,
            image.file_name,
            map_file,
            photos.get(image.file_name),
            partial(_read, path, instances[id], categories, (image.height, image.width), ground),
            listed=len(instances[id]),
            implied=None if ground is None else len(instances[id]) + 1,
        )
        for (id, image), map_file in zip(images.items(), map_files, strict=True)
    )
    # the first folder that is there, for messages and pictures
    folder = next((place for place in place.folders if place.is_dir()), place.folders[0])
    return SourcePart(place.name, categories, maps, photo_folder=folder)


def _add_instances(
    instances: dict[ImageId, list[Instance]], rows: Iterable[Any], categories: Categories, report: Report
) -> None:
    """Give each image the instances that annotations have of it."""
    for number, row in enumerate(rows):
        with naming(report.path, f"annotation {number}"):
            image_id = image_id_of(row["image_id"])
            if image_id not in instances:
                report("made of annotations of listed images", f"one of image {image_id!r}")
            of_image = instances[image_id]
            of_image.append(_instance(row, len(of_image) + 1, categories, report))


def _check_images(images: Iterable[ImageRow], report: Report) -> None:
    """Every image has a name and a size that is possible: from these alone maps are drawn."""
    for image in images:
        if not image.file_name:
            report("one with a `file_name` for each image", f"none for image {image.id!r}")
        if not 0 < image.height * image.width <= MAX_PIXELS:
            size = f"{image.height}x{image.width} for {image.file_name!r}"
            report(f"one of images of 1 to {MAX_PIXELS} pixels", size)


def _categories(content: Mapping[str, Any], stuff: Mapping[str, Any] | None, report: Report) -> Categories:
    """Things of the one file and stuff of the other, unless they say themselves what they are."""
    rows = []
    for source, is_thing in ((content, 1), (stuff, 0)):
        for row in rows_of(source, "categories", report) if source else ():
            given = row.get("isthing", 0 if row.get("name") == BACKGROUND.name else None)
            rows.append({**row, "isthing": is_thing if given is None else given})
    return Categories.from_coco(rows)


def _read(
    path: Path,
    instances: Sequence[Instance],
    categories: Categories,
    size: tuple[int, int],
    ground: str | None,
) -> PanopticMap:
    uncovered = None
    if ground is not None:
        uncovered = Segment(len(instances) + 1, next(row.id for row in categories if row.name == ground))
    with naming(path):
        return map_of_instances(instances, categories, size=size, uncovered=uncovered)
