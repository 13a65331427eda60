"""How far every pixel is from one pixel, in embedding space: numbers, and a picture."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, UInt8
from numpy.typing import ArrayLike

from intarsia._check import fail
from intarsia.draw.fields import heat_map

__all__ = ["distance_map", "distances_from", "mark_pixel"]


def distances_from(embedding: ArrayLike, pixel: tuple[int, int]) -> Float32[np.ndarray, "h w"]:
    """Euclidean distance of each vector of a (d, h, w) embedding to the one at (row, column).

    Raises:
        ValueError: The embedding is not three-dimensional, or the pixel is outside.

    Example:
        >>> distances_from([[[0.0, 3.0]], [[0.0, 4.0]]], (0, 0)).tolist()
        [[0.0, 5.0]]
    """
    field = np.asarray(embedding, np.float32)
    if field.ndim != 3:
        fail("embedding", "of shape (d, h, w)", f"shape {field.shape}")
    row, column = _check_pixel(pixel, field.shape[1:])
    return np.sqrt(np.square(field - field[:, row, column, None, None]).sum(axis=0))


def distance_map(embedding: ArrayLike, pixel: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """The distances of an embedding to one of its pixels as heat: near is bright, far is dark.

    Square roots of the distances are drawn, so that the small steps inside an instance and the large ones
    between categories are both seen.

    Source: Kerola et al. 2021, figure 1.

    Raises:
        ValueError: As `distances_from`.

    Example:
        >>> distance_map([[[0.0, 9.0]]], (0, 1)).tolist()
        [[[8, 6, 28], [255, 252, 222]]]
    """
    return heat_map(-np.sqrt(distances_from(embedding, pixel)))


def mark_pixel(picture: np.ndarray, pixel: tuple[int, int]) -> UInt8[np.ndarray, "h w 3"]:
    """The picture with a ring around one pixel, light inside of dark.

    Raises:
        ValueError: The picture is no 8-bit RGB, or the pixel is outside.

    Example:
        >>> mark_pixel(np.zeros((9, 9, 3), np.uint8), (4, 4))[4, 8].tolist()
        [255, 255, 255]
    """
    picture = np.array(picture)
    if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3:
        fail("picture", "8-bit RGB, (h, w, 3)", f"{picture.dtype} of shape {picture.shape}")
    row, column = _check_pixel(pixel, picture.shape[:2])
    rows, columns = np.ogrid[: picture.shape[0], : picture.shape[1]]
    away = np.hypot(rows - row, columns - column)
    unit = max(1.0, min(picture.shape[:2]) / 150)
    picture[np.abs(away - 4 * unit) < 2 * unit] = 0
    picture[np.abs(away - 4 * unit) < unit] = 255
    return picture


def _check_pixel(pixel: tuple[int, int], size: tuple[int, ...]) -> tuple[int, int]:
    row, column = pixel
    if not (0 <= row < size[0] and 0 <= column < size[1]):
        fail("pixel", f"a row below {size[0]} and a column below {size[1]}", f"{row},{column}")
    return row, column
