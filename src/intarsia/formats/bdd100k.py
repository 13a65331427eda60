"""BDD100K's bitmasks: PNGs of RGBA, whose channels are category, attributes, and the instance's two bytes."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from intarsia._check import fail
from intarsia.formats.color_png import map_of_keys, read_channels
from intarsia.formats.photos import find_photos
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["bdd100k_categories", "map_of_bitmask", "read_bdd100k"]

KINDS = ("pan_seg", "ins_seg")
IGNORED, CROWD = 1, 2
"""Bits of the attributes; the others are occluded and truncated."""


def read_bdd100k(folder: str | Path) -> list[SourcePart]:
    """The splits of `labels/pan_seg/bitmasks/` (or `ins_seg`), with photos in `images/10k/<split>/`.

    Raises:
        ValueError: There are no bitmasks.
    """
    folder = Path(folder)
    for kind in KINDS:
        for place in (folder / "labels" / kind / "bitmasks", folder / kind / "bitmasks"):
            splits = sorted(path for path in place.glob("*") if any(path.glob("*.png")))
            if splits:
                return [_part(folder, split, bdd100k_categories(kind)) for split in splits]
    return fail(str(folder), "a BDD100K folder with labels/pan_seg/bitmasks/<split>/*.png", "none of these")


def bdd100k_categories(kind: str) -> Categories:
    """The 40 categories of panoptic bitmasks, or the 8 of instances, numbered from 1.

    Example:
        >>> categories = bdd100k_categories("pan_seg")
        >>> categories[6].name, categories[34].name, len(categories.things)
        ('road', 'car', 10)
    """
    return Categories.named("bdd100k" if kind == "pan_seg" else "bdd100k-instances")


def map_of_bitmask(mask: UInt8[np.ndarray, "h w 4"], categories: Categories) -> PanopticMap:
    """The map of a bitmask; category 0 and what is to be ignored are void.

    Raises:
        ValueError: A category is unknown.

    Example:
        >>> mask = np.uint8([[[35, 0, 1, 4], [35, 2, 0, 9], [7, 0, 0, 1], [0, 0, 0, 0], [35, 3, 0, 1]]])
        >>> panoptic_map = map_of_bitmask(mask, bdd100k_categories("pan_seg"))
        >>> [(s.category_id, s.is_crowd) for s in panoptic_map.segments], panoptic_map.area(0)
        ([(7, False), (35, False), (35, True)], 2)
    """
    wide = mask.astype(np.int64)
    keys = ((wide[..., 0] * 256 + wide[..., 1]) << 16) + wide[..., 2] * 256 + wide[..., 3]
    meaning: dict[int, tuple[int, bool] | None] = {}
    for key in np.unique(keys).tolist():
        category_id, attributes = divmod(key >> 16, 256)
        is_void = category_id == 0 or bool(attributes & IGNORED)
        meaning[key] = None if is_void else (category_id, bool(attributes & CROWD))
    return map_of_keys(keys, meaning, categories)


def _part(folder: Path, split: Path, categories: Categories) -> SourcePart:
    places = [folder / "images" / name / split.name for name in ("10k", "100k", "")] + [folder / "images"]
    files = sorted(split.glob("*.png"))
    photos = find_photos([file.stem + ".jpg" for file in files], places)
    maps = tuple(
        SourceMap(
            file.stem,
            f"{file.stem}.jpg",
            file.name,
            photos.get(f"{file.stem}.jpg"),
            partial(_read, file, categories),
            map_path=file,
        )
        for file in files
    )
    return SourcePart(split.name, categories, maps, photo_folder=places[0])


def _read(path: Path, categories: Categories) -> PanopticMap:
    return map_of_bitmask(read_channels(path, "RGBA"), categories)
