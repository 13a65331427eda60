"""Where the points of a grid went from one frame of a clip to the next."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32, Int32, UInt8

__all__ = ["block_means", "grid_motion"]

REACH = 3
"""Farthest that a point moves between frames, in points of the grid, along each axis."""
AROUND = 5
"""Side of the square of points that is looked for in the next frame."""
STILL = 0.02
"""By how much a match must be better than staying, summed over the colours: flat regions say nothing."""


def block_means(picture: UInt8[np.ndarray, "h w 3"], *, stride: int) -> Float32[np.ndarray, "hs ws 3"]:
    """The mean colour, 0 to 1, of the block of pixels behind each point of the grid.

    Args:
        picture: A frame as 8-bit RGB.
        stride: Pixels between neighbours on the grid.

    Example:
        >>> block_means(np.full((4, 6, 3), 255, np.uint8), stride=4).shape
        (1, 2, 3)
    """
    height, width = picture.shape[:2]
    padding = ((0, -height % stride), (0, -width % stride), (0, 0))
    whole = np.pad(picture, padding, mode="edge").astype(np.float32) / 255
    return whole.reshape(-1, stride, whole.shape[1] // stride, stride, 3).mean(axis=(1, 3))


def grid_motion(
    before: Float32[np.ndarray, "hs ws 3"], after: Float32[np.ndarray, "hs ws 3"]
) -> Int32[np.ndarray, "hs ws 2"]:
    """Rows and columns that each point moved by: its surroundings look most alike there.

    Block matching by summed absolute differences of colours. Whole points of the grid are enough to say which
    points of two frames are joined.

    Args:
        before: Colours on the grid of one frame.
        after: Of the next.

    Example:
        >>> frame = np.random.default_rng(0).uniform(size=(9, 12, 3)).astype(np.float32)
        >>> grid_motion(frame, np.roll(frame, 2, axis=1))[4, 4].tolist()
        [0, 2]
    """
    from scipy.ndimage import uniform_filter  # slow to import

    height, width = before.shape[:2]
    with_border = np.pad(after, ((REACH, REACH), (REACH, REACH), (0, 0)), mode="edge")
    best = np.full((height, width), np.inf, np.float32)
    motion = np.zeros((height, width, 2), np.int32)
    steps = [(row, column) for row in range(-REACH, REACH + 1) for column in range(-REACH, REACH + 1)]
    for row, column in sorted(steps, key=lambda step: step[0] ** 2 + step[1] ** 2):
        moved = with_border[REACH + row :, REACH + column :][:height, :width]
        difference = uniform_filter(np.abs(before - moved).sum(axis=2), AROUND, mode="nearest")
        difference += STILL * ((row, column) != (0, 0))
        better = difference < best
        best[better] = difference[better]
        motion[better] = row, column
    return motion
