"""The size in which a network sees an image: its own, one for all, or one that keeps the shape."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from intarsia._check import fail

__all__ = ["InputSize"]

_FORMS = "empty (as it is), WIDTHxHEIGHT such as 768x384, or SHORT/LONG sides such as 800/1333"


@dataclass(frozen=True)
class InputSize:
    """How large an image is when the network sees it, in pixels, written as people write it.

    Attributes:
        text: "" for the image's own size; "768x384" for this width and height whatever the image's shape;
            "800/1333" for a shorter side of 800 and, where that would make the longer side longer than 1333,
            as large as 1333 allows. The shape stays in this last form alone.

    Raises:
        ValueError: The text has none of these forms.

    Example:
        >>> InputSize("768x384").of(1024, 2048), InputSize("800/1333").of(480, 640), InputSize("").of(5, 7)
        ((384, 768), (800, 1067), (5, 7))
    """

    text: str = ""

    def __post_init__(self) -> None:
        """Refuse what is no size."""
        if self.text and not re.fullmatch(r"[1-9]\d{0,4}[x/][1-9]\d{0,4}", self.text):
            fail("size", _FORMS, repr(self.text))
        if "/" in self.text and self._numbers[0] > self._numbers[1]:
            fail("size", "a shorter side and then a longer one, as 800/1333", repr(self.text))

    def of(self, height: int, width: int) -> tuple[int, int]:
        """Height and width that an image of this height and width gets."""
        if not self.text:
            return height, width
        if "x" in self.text:
            columns, rows = self._numbers
            return rows, columns
        short, long = self._numbers
        factor = min(short / min(height, width), long / max(height, width))
        return max(1, round(height * factor)), max(1, round(width * factor))

    def resized(self, image: UInt8[np.ndarray, "h w 3"]) -> UInt8[np.ndarray, "h2 w2 3"]:
        """The image in that size; pixels are means where it shrinks, so that nothing flickers.

        Example:
            >>> InputSize("3x2").resized(np.zeros((8, 8, 3), np.uint8)).shape
            (2, 3, 3)
        """
        height, width = self.of(*image.shape[:2])
        if (height, width) == image.shape[:2]:
            return image
        return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR))

    @property
    def _numbers(self) -> tuple[int, int]:
        first, second = re.split("[x/]", self.text)
        return int(first), int(second)
