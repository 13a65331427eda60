"""PNGs whose colour channels are numbers, read as they are stored; what lost its exact values is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from intarsia._check import fail
from intarsia.panoptic import Categories, PanopticMap, Segment

__all__ = ["map_of_keys", "read_channels"]


def read_channels(path: str | Path, mode: Literal["RGB", "RGBA"]) -> UInt8[np.ndarray, "h w c"]:
    """The channels of a PNG; a palette's colours count as such.

    Raises:
        ValueError: The file cannot be read, is no PNG (JPEG changes numbers), or has other channels.
    """
    try:
        with Image.open(path, formats=["PNG"]) as image:
            image.load()
            colors = image.convert("RGB") if image.mode == "P" and mode == "RGB" else image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        fail(str(path), f"a readable PNG of {mode}", f"{type(error).__name__}: {error}")
    if colors.mode != mode:
        fail(str(path), f"a PNG of {mode}", f"one of mode {colors.mode}")
    return np.asarray(colors)


def map_of_keys(
    keys: np.ndarray, meaning: dict[int, tuple[int, bool] | None], categories: Categories
) -> PanopticMap:
    """The map of an image of numbers, each of which is a segment with a category, perhaps a crowd, or void.

    Example:
        >>> truth = map_of_keys(np.array([[5, 5, 9]]), {5: (1, False), 9: None}, Categories.named("facades"))
        >>> truth.ids.tolist(), truth.segments[0].category_id
        ([[1, 1, 0]], 1)
    """
    shown, inverse = np.unique(keys, return_inverse=True)
    number, segments = np.zeros(len(shown), np.int64), []
    for n, key in enumerate(shown.tolist()):
        row = meaning[key]
        if row is not None:
            number[n] = len(segments) + 1
            segments.append(
                Segment(int(number[n]), categories[categories.index_of(row[0])].id, is_crowd=row[1])
            )
    return PanopticMap(number[inverse].reshape(keys.shape), segments)
