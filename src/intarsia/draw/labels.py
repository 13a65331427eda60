"""Where names go: on the widest inside of a segment, never on top of each other or of a thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from jaxtyping import Bool, Int32, Int64
from PIL import Image, ImageDraw, ImageFont

Color = tuple[int, int, int]
Box = tuple[int, int, int, int]
"""Left, top, right, bottom in pixels, half open."""
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

MOST_HIDDEN = 0.25
"""Share of another thing that a label may lie on."""
NUM_TRIES = 5
"""Places that are tried for one label."""


@dataclass(frozen=True, slots=True)
class Label:
    """The number of a segment, its name, the colour it goes with, and the label's box."""

    number: int
    name: str
    color: Color
    box: Box


@lru_cache(maxsize=32)
def font_of(size_px: int) -> Font:
    """Pillow's own font."""
    return ImageFont.load_default(size_px)


def font_size(height: int, width: int) -> int:
    """A size that reads well at this picture size."""
    return int(np.clip(round(min(height, width) ** 0.5 * 0.58), 9, 64))


def place_labels(
    rows: Int32[np.ndarray, "h w"],
    names: Sequence[str],
    colors: Sequence[Color],
    *,
    size_px: int,
    is_thing: Bool[np.ndarray, " s"] | None = None,
) -> list[Label]:
    """Labels for segments large enough to carry their name, larger ones first.

    A label lies on no other label, and hides no other thing: at most a quarter of its pixels.

    Args:
        rows: Number of the segment at each pixel, from 1 in the order of `names`; 0 is void.
        names: Of the segments.
        colors: Of the segments.
        size_px: Size of the font.
        is_thing: Which segments must not be hidden; by default all.
    """
    from scipy.ndimage import find_objects  # slow to import

    depth = _distance_to_border(rows)
    boxes = find_objects(rows, max_label=len(names))
    free = FreeSpace.of(rows, len(names), is_thing=is_thing)
    labels: list[Label] = []
    names = list(names)
    # the largest choose first; a name goes where its segment is widest around it
    for index in np.argsort(-free.areas[1:], kind="stable").tolist():
        size = label_size(names[index], size_px)
        if not names[index]:
            continue
        if free.areas[index + 1] < 2 * size[0] * size[1]:
            break  # the rest is smaller still, though its name may be shorter
        place = boxes[index]
        if place[1].stop - place[1].start < 0.9 * size[1]:
            continue
        reach = np.where(rows[place] == index + 1, depth[place], 0)
        box = _free_box(reach, place, size, free, own=index + 1)
        if box is not None:
            free.take(box)
            labels.append(Label(index + 1, names[index], colors[index], box))
    return labels


@dataclass(frozen=True, eq=False)
class FreeSpace:
    """Where a label may lie: which pixels other labels have taken, and which segments must not be hidden.

    Attributes:
        rows: Number of the segment at each pixel, 0 is void.
        areas: Pixels of each number.
        seen: Whether a segment must be seen, by its number.
        taken: The pixels under labels.
    """

    rows: Int32[np.ndarray, "h w"]
    areas: Int64[np.ndarray, " n"]
    seen: Bool[np.ndarray, " n"]
    taken: Bool[np.ndarray, "h w"]

    @classmethod
    def of(cls, rows: Int32[np.ndarray, "h w"], count: int, *, is_thing: np.ndarray | None) -> FreeSpace:
        """Nothing is taken yet; void may always be hidden."""
        seen = np.append(False, np.ones(count, bool) if is_thing is None else is_thing)
        return cls(rows, np.bincount(rows.ravel(), minlength=count + 1), seen, np.zeros(rows.shape, bool))

    def has(self, box: Box, *, own: int) -> bool:
        """Whether a label of the segment `own` may lie there."""
        left, top, right, bottom = box
        if self.taken[top:bottom, left:right].any():
            return False
        numbers, counts = np.unique(self.rows[top:bottom, left:right], return_counts=True)
        hidden = self.seen[numbers] & (numbers != own) & (counts > MOST_HIDDEN * self.areas[numbers])
        return not hidden.any()

    def take(self, box: Box) -> None:
        """A label lies there now."""
        left, top, right, bottom = box
        self.taken[top:bottom, left:right] = True


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
def label_size(name: str, size_px: int) -> tuple[int, int]:
    """Height and width of a label in pixels."""
    return round(size_px * 1.35), round(font_of(size_px).getlength(name)) + size_px // 2 + 2


def _distance_to_border(rows: Int32[np.ndarray, "h w"]) -> Int32[np.ndarray, "h w"]:
    """How far (in king's moves) the next pixel of another segment or the edge of the image is."""
    from scipy.ndimage import distance_transform_cdt  # slow to import

    inside = np.zeros((rows.shape[0] + 2, rows.shape[1] + 2), bool)
    core = inside[1:-1, 1:-1]
    core[:] = True
    core[:, 1:] &= rows[:, 1:] == rows[:, :-1]
    core[1:] &= rows[1:] == rows[:-1]
    depth = np.empty(inside.shape, np.int32)
    distance_transform_cdt(inside, "chessboard", distances=depth)
    return depth[1:-1, 1:-1]


def _free_box(
    reach: Int32[np.ndarray, "r c"],
    place: tuple[slice, slice],
    size: tuple[int, int],
    free: FreeSpace,
    *,
    own: int,
) -> Box | None:
    """Around the innermost pixel of the segment, or the next one that is not near to it, a few times."""
    for _ in range(NUM_TRIES):
        if not reach.any():
            return None
        row, column = _interior_point(reach)
        box = box_at((place[0].start + row, place[1].start + column), size, free.rows.shape)
        if free.has(box, own=own):
            return box
        height, width = size
        reach[max(row - height, 0) : row + height, max(column - width // 2, 0) : column + width // 2] = 0
    return None


def _interior_point(reach: Int32[np.ndarray, "r c"]) -> tuple[int, int]:
    """Of the pixels farthest from the border the one nearest to their middle."""
    candidates = np.argwhere(reach >= reach.max())
    middle = candidates.mean(axis=0)
    row, column = candidates[((candidates - middle) ** 2).sum(axis=1).argmin()].tolist()
    return row, column


def box_at(center: tuple[int, int], size: tuple[int, int], shape: tuple[int, ...]) -> Box:
    """A box of (height, width) around a point, moved into the picture."""
    top = int(np.clip(center[0] - size[0] / 2, 0, max(0, shape[0] - size[0])))
    left = int(np.clip(center[1] - size[1] / 2, 0, max(0, shape[1] - size[1])))
    return left, top, left + size[1], top + size[0]
