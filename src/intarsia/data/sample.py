"""One training example: an image, its map of segment ids, and what the ids stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Int32, UInt8
from torch import Tensor

from intarsia.panoptic import Categories, PanopticMap, Segment


@dataclass(frozen=True, slots=True)
class Sample:
    """An image with its panoptic map as tensors; every id of the map is among the segments, 0 is void."""

    image: UInt8[Tensor, "3 h w"]
    ids: Int32[Tensor, "h w"]
    segments: tuple[Segment, ...]
    name: str

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.ids.shape[0], self.ids.shape[1]

    def panoptic_map(self) -> PanopticMap:
        """The truth as a panoptic map, checked; segments without a pixel are left out."""
        return PanopticMap.keeping_visible(self.ids.numpy(), self.segments)


@runtime_checkable
class SampleSource(Protocol):
    """Whatever the loaders can draw from: samples by index, and the categories they show."""

    @property
    def categories(self) -> Categories:
        """The table that the samples' segments refer to."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: int) -> Sample: ...
