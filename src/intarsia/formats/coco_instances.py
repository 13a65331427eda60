"""COCO's detection format: `annotations/instances_*.json` of things and `stuff_*.json` beside it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool

from intarsia._check import fail
from intarsia.formats.coco import load_coco
from intarsia.formats.instances_file import annotations_of
from intarsia.formats.json_file import naming, write_json
from intarsia.formats.run_lengths import mask_of_counts
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image
from intarsia.panoptic import Categories, Category, PanopticMap, Segment

MAX_PIXELS = 1 << 28
"""Nothing shows what size a JSON's image really has: a wrong one must not take all memory."""
KEYS = ("categories", "images", "annotations")


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


def map_of_annotations(
    rows: Sequence[Mapping[str, Any]], categories: Categories, *, size: tuple[int, int]
) -> PanopticMap:
    """The map of annotations with `category_id`, `segmentation`, perhaps `iscrowd` and `score`."""
    things = {row.id for row in categories.things}
    masks = [mask_of_segmentation(row["segmentation"], size=size) for row in rows]

    def depth(n: int) -> tuple[bool, bool, int]:
        return rows[n]["category_id"] in things, not rows[n].get("iscrowd", 0), -int(masks[n].sum())

    ids = np.zeros(size, np.int64)
    for n in sorted(range(len(rows)), key=depth):
        ids[masks[n]] = n + 1
    segments = [
        Segment(n, int(row["category_id"]), float(row.get("score", 1.0)), bool(row.get("iscrowd", 0)))
        for n, row in enumerate(rows, start=1)
    ]
    return PanopticMap.keeping_visible(ids, segments)


def mask_of_segmentation(segmentation: Any, *, size: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """The mask of polygons, of a list of run lengths, or of a compressed code.

    Raises:
        ValueError: It is none of these, or a code of another size.
    """
    height, width = size
    if isinstance(segmentation, list):
        from pycocotools import mask

        polygons: Any = [_polygon(points, size) for points in segmentation]
        if not polygons:
            return np.zeros(size, bool)
        code: Any = mask.merge(mask.frPyObjects(polygons, height, width))
        return mask_of_counts(code["counts"], size=size)
    if tuple(segmentation["size"]) != size:
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


def _part(folder: Path, path: Path) -> SourcePart:
    name = path.stem.removeprefix("instances_")
    stuff_path = path.with_name(f"stuff_{name}.json")
    with naming(path):
        content = load_coco(path, keys=KEYS)
        stuff = load_coco(stuff_path, keys=KEYS) if stuff_path.is_file() else None
        rows = [{"isthing": 1, **row} for row in content["categories"]]
        rows += [{"isthing": 0, **row} for row in (stuff["categories"] if stuff else ())]
        categories = Categories.from_coco(rows)
        annotations: dict[int | str, list[Mapping[str, Any]]] = {row["id"]: [] for row in content["images"]}
        for row in [*content["annotations"], *(stuff["annotations"] if stuff else ())]:
            if row["image_id"] not in annotations:
                fail("image_id", "of an image in the list `images`", row["image_id"])
            categories.index_of(row["category_id"])
            annotations[row["image_id"]].append(row)
        maps = [
            _source_map(folder, path, row, annotations[row["id"]], categories) for row in content["images"]
        ]
    return SourcePart({"all": ""}.get(name, name.removesuffix("2017")), categories, tuple(maps))


def _source_map(
    folder: Path,
    path: Path,
    image: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    categories: Categories,
) -> SourceMap:
    file_name = str(image["file_name"])
    part = path.stem.removeprefix("instances_")
    places = [folder / part / file_name, folder / "images" / file_name]
    shown = next((place for place in places if place.is_file()), None)
    size = int(image["height"]), int(image["width"])
    if min(size) < 1 or size[0] * size[1] > MAX_PIXELS:
        fail("height", f"of an image of 1 to {MAX_PIXELS} pixels", f"{size[0]}x{size[1]} for {file_name!r}")
    map_file = Path(file_name).with_suffix(".png").as_posix().replace("/", "_")
    read = partial(_read, path, rows, categories, size)
    return SourceMap(image["id"], file_name, map_file, shown, read)


def _read(
    path: Path, rows: Sequence[Mapping[str, Any]], categories: Categories, size: tuple[int, int]
) -> PanopticMap:
    with naming(path):
        return map_of_annotations(rows, categories, size=size)
