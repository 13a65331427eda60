"""Turning a picture upright, as the eight EXIF orientations ask."""

from __future__ import annotations

import numpy as np
from jaxtyping import Shaped

__all__ = ["turn_upright"]


def turn_upright(values: Shaped[np.ndarray, "h w ..."], orientation: int) -> Shaped[np.ndarray, ...]:
    """A stored picture as it is to be seen; for orientations 5 to 8 height and width change places.

    Source: EXIF 2.3, tag 274: where the stored row 0 and column 0 are in the picture that one sees.

    Args:
        values: Rows and columns as stored, perhaps with channels.
        orientation: 1 (upright) to 8; other numbers mean nothing and change nothing.

    Example:
        >>> turn_upright(np.array([[1, 2, 3], [4, 5, 6]]), 6).tolist()  # seen from the side
        [[4, 1], [5, 2], [6, 3]]
    """
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        values = values[::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, ::-1]
    return np.ascontiguousarray(values)
