"""KITTI-STEP: `panoptic_maps/<split>/<sequence>/*.png`; red is the train id, 256 green + blue the number."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from intarsia._check import fail
from intarsia.formats.color_png import map_of_keys, read_channels
from intarsia.formats.photos import find_photos
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import VOID_INDEX, Categories, PanopticMap

__all__ = ["map_of_step", "read_step", "step_categories"]

TRACKED = ("person", "car")
"""The only categories whose instances are told apart; the other things of Cityscapes count as stuff here."""
INSTANCES = 1 << 16


def read_step(folder: str | Path) -> list[SourcePart]:
    """The splits of a KITTI-STEP folder; photos in `images/<split>/` or KITTI's `training/image_02/`.

    Raises:
        ValueError: There are no panoptic maps.
    """
    folder = Path(folder)
    splits = sorted(path for path in (folder / "panoptic_maps").glob("*") if path.is_dir())
    parts = [_part(folder, split) for split in splits if any(split.glob("*/*.png"))]
    if not parts:
        fail(str(folder), "a KITTI-STEP folder with panoptic_maps/<split>/<sequence>/*.png", "none of these")
    return parts


def step_categories() -> Categories:
    """Cityscapes' 19 categories by train id, of which persons and cars are things.

    Example:
        >>> [row.name for row in step_categories().things]
        ['person', 'car']
    """
    rows = enumerate(Categories.named("cityscapes"))
    return Categories(replace(row, id=index, is_thing=row.name in TRACKED) for index, row in rows)


def map_of_step(colors: UInt8[np.ndarray, "h w 3"], categories: Categories) -> PanopticMap:
    """The map of one frame; things of instance 0 are crowds, train id 255 is void.

    Raises:
        ValueError: A train id is none of the categories.

    Example:
        >>> frame = np.uint8([[[13, 0, 1], [13, 1, 0], [0, 0, 0], [255, 0, 0]]])
        >>> panoptic_map = map_of_step(frame, step_categories())
        >>> panoptic_map.ids.tolist(), [segment.category_id for segment in panoptic_map.segments]
        ([[2, 3, 1, 0]], [0, 13, 13])
    """
    wide = colors.astype(np.int64)
    things = {row.id for row in categories.things}
    keys = wide[..., 0] * INSTANCES + wide[..., 1] * 256 + wide[..., 2]
    meaning: dict[int, tuple[int, bool] | None] = {}
    for key in np.unique(keys).tolist():
        category_id, instance = divmod(key, INSTANCES)
        is_crowd = category_id in things and instance == 0
        meaning[key] = None if category_id == VOID_INDEX else (category_id, is_crowd)
    return map_of_keys(keys, meaning, categories)


def _part(folder: Path, split: Path) -> SourcePart:
    categories = step_categories()
    files = sorted(split.glob("*/*.png"))
    names = {file: f"{file.parent.name}/{file.name}" for file in files}
    # photos as KITTI, MOTS or the archive of the labels keep them
    kitti = "testing" if split.name == "test" else "training"
    places = [
        folder / "images" / split.name,
        folder / kitti / "image_02",
        folder / "image_02",
        folder / "images",
    ]
    photos = find_photos(names.values(), places)
    # a map for each label file, read when it is asked for
    maps = tuple(
        SourceMap(
            name.removesuffix(".png"),
            name,
            name.replace("/", "_"),
            photos.get(name),
            partial(_read, file, categories),
            map_path=file,
        )
        for file, name in names.items()
    )
    return SourcePart(split.name, categories, maps, photo_folder=places[0])


def _read(path: Path, categories: Categories) -> PanopticMap:
    return map_of_step(read_channels(path, "RGB"), categories)
