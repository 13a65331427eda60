"""Where names go: on the widest inside of a segment, never on top of each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Int32
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_cdt, find_objects

Color = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont


@dataclass(frozen=True, slots=True)
class Label:
    """A name, the colour it goes with, and its box: left, top, right, bottom in pixels, half open."""

    name: str
    color: Color
    box: tuple[int, int, int, int]


@lru_cache(maxsize=32)
def font_of(size_px: int) -> Font:
    """Pillow's own font."""
    return ImageFont.load_default(size_px)


def font_size(height: int, width: int) -> int:
    """A size that reads well at this picture size."""
    return int(np.clip(round(min(height, width) ** 0.5 * 0.58), 9, 64))


def place_labels(
    rows: Int32[np.ndarray, "h w"], names: Sequence[str], colors: Sequence[Color], *, size_px: int
) -> list[Label]:
    """Labels for segments large enough to carry their name, larger ones first, without overlap.

    Args:
        rows: Number of the segment at each pixel, from 1 in the order of `names`; 0 is void.
        names: Of the segments.
        colors: Of the segments.
        size_px: Size of the font.
    """
    depth = _distance_to_border(rows)
    boxes = find_objects(rows, max_label=len(names))
    areas = np.bincount(rows.ravel(), minlength=len(names) + 1)[1:]
    labels: list[Label] = []
    names = list(names)
    for index in np.argsort(-areas, kind="stable").tolist():
        width, height = _label_size(names[index], size_px)
        if areas[index] < 2 * width * height:
            break  # the rest is smaller still, though its name may be shorter
        place = boxes[index]
        if place[1].stop - place[1].start < 0.9 * width:
            continue
        center = _interior_point(depth[place], rows[place] == index + 1, place)
        box = _box_at(center, (height, width), rows.shape)
        if not any(_overlap(box, other.box) for other in labels):
            labels.append(Label(names[index], colors[index], box))
    return labels


def write_labels(picture: Image.Image, labels: Sequence[Label], *, size_px: int) -> None:
    """Draw the labels: white letters on a dark box of the segment's hue."""
    brush = ImageDraw.Draw(picture, "RGBA")
    for label in labels:
        left, top, right, bottom = label.box
        dark = tuple(int(part * 0.35) for part in label.color)
        brush.rounded_rectangle((left, top, right - 1, bottom - 1), size_px // 4, fill=(*dark, 215))
        middle = ((left + right) / 2, (top + bottom) / 2)
        brush.text(middle, label.name, (255, 255, 255, 255), font_of(size_px), anchor="mm")


@lru_cache(maxsize=1024)
def _label_size(name: str, size_px: int) -> tuple[int, int]:
    return round(font_of(size_px).getlength(name)) + size_px // 2 + 2, round(size_px * 1.35)


def _distance_to_border(rows: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
    """How far (in king's moves) the next pixel of another segment or the edge of the image is."""
    inside = np.zeros((rows.shape[0] + 2, rows.shape[1] + 2), bool)
    core = inside[1:-1, 1:-1]
    core[:] = True
    core[:, 1:] &= rows[:, 1:] == rows[:, :-1]
    core[1:] &= rows[1:] == rows[:-1]
    depth = np.empty(inside.shape, np.int32)
    distance_transform_cdt(inside, "chessboard", distances=depth)
    return depth[1:-1, 1:-1]


def _interior_point(depth: np.ndarray, inside: np.ndarray, place: tuple[slice, slice]) -> tuple[float, float]:
    """Of the pixels farthest from the border the one nearest to their middle."""
    reach = np.where(inside, depth, 0)
    candidates = np.argwhere(reach >= reach.max())
    middle = candidates.mean(axis=0)
    best = candidates[((candidates - middle) ** 2).sum(axis=1).argmin()]
    return place[0].start + float(best[0]), place[1].start + float(best[1])


def _box_at(
    center: tuple[float, float], size: tuple[int, int], shape: tuple[int, ...]
) -> tuple[int, int, int, int]:
    top = int(np.clip(center[0] - size[0] / 2, 0, max(0, shape[0] - size[0])))
    left = int(np.clip(center[1] - size[1] / 2, 0, max(0, shape[1] - size[1])))
    return left, top, left + size[1], top + size[0]


def _overlap(first: tuple[int, int, int, int], second: tuple[int, int, int, int]) -> bool:
    apart_x = first[2] < second[0] or second[2] < first[0]
    apart_y = first[3] < second[1] or second[3] < first[1]
    return not (apart_x or apart_y)
