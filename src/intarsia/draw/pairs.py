"""The pairs of one pixel: whom it attracts and whom it repels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from intarsia._check import fail

__all__ = ["pairs_map"]

ATTRACTS, REPELS, PAPER = (74, 200, 130), (236, 84, 70), (250, 250, 248)
MIN_SIDE_PX = 320
SURE_COST = 4.0
"""The cost of a pair from which on its line is not drawn wider: odds of 55 to 1."""


def pairs_map(
    picture: np.ndarray, pixel: tuple[int, int], pairs: Sequence[tuple[int, int, float]]
) -> UInt8[np.ndarray, "s s 3"]:
    """The surroundings of a pixel, enlarged, with a line to each of its partners.

    A green line that ends in a disc attracts, a red one that ends in a cross repels; the wider, the more.

    Args:
        picture: (h, w, 3), 8-bit RGB.
        pixel: Row and column.
        pairs: Rows and columns from the pixel, in pixels, and the cost, positive where the pair attracts.

    Returns:
        A square around the pixel, in which all partners lie; paper beyond the picture.

    Raises:
        ValueError: There is no pair, or the picture is no 8-bit RGB.

    Example:
        >>> pairs_map(np.zeros((9, 9, 3), np.uint8), (4, 4), [(0, 2, 3.0), (2, 0, -3.0)]).shape
        (322, 322, 3)
    """
    picture = np.asarray(picture)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        fail("picture", "8-bit RGB, (h, w, 3)", f"{picture.dtype} of shape {picture.shape}")
    if not pairs:
        fail("pairs", "at least one", "none")
    reach = max(max(abs(down), abs(right)) for down, right, _ in pairs)
    reach += max(reach // 8, 1)
    scale = -(-MIN_SIDE_PX // (2 * reach + 1))
    side = (2 * reach + 1) * scale
    sheet = Image.fromarray(_square(picture, pixel, reach)).resize((side, side), Image.Resampling.NEAREST)
    brush = ImageDraw.Draw(sheet)
    middle = (reach + 0.5) * scale
    for down, right, cost in sorted(pairs, key=lambda pair: -abs(pair[0]) - abs(pair[1])):
        end = middle + right * scale, middle + down * scale
        _draw_pair(brush, middle, end, cost, unit=sheet.width / MIN_SIDE_PX)
    return np.array(sheet)


def _square(picture: np.ndarray, pixel: tuple[int, int], reach: int) -> np.ndarray:
    rows, columns = (np.arange(at - reach, at + reach + 1) for at in pixel)
    height, width = picture.shape[:2]
    square = picture[np.clip(rows, 0, height - 1)][:, np.clip(columns, 0, width - 1)].copy()
    square[(rows < 0) | (rows >= height)] = PAPER
    square[:, (columns < 0) | (columns >= width)] = PAPER
    return square


def _draw_pair(
    brush: ImageDraw.ImageDraw, middle: float, end: tuple[float, float], cost: float, *, unit: float
) -> None:
    color = ATTRACTS if cost > 0 else REPELS
    width = max(round((1 + 3 * min(abs(cost) / SURE_COST, 1)) * unit), 1)
    brush.line((middle, middle, *end), color, width)
    column, row, size = *end, 4 * unit
    if cost > 0:
        brush.ellipse((column - size, row - size, column + size, row + size), color, (0, 0, 0))
        return
    brush.line((column - size, row - size, column + size, row + size), color, width)
    brush.line((column - size, row + size, column + size, row - size), color, width)
