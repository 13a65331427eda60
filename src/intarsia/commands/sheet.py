"""The contact sheet of `intarsia inspect --sheet`: photos with outlines, a colour an instance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from intarsia import draw
from intarsia._check import fail
from intarsia._files import whole
from intarsia.errors import InputError
from intarsia.formats.source import SourceMap
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["write_sheet"]

MOST_TILES = 24
SIDE_PX = 320
COLUMNS = 4
PAPER = 225
"""The gray on which a map lies whose photo cannot be shown."""


def write_sheet(path: str | Path, tiles: Sequence[tuple[SourceMap, Categories]]) -> None:
    """Write the pictures of the first maps under the names of their photos, without those that are broken.

    Args:
        path: A PNG or JPEG.
        tiles: Maps with the categories of their data set.

    Raises:
        ValueError: The picture cannot be written.
    """
    pictures, titles = [], []
    for source, categories in tiles[:MOST_TILES]:
        try:
            panoptic_map = source.read()
        except InputError:
            continue  # it is among the problems that `inspect` names
        pictures.append(_tile(_photo_of(source), panoptic_map, categories))
        titles.append(source.image_file or source.map_file)
    if not pictures:
        fail(str(path), "a sheet of at least one map", "none that can be read")
    sheet = Image.fromarray(draw.contact_sheet(pictures, titles, columns=COLUMNS))
    try:
        with whole(path) as partial:
            sheet.save(partial)
    except (OSError, ValueError) as error:
        fail(str(path), "a writable PNG or JPEG", getattr(error, "strerror", None) or str(error))


def _photo_of(source: SourceMap) -> UInt8[np.ndarray, "h w 3"] | None:
    try:
        return source.read_photo() if source.has_photo else None
    except InputError:
        return None


def _tile(
    photo: UInt8[np.ndarray, "h w 3"] | None, panoptic_map: PanopticMap, categories: Categories
) -> UInt8[np.ndarray, "th tw 3"]:
    """Small first, then drawn: lines keep their width."""
    height, width = panoptic_map.size
    scale = min(1.0, SIDE_PX / max(height, width))
    small = panoptic_map.resized(math.ceil(height * scale), math.ceil(width * scale))
    ground = np.full((*small.size, 3), PAPER, np.uint8)
    if photo is not None and photo.shape[:2] == (height, width):
        ground = np.array(Image.fromarray(photo).resize((small.size[1], small.size[0]), Image.Resampling.BOX))
    return draw.overlay(ground, small, categories, alpha=0.35, by="instance", names=False)
