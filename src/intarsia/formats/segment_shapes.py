"""Shapes of all segments of a map at once: the runs of their rows, and their perimeters."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64, Int32, Int64

__all__ = ["perimeters_of", "row_runs"]

Runs = tuple[Int64[np.ndarray, " n"], ...]

WEIGHTS = np.zeros(50)
"""How much perimeter a border pixel is worth: 1 itself, 2 a straight neighbour, 10 a diagonal one."""
WEIGHTS[[5, 7, 15, 17, 25, 27]] = 1
WEIGHTS[[21, 33]] = math.sqrt(2)
WEIGHTS[[13, 23]] = (1 + math.sqrt(2)) / 2


def row_runs(rows: Int32[np.ndarray, "h w"]) -> Runs:
    """The runs of equal numbers along rows: number, row, first column and the one behind the last.

    Example:
        >>> [part.tolist() for part in row_runs(np.array([[0, 5, 5], [5, 0, 0]], np.int32))]
        [[0, 5, 5, 0], [0, 0, 1, 1], [0, 1, 0, 1], [1, 3, 1, 3]]
    """
    first = np.empty(rows.shape, bool)
    first[:, 0] = True
    np.not_equal(rows[:, 1:], rows[:, :-1], out=first[:, 1:])
    at = np.flatnonzero(first)
    row, start = np.divmod(at, rows.shape[1])
    stop = np.append(at[1:], rows.size) - row * rows.shape[1]
    return rows.ravel()[at].astype(np.int64), row, start, stop


def perimeters_of(rows: Int32[np.ndarray, "h w"], count: int) -> Float64[np.ndarray, " s"]:
    """The perimeters of the segments 1 ... count, as `skimage.measure.perimeter` estimates them.

    A pixel of a segment is on its border if one of its four neighbours is not in it. Each border pixel counts
    by its neighbours on the same border: 1 in a straight line, the diagonal where the line is oblique, half
    of both where it bends.

    Args:
        rows: The number of the segment at each pixel; 0 is void.
        count: The largest number.

    Returns:
        In pixels; 0 for a segment of one pixel.

    Source: Benkrid and Crookes, Design and FPGA Implementation of a Perimeter Estimator.

    Example:
        >>> perimeters_of(np.ones((3, 3), np.int32), 1).tolist()
        [8.0]
    """
    with_border = np.pad(rows, 1)
    inside = with_border[1:-1, 1:-1]
    near = [with_border[1:-1, :-2], with_border[1:-1, 2:], with_border[:-2, 1:-1], with_border[2:, 1:-1]]
    border = np.zeros(with_border.shape, bool)
    border[1:-1, 1:-1] = np.logical_or.reduce([side != inside for side in near]) & (inside != 0)
    flat, line = with_border.ravel(), with_border.shape[1]
    at = np.flatnonzero(border)
    on_border = border.ravel()
    code = np.ones(len(at), np.int64)
    for step, weight in ((1, 2), (line, 2), (line + 1, 10), (line - 1, 10)):
        for place in (at + step, at - step):
            code += weight * (on_border[place] & (flat[place] == flat[at]))
    return np.bincount(flat[at], WEIGHTS[code], count + 1)[1:].astype(np.float64)  # of none, not of floats
