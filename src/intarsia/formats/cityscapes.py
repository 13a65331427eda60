"""Cityscapes: `gtFine/<split>/<city>/*_gtFine_instanceIds.png`, 16-bit, label or label * 1000 + instance."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int

from intarsia._check import fail
from intarsia.formats.label_image import read_labels
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import Categories, PanopticMap, Segment

SUFFIX = "_gtFine_instanceIds.png"
FIRST_INSTANCE = 1000


def read_cityscapes(folder: str | Path, *, train_ids: bool = False) -> list[SourcePart]:
    """The splits of a Cityscapes folder, segment for segment as the official converter makes them.

    Args:
        folder: Holds `gtFine/` and perhaps `leftImg8bit/`.
        train_ids: Number the categories 0 ... 18 (train ids) instead of by label id.

    Raises:
        ValueError: No instance maps are there.
    """
    folder = Path(folder)
    categories = cityscapes_categories(train_ids=train_ids)
    parts = []
    for split in ("train", "val", "test"):
        files = sorted((folder / "gtFine" / split).glob(f"*/*{SUFFIX}"))
        if files:
            maps = tuple(_source_map(path, folder, split, train_ids) for path in files)
            parts.append(SourcePart(split, categories, maps))
    if not parts:
        fail(str(folder), f"a Cityscapes folder with gtFine/<split>/<city>/*{SUFFIX}", "none of these files")
    return parts


def cityscapes_categories(*, train_ids: bool) -> Categories:
    """The 19 categories that are evaluated, by label id or by train id."""
    rows = Categories.named("cityscapes")
    return Categories(replace(row, id=index) for index, row in enumerate(rows)) if train_ids else rows


def map_of_instance_ids(values: Int[np.ndarray, "h w"], *, train_ids: bool = False) -> PanopticMap:
    """The map of an `instanceIds` image: things below 1000 are crowds, labels not evaluated void.

    Example:
        >>> one = map_of_instance_ids(np.array([[26001, 26, 7, 3]]))
        >>> [(s.id, s.category_id, s.is_crowd) for s in one.segments]
        [(7, 7, False), (26, 26, True), (26001, 26, False)]
    """
    categories = Categories.named("cityscapes")
    things = {row.id for row in categories.things}
    segments = []
    for id in np.unique(values).tolist():
        label = id if id < FIRST_INSTANCE else id // FIRST_INSTANCE
        if label in categories:
            shown = categories.index_of(label) if train_ids else label
            segments.append(Segment(id, shown, is_crowd=id < FIRST_INSTANCE and label in things))
    ids = np.where(np.isin(values, [segment.id for segment in segments]), values, 0)
    return PanopticMap(ids, segments)


def _source_map(path: Path, folder: Path, split: str, train_ids: bool) -> SourceMap:
    name = path.name.removesuffix(SUFFIX)
    image = folder / "leftImg8bit" / split / path.parent.name / f"{name}_leftImg8bit.png"
    return SourceMap(
        image_id=name,
        image_file=f"{name}_gtFine_leftImg8bit.png",  # as the official converter names it
        map_file=f"{name}_gtFine_panoptic.png",
        image_path=image if image.exists() else None,
        read=partial(_read, path, train_ids),
    )


def _read(path: Path, train_ids: bool) -> PanopticMap:
    return map_of_instance_ids(read_labels(path)[0], train_ids=train_ids)
