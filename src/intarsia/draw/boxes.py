"""Boxes around things, and labels on top of boxes that are too small to carry their name."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int32, UInt8
from PIL import Image, ImageDraw

from intarsia.draw.labels import Color, FreeSpace, Label, label_size

__all__ = ["draw_boxes", "labels_above"]


def draw_boxes(
    picture: Image.Image,
    rows: Int32[np.ndarray, "h w"],
    colors: UInt8[np.ndarray, "s 3"],
    *,
    is_thing: Bool[np.ndarray, " s"],
) -> None:
    """Draw a frame around each thing in its colour, lightened; in place.

    Args:
        picture: What to draw on.
        rows: Number of the segment at each pixel, 0 is void.
        colors: Of void and of the segments.
        is_thing: Which numbers get a frame; void first.
    """
    from scipy.ndimage import find_objects  # slow to import

    brush = ImageDraw.Draw(picture)
    width = 1 + min(rows.shape) // 500
    for number, place in enumerate(find_objects(rows, max_label=len(colors) - 1), start=1):
        if place is None or not is_thing[number]:
            continue
        light = tuple((255 - (255 - colors[number].astype(int)) // 2).tolist())
        box = (place[1].start, place[0].start, place[1].stop - 1, place[0].stop - 1)
        brush.rectangle(box, outline=light, width=width)


def labels_above(
    rows: Int32[np.ndarray, "h w"],
    names: Sequence[str],
    colors: Sequence[Color],
    *,
    labels: Sequence[Label],
    size_px: int,
    is_thing: Bool[np.ndarray, " s"],
) -> list[Label]:
    """Labels for things that got none: above their boxes, or below, where there is room.

    Args:
        rows: Number of the segment at each pixel, from 1 in the order of `names`; 0 is void.
        names: Of the segments.
        colors: Of the segments.
        labels: Those that are there already.
        size_px: Size of the font.
        is_thing: Which segments get one, and must not be hidden.
    """
    from scipy.ndimage import find_objects  # slow to import

    free = FreeSpace.of(rows, len(names), is_thing=is_thing)
    for label in labels:
        free.take(label.box)
    numbers = {label.number for label in labels}
    labels_of_boxes: list[Label] = []
    for number, place in enumerate(find_objects(rows, max_label=len(names)), start=1):
        if place is None or not is_thing[number - 1] or not names[number - 1] or number in numbers:
            continue
        height, width = label_size(names[number - 1], size_px)
        left = min(place[1].start, rows.shape[1] - width)
        for top in (place[0].start - height, place[0].stop):
            box = (left, top, left + width, top + height)
            if left >= 0 and 0 <= top <= rows.shape[0] - height and free.has(box, own=number):
                free.take(box)
                labels_of_boxes.append(Label(number, names[number - 1], colors[number - 1], box))
                break
    return labels_of_boxes
