"""ADE20K for scene parsing: `annotations/` of categories, `annotations_instance/` of things."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from intarsia._check import fail, nearest
from intarsia._files import whole
from intarsia.formats.label_image import read_labels
from intarsia.formats.source import (
    SourceMap,
    SourcePart,
    Target,
    check_no_crowd,
    check_one_stuff_segment_a_category,
    copy_image,
    write_values,
)
from intarsia.panoptic import Categories, PanopticMap, Segment

SPLITS = {"training": "train", "validation": "val"}
FOLDER_OF_SPLIT = {name: folder for folder, name in SPLITS.items()}
MAX_INSTANCES = 255


def read_ade20k(folder: str | Path) -> list[SourcePart]:
    """The splits of an `ADEChallengeData2016` folder; categories are numbered 0 ... 149.

    Raises:
        ValueError: `annotations/` or `annotations_instance/` is missing.
    """
    folder = Path(folder)
    splits = sorted(path.name for path in (folder / "annotations").glob("*") if path.is_dir())
    if not splits:
        fail(str(folder), "an ADE20K folder with annotations/training or annotations/validation", "neither")
    for split in splits:
        if not (folder / "annotations_instance" / split).is_dir():
            fail(
                str(folder / "annotations_instance" / split), "the folder of instance maps", "no such folder"
            )
    return [_part(folder, split) for split in splits]


def map_of_ade20k(
    semantic: Int[np.ndarray, "h w"], instances: UInt8[np.ndarray, "rows columns 3"]
) -> PanopticMap:
    """The map of an image: stuff from the one file, things over it from the other.

    Args:
        semantic: Category index + 1; 0 is void. Its things count only where `instances` has them.
        instances: Red is the number of the thing among the 100 things, green that of the instance; 0 is none.

    Example:
        >>> instances = np.zeros((1, 4, 3), np.uint8); instances[0, :2] = (1, 1, 0), (1, 2, 0)
        >>> panoptic_map = map_of_ade20k(np.array([[8, 8, 1, 0]]), instances)
        >>> panoptic_map.ids.tolist(), [segment.category_id for segment in panoptic_map.segments]
        ([[2, 3, 1, 0]], [0, 7, 7])
    """
    categories = Categories.named("ade20k")
    if semantic.shape != instances.shape[:2]:
        fail("instances", f"as large as the categories' map, {semantic.shape}", instances.shape[:2])
    stuff = np.isin(semantic, [row.id + 1 for row in categories.stuff])
    pairs = instances[..., 0].astype(np.int64) * (MAX_INSTANCES + 1) + instances[..., 1]
    is_thing = instances[..., 1] > 0
    keys = np.where(is_thing, pairs + 1000, np.where(stuff, semantic, 0))  # 151 categories are below 1000
    shown, inverse = np.unique(keys, return_inverse=True)
    number = np.where(shown > 0, np.cumsum(shown > 0), 0)
    segments = [
        Segment(int(n), _category_of(int(key), categories)) for n, key in zip(number, shown, strict=True) if n
    ]
    return PanopticMap(number[inverse].reshape(keys.shape), segments)


def ade20k_of_map(
    panoptic_map: PanopticMap, categories: Categories
) -> tuple[Int[np.ndarray, "h w"], UInt8[np.ndarray, "h w 3"]]:
    """The two images of a map whose categories have ADE20K's names, whatever their ids.

    Raises:
        ValueError: A category is none of ADE20K's, or there is a crowd, two stuff segments of a category, or
            more than 255 things.
    """
    check_no_crowd(panoptic_map.segments, "ADE20K")
    check_one_stuff_segment_a_category(panoptic_map.segments, categories)
    table = Categories.named("ade20k")
    row_of_name = {row.name: row for row in table}
    thing_number = {row.id: number for number, row in enumerate(table.things, start=1)}
    semantic, instances = np.zeros(panoptic_map.size, np.int64), np.zeros((*panoptic_map.size, 3), np.uint8)
    count = Counter[str]()
    for segment in panoptic_map.segments:
        name = categories[categories.index_of(segment.category_id)].name
        if name not in row_of_name:
            fail("category", "one of ADE20K's", repr(name), hint=nearest(name, row_of_name))
        row, mask = row_of_name[name], panoptic_map.mask(segment.id)
        semantic[mask] = row.id + 1
        if row.is_thing:
            count["things"] += 1
            if count["things"] > MAX_INSTANCES:
                fail("segments", f"at most {MAX_INSTANCES} things in an image of ADE20K", "more")
            instances[mask] = (thing_number[row.id], count["things"], 0)
    return semantic, instances


def write_map(root: Path, part: SourcePart, source: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write both annotations and the photo of one image."""
    semantic, instances = ade20k_of_map(panoptic_map, part.categories)
    split = FOLDER_OF_SPLIT.get(part.name, part.name or "training")
    write_values(root / "annotations" / split / f"{source.name}.png", semantic)
    path = root / "annotations_instance" / split / f"{source.name}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial_file:
        Image.fromarray(instances).save(partial_file, format="PNG", compress_level=1)
    copy_image(source, root / "images" / split / f"{source.name}{Path(source.image_file).suffix or '.jpg'}")
    return {}


def _nothing(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """ADE20K has no file for all images."""


TARGET = Target(write_map, _nothing, read_ade20k)


def _category_of(key: int, categories: Categories) -> int:
    if key < 1000:
        return key - 1
    number = (key - 1000) // (MAX_INSTANCES + 1)
    if not 1 <= number <= len(categories.things):
        fail("instances", f"of things 1 ... {len(categories.things)} in red", number)
    return categories.things[number - 1].id


def _part(folder: Path, split: str) -> SourcePart:
    maps = []
    for path in sorted((folder / "annotations" / split).glob("*.png")):
        images = [folder / "images" / split / (path.stem + suffix) for suffix in (".jpg", ".png")]
        image = next((image for image in images if image.exists()), images[0])
        read = partial(_read, path, folder / "annotations_instance" / split / path.name)
        maps.append(SourceMap(path.stem, image.name, path.name, image if image.exists() else None, read))
    return SourcePart(SPLITS.get(split, split), Categories.named("ade20k"), tuple(maps))


def _read(semantic: Path, instances: Path) -> PanopticMap:
    try:
        with Image.open(instances) as image:
            colors = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError) as error:
        fail(str(instances), "a readable instance map", f"{type(error).__name__}: {error}")
    return map_of_ade20k(read_labels(semantic)[0], colors)
