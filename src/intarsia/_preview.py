"""A small picture of a segmentation without its photo, for where a map is shown by itself."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from jaxtyping import Int32, UInt8
from PIL import Image

from intarsia._id_map import relabel
from intarsia.categories import default_color

__all__ = ["preview_png", "segment_palette"]

LONGEST_PX = 512
"""Notebooks keep their pictures in the file: enough to see a map, small enough to save."""


def preview_png(
    ids: Int32[np.ndarray, "h w"], segment_ids: Sequence[int], category_ids: Sequence[int]
) -> bytes:
    """A PNG of at most 512 pixels a side: a hue for each category, a shade for each segment, void black.

    Args:
        ids: The segment id of each pixel, 0 for void.
        segment_ids: The ids in the map.
        category_ids: The category of each.
    """
    step = -(-max(ids.shape) // LONGEST_PX)
    top, left = (min(step, size) // 2 for size in ids.shape)
    small = np.ascontiguousarray(ids[top::step, left::step])
    row_of_pixel = relabel(small, {id: row for row, id in enumerate(segment_ids, start=1)}, other=0)
    file = io.BytesIO()
    Image.fromarray(segment_palette(category_ids)[row_of_pixel]).save(file, format="PNG")
    return file.getvalue()


def segment_palette(category_ids: Sequence[int]) -> UInt8[np.ndarray, "colors 3"]:
    """Black for void, then a colour for each segment: the hue of its category in a shade of its own.

    Example:
        >>> segment_palette([7, 7]).tolist()
        [[0, 0, 0], [87, 81, 193], [66, 62, 147]]
    """
    hues = np.array([(0, 0, 0), *(default_color(int(id)) for id in category_ids)], float)
    # Shades a golden ratio apart: neighbours in the list differ most. Never so dark that it looks like void.
    shades = 0.5 + 0.5 * (np.arange(len(hues)) * 0.618034 % 1)
    return (hues * shades[:, None]).astype(np.uint8)
