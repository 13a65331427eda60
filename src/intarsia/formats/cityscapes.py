"""Cityscapes: `gtFine/<split>/<city>/*_gtFine_instanceIds.png`, 16-bit, label or label * 1000 + instance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from intarsia._check import fail, nearest
from intarsia.formats.label_image import read_labels
from intarsia.formats.source import (
    SourceMap,
    SourcePart,
    Target,
    check_one_stuff_segment_a_category,
    copy_image,
    write_values,
)
from intarsia.panoptic import Categories, PanopticMap, Segment

SUFFIX = "_gtFine_instanceIds.png"
FIRST_INSTANCE = 1000


def read_cityscapes(
    folder: str | Path, *, train_ids: bool = False, every_label: bool = False
) -> list[SourcePart]:
    """The splits of a Cityscapes folder, segment for segment as the official converter makes them.

    Args:
        folder: Holds `gtFine/` and perhaps `leftImg8bit/`.
        train_ids: Number the categories 0 ... 18 (train ids) instead of by label id.
        every_label: Keep the labels that are not evaluated, but for 0 (unlabeled), which is void.

    Raises:
        ValueError: No instance maps are there.
    """
    folder = Path(folder)
    categories = cityscapes_categories(train_ids=train_ids, every_label=every_label)
    parts = []
    for split in sorted(path.name for path in (folder / "gtFine").glob("*") if path.is_dir()):
        files = sorted((folder / "gtFine" / split).glob(f"*/*{SUFFIX}"))
        if files:
            read = partial(_read, train_ids=train_ids, every_label=every_label)
            maps = tuple(_source_map(path, folder, split, partial(read, path)) for path in files)
            parts.append(SourcePart(split, categories, maps))
    if not parts:
        fail(str(folder), f"a Cityscapes folder with gtFine/<split>/<city>/*{SUFFIX}", "none of these files")
    return parts


def cityscapes_categories(*, train_ids: bool = False, every_label: bool = False) -> Categories:
    """The 19 categories that are evaluated, by label id or by train id; or all 34 labels."""
    if every_label:
        return Categories.named("cityscapes-raw")
    rows = Categories.named("cityscapes")
    return Categories(replace(row, id=index) for index, row in enumerate(rows)) if train_ids else rows


def map_of_instance_ids(
    values: Int[np.ndarray, "h w"], *, train_ids: bool = False, every_label: bool = False
) -> PanopticMap:
    """The map of an `instanceIds` image: things below 1000 are crowds, labels not evaluated void.

    Example:
        >>> panoptic_map = map_of_instance_ids(np.array([[26001, 26, 7, 3]]))
        >>> [(s.id, s.category_id, s.is_crowd) for s in panoptic_map.segments]
        [(7, 7, False), (26, 26, True), (26001, 26, False)]
    """
    categories = cityscapes_categories(every_label=every_label)
    things = {row.id for row in categories.things}
    segments = []
    for id in np.unique(values).tolist():
        label = id if id < FIRST_INSTANCE else id // FIRST_INSTANCE
        if label in categories and id != 0:
            shown = categories.index_of(label) if train_ids else label
            segments.append(Segment(id, shown, is_crowd=id < FIRST_INSTANCE and label in things))
    ids = np.where(np.isin(values, [segment.id for segment in segments]), values, 0)
    return PanopticMap(ids, segments)


def instance_ids_of(panoptic_map: PanopticMap, categories: Categories) -> Int[np.ndarray, "h w"]:
    """The `instanceIds` image of a map whose categories have Cityscapes' names, whatever their ids.

    A thing keeps its id if it is of the form label * 1000 + number; others get the numbers that are left.

    Raises:
        ValueError: A category is none of Cityscapes', or the format cannot tell two segments apart: stuff or
            crowds of one category, or more than 1000 instances.

    Example:
        >>> panoptic_map = map_of_instance_ids(np.array([[26001, 26, 7, 3]]))
        >>> instance_ids_of(panoptic_map, Categories.named("cityscapes")).tolist()
        [[26001, 26, 7, 0]]
    """
    check_one_stuff_segment_a_category(panoptic_map.segments, categories)
    label_of_name = {row.name: row for row in Categories.named("cityscapes-raw")}
    values: dict[int, int] = {}
    instance_rows: list[tuple[int, int]] = []
    for segment in panoptic_map.segments:
        name = categories[categories.index_of(segment.category_id)].name
        if name not in label_of_name:
            fail("category", "one of Cityscapes'", repr(name), hint=nearest(name, label_of_name))
        row = label_of_name[name]
        # an id that is a value of its label stays; the others are numbered below
        if segment.is_crowd or not row.is_thing:
            values[segment.id] = row.id
        elif segment.id // FIRST_INSTANCE == row.id:
            values[segment.id] = segment.id
        else:
            instance_rows.append((segment.id, row.id))
    # the least number of each label that is free
    taken = set(values.values())
    for id, label in instance_rows:
        numbers = range(label * FIRST_INSTANCE, (label + 1) * FIRST_INSTANCE)
        value = next((number for number in numbers if number not in taken), None)
        if value is None:
            fail("segments", f"at most {FIRST_INSTANCE} instances of a category", f"more of label {label}")
        taken.add(value)
        values[id] = value
    return _relabel(panoptic_map.ids, values)


def write_map(root: Path, part: SourcePart, source: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write `instanceIds`, `labelIds`, `labelTrainIds` and the photo of one image."""
    values = instance_ids_of(panoptic_map, part.categories)
    labels = np.where(values < FIRST_INSTANCE, values, values // FIRST_INSTANCE)
    train_ids = {row.id: index for index, row in enumerate(Categories.named("cityscapes"))}
    split, city = part.name or "train", source.name.partition("_")[0]
    stem = root / "gtFine" / split / city / f"{source.name}_gtFine"
    write_values(stem.with_name(f"{stem.name}_instanceIds.png"), values)
    write_values(stem.with_name(f"{stem.name}_labelIds.png"), labels)
    write_values(stem.with_name(f"{stem.name}_labelTrainIds.png"), _relabel(labels, train_ids, other=255))
    copy_image(source, root / "leftImg8bit" / split / city / f"{source.name}_leftImg8bit.png")
    return {}


TARGET = Target(write_map, lambda root, part, rows: None, partial(read_cityscapes, every_label=True))


def _relabel(
    ids: Int[np.ndarray, "h w"], value_of: Mapping[int, int], *, other: int = 0
) -> Int[np.ndarray, "h w"]:
    shown, inverse = np.unique(ids, return_inverse=True)
    return np.array([value_of.get(id, other) for id in shown.tolist()])[inverse].reshape(ids.shape)


def _source_map(path: Path, folder: Path, split: str, read_map: Callable[[], PanopticMap]) -> SourceMap:
    name = path.name.removesuffix(SUFFIX)
    image = folder / "leftImg8bit" / split / path.parent.name / f"{name}_leftImg8bit.png"
    return SourceMap(
        image_id=name,
        image_file=f"{name}_gtFine_leftImg8bit.png",  # as the official converter names it
        map_file=f"{name}_gtFine_panoptic.png",
        image_path=image if image.exists() else None,
        read=read_map,
    )


def _read(path: Path, *, train_ids: bool, every_label: bool) -> PanopticMap:
    return map_of_instance_ids(read_labels(path)[0], train_ids=train_ids, every_label=every_label)
