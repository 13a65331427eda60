"""A picture and its map drawn together, and the colours, light and noise that make it look less drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int32, UInt8
from PIL import Image, ImageDraw

from intarsia.panoptic import Segment

Number = float | int
Color = tuple[int, int, int]
Point = tuple[Number, Number]


@dataclass
class Canvas:
    """A picture and its map, drawn together at twice their size so that edges come out smooth.

    Coordinates are in units: the height is 256 of them.
    """

    height: int
    width: int
    segments: list[Segment] = field(default_factory=list)

    def __post_init__(self) -> None:
        size = (2 * self.width, 2 * self.height)
        self.scale = 2 * self.height / 256
        self.units_wide = 256 * self.width / self.height
        self.picture = Image.new("RGB", size)
        self.ids = Image.new("I", size)
        self._brushes = (ImageDraw.Draw(self.picture, "RGBA"), ImageDraw.Draw(self.ids))

    def new_segment(self, category_id: int) -> int:
        """The id of a new segment."""
        self.segments.append(Segment(len(self.segments) + 1, category_id))
        return len(self.segments)

    def polygon(self, points: Sequence[Point], color: Color, id: int) -> None:
        """A filled polygon of (x, y) corners."""
        corners = [(x * self.scale, y * self.scale) for x, y in points]
        self._brushes[0].polygon(corners, color)
        self._brushes[1].polygon(corners, id)

    def box(self, left: Number, top: Number, right: Number, bottom: Number, color: Color, id: int) -> None:
        """A filled rectangle."""
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], color, id)

    def disc(self, x: Number, y: Number, rx: Number, ry: Number, color: Color, id: int) -> None:
        """A filled ellipse around a point."""
        corners = [part * self.scale for part in (x - rx, y - ry, x + rx, y + ry)]
        self._brushes[0].ellipse(corners, color)
        self._brushes[1].ellipse(corners, id)

    def shadow(self, x: Number, y: Number, rx: Number, ry: Number) -> None:
        """A soft dark ellipse in the picture only."""
        for grow in (1.25, 1.1, 0.95):
            corners = [
                part * self.scale for part in (x - rx * grow, y - ry * grow, x + rx * grow, y + ry * grow)
            ]
            self._brushes[0].ellipse(corners, (10, 10, 20, 55))

    def picture_at_pixels(self) -> Float[np.ndarray, "h w 3"]:
        """The picture at its size."""
        return np.asarray(self.picture.reduce(2), np.float32)

    def ids_at_pixels(self) -> Int32[np.ndarray, "h w"]:
        """The map at its size, by whole pixels."""
        return np.asarray(self.ids, np.int32)[1::2, 1::2]


def develop(
    picture: Float[np.ndarray, "h w 3"], ids: Int32[np.ndarray, "h w"], rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """Light from above, mottled surfaces, the weather's tint, and noise of a sensor."""
    height, width = ids.shape
    light = np.linspace(1.06, 0.94, height, dtype=np.float32)[:, None] * rng.uniform(0.8, 1.1)
    for cells, strength in ((6, 0.06), (24, 0.05), (96, 0.07)):
        light = light * (1 + strength * _smooth_noise(rng, height, width, cells))
    tint = 1 + rng.normal(0, 0.04, 3).astype(np.float32)
    grain = rng.normal(0, 3.0, picture.shape).astype(np.float32)
    return np.clip(picture * light[..., None] * tint + grain, 0, 255).astype(np.uint8)


def tint(color: Color, rng: np.random.Generator, spread: Number) -> Color:
    """A colour near this one."""
    red, green, blue = np.clip(
        np.array(color) + rng.normal(0, spread / 2) + rng.normal(0, spread / 3, 3), 0, 255
    )
    return int(red), int(green), int(blue)


def shade(color: Color, factor: Number) -> Color:
    """The colour, lighter or darker."""
    red, green, blue = (min(255, int(part * factor)) for part in color)
    return red, green, blue


def one_of(colors: Sequence[Color], rng: np.random.Generator) -> Color:
    """One of the colours."""
    return colors[int(rng.integers(len(colors)))]


def _smooth_noise(rng: np.random.Generator, height: int, width: int, cells: int) -> Float[np.ndarray, "h w"]:
    """Random values, `cells` along the height, between them smooth."""
    coarse = rng.uniform(-1, 1, (cells, max(1, cells * width // height))).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC))
