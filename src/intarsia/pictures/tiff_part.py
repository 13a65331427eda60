"""A part of a TIFF: pages of one size, as planes in a block of many axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from jaxtyping import Shaped

__all__ = ["TiffPart"]

MAX_RATIO = 50_000
"""No compression makes more of a byte, not of an empty picture: deflate 1,032, LZW 2,700, LZMA 7,000."""


@dataclass(frozen=True, eq=False)
class TiffPart:
    """Pages of one size: axes as tifffile names them, their lengths, and where the planes are."""

    axes: str
    shape: tuple[int, ...]
    keyframe: Any
    planes: Sequence[Any]
    offset: int | None

    @cached_property
    def outer(self) -> tuple[int, ...]:
        """The lengths of the leading axes, along which the file has one plane after the other."""
        for split in range(len(self.shape) + 1):
            if math.prod(self.shape[split:]) == math.prod(self.keyframe.shape):
                return self.shape[:split]
        raise ValueError(f"planes of {self.keyframe.shape} do not make {self.shape}")

    @property
    def size(self) -> tuple[int, int]:
        """Height and width as stored."""
        if "Y" not in self.axes or "X" not in self.axes:
            raise ValueError(f"no rows and columns among the axes {self.axes}")
        return self.shape[self.axes.index("Y")], self.shape[self.axes.index("X")]

    @cached_property
    def page_axes(self) -> tuple[int, ...]:
        """Which axes count pages."""
        return tuple(n for n, axis in enumerate(self.axes) if axis not in "CSYX")

    @property
    def num_pages(self) -> int:
        """The product of the axes that are neither rows, columns nor channels."""
        return math.prod(self.shape[n] for n in self.page_axes)

    @property
    def num_channels(self) -> int:
        """Stains and samples together."""
        return self.count("C") * self.count("S")

    def count(self, axis: str) -> int:
        """The product of the lengths of the axes of this name."""
        return math.prod(n for n, name in zip(self.shape, self.axes, strict=True) if name == axis)

    def read(self, index: int, handle: Any) -> Shaped[np.ndarray, "h w c"]:
        """All channels of one page."""
        places = np.unravel_index(index, [self.shape[n] for n in self.page_axes]) if self.page_axes else ()
        at: list[Any] = [slice(None)] * len(self.shape)
        for axis, place in zip(self.page_axes, places, strict=True):
            at[axis] = slice(int(place), int(place) + 1)
        outer = len(self.outer)
        numbers = np.arange(math.prod(self.outer)).reshape(self.outer)[tuple(at[:outer])]
        inner = [self._plane(int(n), handle)[tuple(at[outer:])] for n in numbers.ravel()]
        block = np.stack(inner).reshape(*numbers.shape, *inner[0].shape)
        order = [self.axes.index("Y"), self.axes.index("X")]
        order += [n for n in range(block.ndim) if n not in order]
        return block.transpose(order).reshape(*self.size, -1)

    def _plane(self, number: int, handle: Any) -> Shaped[np.ndarray, ...]:
        """One plane in the shape of the inner axes."""
        shape, frame = self.shape[len(self.outer) :], self.keyframe
        if self.offset is not None:  # all planes lie one behind the other, and often only one has a directory
            kind = frame.dtype.newbyteorder(frame.parent.byteorder)
            count = math.prod(shape)
            return handle.read_array(kind, count, self.offset + number * count * kind.itemsize).reshape(shape)
        if len(self.planes) != math.prod(self.outer) or self.planes[number] is None:
            raise ValueError(f"{len(self.planes)} planes for {math.prod(self.outer)}")
        plane = self.planes[number]
        _check_whole(plane)
        return plane.asarray().reshape(shape)


def _check_whole(page: Any) -> None:
    """All strips or tiles are there; tifffile would fill what is missing, slowly where it is much."""
    count = math.prod(page.chunked)
    if len(page.dataoffsets) != count or len(page.databytecounts) != count:
        raise ValueError(f"{len(page.dataoffsets)} strips or tiles of {count}")
    if 0 in page.databytecounts or 0 in page.dataoffsets:
        raise ValueError("an empty strip or tile")
    packed, unpacked = sum(page.databytecounts), page.nbytes
    if unpacked > MAX_RATIO * packed:
        raise ValueError(f"{packed} bytes for a picture of {unpacked}")
