"""A panoptic map drawn over its image."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Int32, UInt8
from PIL import Image

import intarsia._native as _native
from intarsia._check import fail
from intarsia.draw.boxes import draw_boxes, labels_above
from intarsia.draw.labels import font_size, place_labels, write_labels
from intarsia.panoptic import VOID_ID, Categories, PanopticMap

VOID_COLOR = (24, 24, 28)
GOLDEN = 0.618034
STRENGTHS = ((0.75, 1.0), (0.9, 0.75), (0.5, 1.0), (0.6, 0.8))
"""Saturation and value of the colours of instances."""


def overlay(
    image: np.ndarray,
    panoptic_map: PanopticMap,
    categories: Categories,
    *,
    alpha: float = 0.5,
    outlines: bool = True,
    names: bool = True,
    scores: bool = False,
    boxes: bool = False,
    by: str = "category",
    steady: bool = False,
) -> UInt8[np.ndarray, "h w 3"]:
    """Draw segments over the image in their categories' colours, things each in a shade of its own.

    Args:
        image: 8-bit RGB, (h, w, 3), as large as the map.
        panoptic_map: What to draw.
        categories: Its table: names and colours.
        alpha: Opacity of the colours, from 0 (image only) to 1 (colours only); one half shows both.
        outlines: Draw a light line around things and a dark one between stuff.
        names: Write names on segments that have room for them and hide no other thing; crowds are marked with
            a plus.
        scores: Write the scores of things, in percent.
        boxes: Draw a box around each thing; small things have their name or score above it, where there is
            room.
        by: Things are coloured as shades of their "category", or each "instance" has a colour of its own
            around the whole colour wheel, and stuff is pale.
        steady: A thing's shade follows from its id, so that it keeps it through a video.

    Raises:
        ValueError: The image is no 8-bit RGB image of the map's size, or `alpha` is not in [0, 1].

    Example:
        >>> from intarsia.panoptic import Segment
        >>> car = PanopticMap(np.ones((4, 6), np.int32), [Segment(1, category_id=6)])
        >>> overlay(np.zeros((4, 6, 3), np.uint8), car, Categories.named("facades"), alpha=1.0)[0, 0].tolist()
        [150, 150, 160]
    """
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.shape != (*panoptic_map.size, 3):
        expected = f"8-bit RGB of the map's size, {panoptic_map.size[0]}x{panoptic_map.size[1]}x3"
        fail("image", expected, f"{image.dtype} of {'x'.join(map(str, image.shape))}")
    if not 0 <= alpha <= 1:
        fail("alpha", "in [0, 1]", alpha)
    # fills and outlines, on the array
    rows = segment_rows(panoptic_map)
    colors = segment_colors(panoptic_map, categories, by=by, steady=steady)
    is_thing = _is_thing(panoptic_map, categories)
    canvas = _blend(image, rows, colors, alpha)
    if outlines:
        _draw_outlines(canvas, rows, colors, is_thing)
    if not (names or scores or boxes):
        return canvas
    # boxes, then texts, which avoid each other, on a picture
    picture = Image.fromarray(canvas)
    if boxes:
        draw_boxes(picture, rows, colors, is_thing=is_thing)
    if names or scores:
        texts = _texts(panoptic_map, categories, names=names, scores=scores)
        _write_texts(picture, rows, colors, texts, is_thing=is_thing[1:], above=boxes)
    return np.array(picture)


def segment_rows(panoptic_map: PanopticMap) -> Int32[np.ndarray, "h w"]:
    """The map with segments numbered from 1 in their order, 0 for void."""
    keys = np.array([segment.id for segment in panoptic_map.segments], np.int32)
    numbers = np.arange(1, len(keys) + 1, dtype=np.int32)
    return _native.relabel(panoptic_map.ids, keys, numbers, VOID_ID)


def segment_colors(
    panoptic_map: PanopticMap, categories: Categories, *, by: str = "category", steady: bool = False
) -> UInt8[np.ndarray, "n 3"]:
    """The colour of each segment after that of void: its category's in changing shades, or one for a thing.

    Shades count up within a category, colours over all things; or both follow from the ids where they should
    be `steady`.
    """
    if by not in ("category", "instance"):
        fail("by", '"category" or "instance"', repr(by))
    colors: list[tuple[int, int, int]] = [VOID_COLOR]
    hues = max(0.07, 0.6 / max(1, len(categories.things)))  # the fewer kinds of things, the freer their hue
    counts: dict[int, int] = {}
    for segment in panoptic_map.segments:
        category = categories[categories.index_of(segment.category_id)]
        counted = category.id if by == "category" else VOID_ID  # over all things
        number = segment.id if steady else counts.get(counted, 0)
        counts[counted] = number + category.is_thing
        if not category.is_thing:
            colors.append(category.color if by == "category" else _pale(category.color))
        else:
            colors.append(_shade(category.color, number, hues=hues) if by == "category" else _hue(number))
    return np.array(colors, np.uint8)


def _shade(color: tuple[int, int, int], number: int, *, hues: float) -> tuple[int, int, int]:
    """The colour itself, then shades of it: lighter and darker, up to `hues` around the colour wheel."""
    if number == 0:
        return color
    hue, saturation, value = colorsys.rgb_to_hsv(*(part / 255 for part in color))
    turn, step = number * GOLDEN % 1 - 0.5, number * GOLDEN * GOLDEN % 1 - 0.5
    saturation = min(1.0, saturation * (1 - 0.5 * step))
    value = min(1.0, max(0.25, value * (1 + 0.45 * turn)))
    red, green, blue = colorsys.hsv_to_rgb((hue + hues * step) % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _hue(number: int) -> tuple[int, int, int]:
    """Colours a golden angle apart around the wheel; after each turn or so another lightness and strength."""
    saturation, value = STRENGTHS[number // 8 % len(STRENGTHS)]
    red, green, blue = colorsys.hsv_to_rgb(number * GOLDEN % 1, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _pale(color: tuple[int, int, int]) -> tuple[int, int, int]:
    """Halfway to its own gray."""
    gray = sum(color) / 3
    red, green, blue = (round((part + gray) / 2) for part in color)
    return red, green, blue


def _blend(
    image: UInt8[np.ndarray, "h w 3"],
    rows: Int32[np.ndarray, "h w"],
    colors: UInt8[np.ndarray, "s 3"],
    alpha: float,
) -> UInt8[np.ndarray, "h w 3"]:
    """In 8.8 fixed point; void, which has no colour to show, is only darkened."""
    weight = round(alpha * 256)
    paint = (colors.astype(np.uint32) * weight + 128).astype(np.uint16)
    faded = image * np.uint16(256 - weight)
    faded += paint[rows]
    faded >>= 8
    return faded.astype(np.uint8)


def _draw_outlines(
    canvas: UInt8[np.ndarray, "h w 3"],
    rows: Int32[np.ndarray, "h w"],
    colors: UInt8[np.ndarray, "s 3"],
    is_thing: Bool[np.ndarray, " s"],
) -> None:
    """In place: things get a light rim inside their border, borders between stuff a dark line."""
    border = _border(rows, width=1 + min(rows.shape) // 900)
    light = 255 - (255 - colors.astype(np.float32)) * 0.25
    dark = colors * 0.45
    rim = np.where(is_thing[:, None], light, dark).astype(np.uint8)
    canvas[border] = rim[rows[border]]


def _border(rows: Int32[np.ndarray, "h w"], *, width: int) -> Bool[np.ndarray, "h w"]:
    """Pixels of a segment that have another one within `width` pixels along a row or column."""
    border = np.zeros(rows.shape, bool)
    for distance in range(1, width + 1):
        across = rows[:, distance:] != rows[:, :-distance]
        down = rows[distance:] != rows[:-distance]
        border[:, distance:] |= across
        border[:, :-distance] |= across
        border[distance:] |= down
        border[:-distance] |= down
    return border


def _is_thing(panoptic_map: PanopticMap, categories: Categories) -> Bool[np.ndarray, " s"]:
    index = [categories.index_of(segment.category_id) for segment in panoptic_map.segments]
    return np.append(False, categories.is_thing[np.array(index, int)])


def _texts(panoptic_map: PanopticMap, categories: Categories, *, names: bool, scores: bool) -> list[str]:
    """What is written on each segment: "window", "window 87 %" or "87 %"; stuff has no score to show."""
    texts = []
    for segment in panoptic_map.segments:
        category = categories[categories.index_of(segment.category_id)]
        name = category.name + ("+" if segment.is_crowd else "") if names else ""
        score = f"{100 * segment.score:.0f} %" if scores and category.is_thing else ""
        texts.append(" ".join(part for part in (name, score) if part))
    return texts


def _write_texts(
    picture: Image.Image,
    rows: Int32[np.ndarray, "h w"],
    colors: UInt8[np.ndarray, "n 3"],
    texts: Sequence[str],
    *,
    is_thing: Bool[np.ndarray, " s"],
    above: bool,
) -> None:
    """On the segments, and `above` the boxes of those that are too small."""
    size_px = font_size(*rows.shape)
    hues = [(int(red), int(green), int(blue)) for red, green, blue in colors[1:]]
    labels = place_labels(rows, texts, hues, size_px=size_px, is_thing=is_thing)
    write_labels(picture, labels, size_px=size_px)
    if above:
        small = max(9, size_px * 3 // 4)
        more = labels_above(rows, texts, hues, labels=labels, size_px=small, is_thing=is_thing)
        write_labels(picture, more, size_px=small)
