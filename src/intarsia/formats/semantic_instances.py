"""Two images a photo: `semantic/` of category ids and `instances/` of numbers, and `categories.json`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from intarsia._check import fail
from intarsia.formats.json_file import naming, read_json, write_json
from intarsia.formats.label_image import map_of_semantic_and_instances, read_labels
from intarsia.formats.source import (
    SourceMap,
    SourcePart,
    Target,
    check_one_stuff_segment_a_category,
    copy_image,
    part_folders,
    write_values,
)
from intarsia.panoptic import VOID_INDEX, Categories, PanopticMap
from intarsia.pictures.suffixes import is_picture_name


def read_semantic_instances(folder: str | Path) -> list[SourcePart]:
    """The parts of a folder with `semantic/`, `instances/`, `categories.json`, or of `train/`, `val/` in it.

    The JSON has `categories` as COCO's, and perhaps `void`, the value of `semantic` that means none (255). In
    `instances`, stuff has 0; a thing of number 0 is a crowd.

    Raises:
        ValueError: A folder or the JSON is missing or broken.
    """
    folder = Path(folder)
    return [_part(name, place) for name, place in part_folders(folder, "semantic")]


def semantic_and_instances_of(
    panoptic_map: PanopticMap, categories: Categories, *, void: int = VOID_INDEX
) -> tuple[Int[np.ndarray, "h w"], Int[np.ndarray, "h w"]]:
    """Category ids, and the numbers of things from 1; crowds and stuff have number 0.

    Raises:
        ValueError: There are two stuff segments or two crowds of a category, which this cannot tell apart.

    Example:
        >>> panoptic_map = map_of_semantic_and_instances(np.array([[3, 3, 6, 255]]), np.array([[1, 2, 0, 0]]))
        >>> semantic, instances = semantic_and_instances_of(panoptic_map, Categories.named("facades"))
        >>> semantic.tolist(), instances.tolist()
        ([[3, 3, 6, 255]], [[1, 2, 0, 0]])
    """
    check_one_stuff_segment_a_category(panoptic_map.segments, categories)
    ids = np.array([row.id for row in categories] + [void])
    return ids[np.minimum(panoptic_map.semantic(categories), len(categories))], panoptic_map.instances(
        categories
    )


def write_map(root: Path, part: SourcePart, source: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write both images and the photo."""
    folder, void = root / part.name, void_value(part.categories)
    semantic, instances = semantic_and_instances_of(panoptic_map, part.categories, void=void)
    write_values(folder / "semantic" / f"{source.name}.png", semantic)
    write_values(folder / "instances" / f"{source.name}.png", instances)
    copy_image(source, folder / "images" / f"{source.name}{Path(source.image_file).suffix or '.png'}")
    return {}


def write_categories(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """Write `categories.json`."""
    content = {"categories": part.categories.to_coco(), "void": void_value(part.categories)}
    write_json(root / part.name / "categories.json", content)


TARGET = Target(write_map, write_categories, read_semantic_instances)


def void_value(categories: Categories) -> int:
    """The value of semantic maps for no category: 255, or the one behind the last id where that is larger.

    Example:
        >>> void_value(Categories.named("coco")), void_value(Categories.named("ade20k"))
        (255, 255)
    """
    return max(VOID_INDEX, *(row.id + 1 for row in categories))


def read_categories(path: Path) -> tuple[Categories, int]:
    """The categories of `categories.json`, and the value that means none of them.

    Raises:
        ValueError: It is no JSON with categories.
    """
    content = read_json(path, "JSON with categories")
    with naming(path):
        return Categories.from_coco(content), int(content.get("void", VOID_INDEX))


def _part(name: str, folder: Path) -> SourcePart:
    for needed in ("semantic", "instances", "categories.json"):
        if not (folder / needed).exists():
            fail(str(folder), "a folder with semantic/, instances/ and categories.json", f"no {needed}")
    categories, void = read_categories(folder / "categories.json")
    images = {p.stem: p for p in (folder / "images").glob("*") if is_picture_name(p)}
    maps = []
    for semantic in sorted((folder / "semantic").glob("*.png")):
        image = images.get(semantic.stem)
        read = partial(_read, semantic, folder / "instances" / semantic.name, void, categories)
        image_file = image.name if image else semantic.name
        maps.append(SourceMap(semantic.stem, image_file, semantic.name, image, read))
    return SourcePart(name, categories, tuple(maps))


def _read(semantic: Path, instances: Path, void: int, categories: Categories) -> PanopticMap:
    values, numbers = read_labels(semantic)[0], read_labels(instances)[0]
    with naming(semantic):
        panoptic_map = map_of_semantic_and_instances(values, numbers, void=void, categories=categories)
        for segment in panoptic_map.segments:
            categories.index_of(segment.category_id)
    return panoptic_map
