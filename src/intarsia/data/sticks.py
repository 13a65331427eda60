"""Scattered sticks: crossing bars, where a box does not tell which of two objects is meant."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int32, UInt8

from intarsia.panoptic import Categories, Category, PanopticMap, Segment

STICK_CATEGORIES = Categories(
    [Category(1, "stick", True, (240, 150, 40)), Category(2, "background", False, (60, 70, 110))]
)
OUTLINE_PX = 2


def scattered_sticks(
    seed: int, *, size: int = 256, num_sticks: int = 8, min_visible_px: int = 400
) -> tuple[UInt8[np.ndarray, "h w 3"], PanopticMap]:
    """White sticks with a black outline on black; later ones cover earlier ones.

    In an image of 256 the width is 15, lengths are drawn from [80, 100), angles evenly, centres at least 30
    pixels from the edge; other sizes scale them. Drawn again until each stick shows enough.

    Source: the experiment of De Brabandere et al. 2017 as nyoki-mtl's public notebook draws it; that the
    outline lies inside the stick is ours.

    Args:
        seed: Fixes the picture.
        size: Height and width in pixels; 256, a crop's usual size.
        num_sticks: How many sticks are laid on each other; 8, as in the pictures that this follows.
        min_visible_px: What each must show, in an image of 256; 400 are a third of one.

    Returns:
        The image and its map, categories of `STICK_CATEGORIES`.

    Example:
        >>> image, truth = scattered_sticks(seed=0)
        >>> image.shape, len(truth.segments)
        ((256, 256, 3), 9)
    """
    rng = np.random.default_rng(seed)
    zoom = size / 256
    while True:
        image, ids = _draw(rng, size, num_sticks, zoom)
        if np.bincount(ids.ravel(), minlength=num_sticks + 2)[2:].min() >= min_visible_px * zoom**2:
            break
    sticks = (Segment(number + 2, category_id=1) for number in range(num_sticks))
    return image, PanopticMap.keeping_visible(ids, [Segment(1, category_id=2), *sticks])


def _draw(
    rng: np.random.Generator, size: int, num_sticks: int, zoom: float
) -> tuple[UInt8[np.ndarray, "h w 3"], Int32[np.ndarray, "h w"]]:
    gray = np.zeros((size, size), np.uint8)
    ids = np.ones((size, size), np.int32)
    for number in range(num_sticks):
        center = rng.uniform(30, 225, 2) * zoom
        half = np.array([rng.uniform(80, 100), 15]) / 2 * zoom
        angle = np.deg2rad(rng.uniform(-90, 90))
        covered = _bar(size, center, half, angle)
        gray[covered] = 0
        gray[_bar(size, center, half - OUTLINE_PX, angle)] = 255
        ids[covered] = number + 2
    return np.repeat(gray[..., None], 3, axis=2), ids


def _bar(
    size: int, center: Float[np.ndarray, " 2"], half: Float[np.ndarray, " 2"], angle: float
) -> Bool[np.ndarray, "h w"]:
    """The pixels whose centres lie in a turned rectangle."""
    row, column = np.ogrid[:size, :size]
    down, right = row - center[0], column - center[1]
    along = np.cos(angle) * right + np.sin(angle) * down
    across = np.cos(angle) * down - np.sin(angle) * right
    return (np.abs(along) <= half[0]) & (np.abs(across) <= half[1])
