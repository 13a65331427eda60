"""Several pictures on one sheet, with titles and legends."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw

from intarsia._check import check_least, fail
from intarsia.draw.labels import font_of, font_size
from intarsia.draw.overlay import overlay
from intarsia.panoptic import Categories, PanopticMap

PAPER, INK = (250, 250, 248), (40, 40, 46)


def contact_sheet(
    pictures: Sequence[np.ndarray], titles: Sequence[str], *, columns: int = 4
) -> UInt8[np.ndarray, "h w 3"]:
    """Pictures in rows, each under its title; smaller ones stand in the middle of the largest one's size.

    Args:
        pictures: 8-bit RGB, of any sizes.
        titles: One a picture; all empty: no room for them.
        columns: Pictures in a row, at most as many as there are; four are still readable on a screen.

    Raises:
        ValueError: There is no picture, there are not as many titles, or a picture is no 8-bit RGB.

    Example:
        >>> black = np.zeros((30, 40, 3), np.uint8)
        >>> contact_sheet([black] * 3, ["a", "b", "c"], columns=2).shape
        (100, 92, 3)
    """
    _check_pictures(pictures, titles)
    check_least("columns", columns, 1)
    columns = min(columns, len(pictures))
    height, width = (max(side) for side in zip(*(p.shape[:2] for p in pictures), strict=True))
    size_px = font_size(height, width)
    gap, strip = max(4, size_px // 2), round(size_px * 1.6) if any(titles) else 0
    cell_height, cell_width = height + strip + gap, width + gap
    num_rows = math.ceil(len(pictures) / columns)
    sheet = Image.new("RGB", (columns * cell_width + gap, num_rows * cell_height + gap), PAPER)
    brush = ImageDraw.Draw(sheet)
    for number, (picture, title) in enumerate(zip(pictures, titles, strict=True)):
        left = gap + number % columns * cell_width
        top = gap + number // columns * cell_height
        text = _shorten(title, width, size_px)
        brush.text((left + width / 2, top + strip / 2), text, INK, font_of(size_px), anchor="mm")
        inset = ((width - picture.shape[1]) // 2, (height - picture.shape[0]) // 2)
        sheet.paste(Image.fromarray(picture), (left + inset[0], top + strip + inset[1]))
    return np.array(sheet)


def side_by_side(
    image: np.ndarray, truth: PanopticMap, prediction: PanopticMap, *, categories: Categories
) -> UInt8[np.ndarray, "h w 3"]:
    """The image, the truth and the prediction beside each other.

    Raises:
        ValueError: The three differ in size.
    """
    pictures = [np.asarray(image), overlay(image, truth, categories), overlay(image, prediction, categories)]
    return contact_sheet(pictures, ["image", "truth", "prediction"], columns=3)


def with_legend(
    picture: np.ndarray, panoptic_map: PanopticMap, categories: Categories
) -> UInt8[np.ndarray, "h w 3"]:
    """A picture over a list of the categories that its map shows, with the number of each thing.

    Raises:
        ValueError: The picture is no 8-bit RGB.
    """
    _check_pictures([picture], [""])
    count = Counter(segment.category_id for segment in panoptic_map.segments)
    entries = [
        (f"{row.name} {count[row.id]}" if row.is_thing else row.name, row.color)
        for row in categories
        if row.id in count
    ]
    if not entries:
        return np.array(picture)
    return np.concatenate([picture, _legend(entries, picture.shape[1], font_size(*picture.shape[:2]))])


def _legend(
    entries: Sequence[tuple[str, tuple[int, int, int]]], width: int, size_px: int
) -> UInt8[np.ndarray, "h w 3"]:
    """Swatches with names in as many columns as fit."""
    font = font_of(size_px)
    cell = round(max(font.getlength(name) for name, _ in entries) + 2.6 * size_px)
    columns = max(1, min(len(entries), width // cell))
    cell, line = width // columns, round(size_px * 1.6)
    strip = Image.new("RGB", (width, math.ceil(len(entries) / columns) * line + size_px // 2), PAPER)
    brush = ImageDraw.Draw(strip)
    for number, (name, color) in enumerate(entries):
        left = number % columns * cell + size_px // 2
        middle = number // columns * line + line // 2 + size_px // 4
        half = size_px // 2
        brush.rectangle((left, middle - half, left + size_px, middle + half), fill=color)
        text = _shorten(name, cell - round(2.2 * size_px), size_px)
        brush.text((left + round(1.5 * size_px), middle), text, INK, font, anchor="lm")
    return np.array(strip)


def _shorten(text: str, width: int, size_px: int) -> str:
    """As much of the text as fits into the width, its end cut off."""
    font = font_of(size_px)
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "…") > width:
        text = text[:-1]
    return text + "…" if text else ""


def _check_pictures(pictures: Sequence[np.ndarray], titles: Sequence[str]) -> None:
    if not pictures or len(titles) != len(pictures):
        fail("titles", "one for each of at least one picture", f"{len(titles)} for {len(pictures)}")
    for picture in pictures:
        if picture.dtype != np.uint8 or picture.ndim != 3 or picture.shape[2] != 3 or not picture.size:
            fail("pictures", "8-bit RGB, (h, w, 3)", f"{picture.dtype} of shape {picture.shape}")
