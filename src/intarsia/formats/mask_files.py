"""A mask file for each object, `NAME/masks/*.png` beside `NAME/images/`: the Data Science Bowl of 2018."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np

from intarsia._check import fail
from intarsia.formats.category_map import BACKGROUND, OBJECT
from intarsia.formats.label_image import map_of_labels, read_page
from intarsia.formats.label_places import PARTS, pictures
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["find_mask_files", "read_mask_files"]

PHOTOS, MASKS = "images", "masks"


def read_mask_files(folder: str | Path) -> list[SourcePart]:
    """The images of a folder, or of its `train/`, `val/` ...: in each a photo, and masks of its objects.

    What no mask covers is the stuff category "background". Where masks overlap, the smaller is on top.

    Raises:
        ValueError: There is no such image.
    """
    folder = Path(folder)
    parts = [("", folder), *((PARTS[path.name], path) for path in _folders(folder) if path.name in PARTS)]
    image_sets = [(name, find_mask_files(place)) for name, place in parts]
    if not any(images for _, images in image_sets):
        fail(str(folder), "a folder of NAME/images/NAME.png with NAME/masks/*.png", "none of these")
    return [_part(name, images) for name, images in image_sets if images]


def find_mask_files(folder: str | Path) -> list[Path]:
    """The folders of images: each has one photo, and masks of other names.

    Example:
        >>> find_mask_files("no-such-folder")
        []
    """
    return [path for path in _folders(Path(folder)) if _is_image(path)]


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_dir())


def _is_image(folder: Path) -> bool:
    if not (folder / MASKS).is_dir():
        return False
    photos, masks = pictures(folder / PHOTOS), pictures(folder / MASKS)
    return len(photos) == 1 and bool(masks) and not any(photos[0].stem in path.stem for path in masks)


def _part(name: str, folders: Sequence[Path]) -> SourcePart:
    maps = []
    for folder in folders:
        photo, masks = pictures(folder / PHOTOS)[0], pictures(folder / MASKS)
        image_file = f"{folder.name}{photo.suffix}"
        read = partial(_read, masks)
        maps.append(
            SourceMap(folder.name, image_file, f"{folder.name}.png", photo, read, listed=len(masks) + 1)
        )
    return SourcePart(name, Categories([OBJECT, BACKGROUND]), tuple(maps))


def _read(files: Sequence[Path]) -> PanopticMap:
    masks = [_mask(path) for path in files]
    sizes = {mask.shape for mask in masks}
    if len(sizes) > 1:
        fail(str(files[0].parent), "masks of one size", " and ".join(f"{h}x{w}" for h, w in sorted(sizes)))
    labels = np.zeros(masks[0].shape, np.int64)
    for number in sorted(range(len(masks)), key=lambda number: -int(masks[number].sum())):
        labels[masks[number]] = number + 1
    return map_of_labels(labels)


def _mask(path: Path) -> np.ndarray:
    values = read_page(path, 0)
    shown = np.unique(values[values > 0])
    if len(shown) > 1:
        fail(str(path), "the mask of one object, of 0 and another number", f"{len(shown)} numbers beside 0")
    return values > 0
