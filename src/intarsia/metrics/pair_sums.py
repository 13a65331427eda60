"""What groups of images amount to: summed here or by another process, the same to the bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias, TypeVar

import numpy as np
from jaxtyping import Int64

from intarsia._check import counted
from intarsia.metrics.annotations import UNKNOWN_AREA, MapAnnotation
from intarsia.metrics.measures import Request
from intarsia.metrics.measuring import MeasuredImage, measure_pairs
from intarsia.metrics.pairing import MapPair, MapPairs
from intarsia.metrics.panoptic_quality import ImageQuality
from intarsia.metrics.tally import AbstractTally
from intarsia.panoptic import Categories

__all__ = ["GROUP", "Each", "PairSum", "WrongAreas", "in_groups", "sum_of_pairs"]

T = TypeVar("T")

Each: TypeAlias = "Callable[[Callable[[MapPairs], PairSum], Sequence[MapPairs]], Iterable[PairSum]]"
"""Calls a function with each of several, in order, wherever that is done."""

GROUP = 64
"""Images whose other metrics are added up first; the same everywhere, so that sums round the same."""


@dataclass
class PairSum:
    """What some images amount to; a worker hands it to the process that adds up.

    Attributes:
        qualities: Of each image, in order: their sum is the reference's to the bit only one by one.
        tallies: The other metrics, added up.
        wrong_areas: Segments whose area the truth's JSON has wrong.
        broken: A sentence for each image that could not be read.
    """

    qualities: list[ImageQuality]
    tallies: dict[str, AbstractTally]
    wrong_areas: WrongAreas
    broken: list[str]

    @classmethod
    def empty(cls, categories: Categories, request: Request) -> PairSum:
        """Of no image."""
        return cls([], request.tallies(categories), WrongAreas(), [])

    @classmethod
    def of(
        cls, images: Iterable[tuple[MapPair, MeasuredImage | str]], categories: Categories, request: Request
    ) -> PairSum:
        """Of images as `measure_pairs` gives them."""
        total = cls.empty(categories, request)
        for pair, image in images:
            if isinstance(image, str):
                total.broken.append(image)
                continue
            total.qualities.append(image.quality)
            for name, tally in image.tallies.items():
                total.tallies[name].merge(tally)
            total.wrong_areas.check(pair.truth, image.truth_areas)
        return total

    def merge(self, other: PairSum) -> None:
        """Add the images of another, but for `qualities`, which whoever adds up takes one by one."""
        for name, tally in other.tallies.items():
            self.tallies[name].merge(tally)
        self.wrong_areas.merge(other.wrong_areas)
        self.broken += other.broken


def sum_of_pairs(pairs: MapPairs, request: Request) -> PairSum:
    """Measure pairs in this process, and add them up.

    Raises:
        ValueError: As `measure_pairs`.
    """
    return PairSum.of(measure_pairs(pairs, request), pairs.categories, request)


def in_groups(items: Iterable[T], size: int) -> Iterator[tuple[T, ...]]:
    """Neighbours together, at most `size`; read no further than needed.

    Example:
        >>> list(in_groups(range(5), 2))
        [(0, 1), (2, 3), (4,)]
    """
    left = iter(items)
    while group := tuple(islice(left, size)):
        yield group


class WrongAreas:
    """Counts truth segments whose `area` in the JSON is not their number of pixels."""

    def __init__(self) -> None:
        self.num_wrong = 0
        self.first = ""

    def check(self, truth: MapAnnotation, areas: Int64[np.ndarray, " s"]) -> None:
        """Count those of one image, given the areas in its PNG."""
        wrong = np.flatnonzero((truth.areas != areas) & (truth.areas != UNKNOWN_AREA))
        if len(wrong) and not self.first:
            row = wrong[0]
            listed = f"segment {truth.segments.ids[row]} of {truth.path} has area {truth.areas[row]}"
            self.first = f"{listed} in the JSON and {areas[row]} pixels in the PNG"
        self.num_wrong += len(wrong)

    def merge(self, other: WrongAreas) -> None:
        """Add those of later images."""
        self.num_wrong += other.num_wrong
        self.first = self.first or other.first

    def remarks(self) -> tuple[str, ...]:
        """A sentence, if there are any."""
        if not self.num_wrong:
            return ()
        return (
            f"Wrong `area` of {counted(self.num_wrong, 'true segment')} ({self.first}); pixels were counted.",
        )
