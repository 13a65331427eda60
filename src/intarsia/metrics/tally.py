"""What all metrics have in common: images go in one by one, tallies of several processes add up."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int32, Shaped

import intarsia._native as _native
from intarsia._check import fail
from intarsia.metrics.matching import Overlap
from intarsia.panoptic import VOID_ID, Categories, PanopticMap


@dataclass(frozen=True, slots=True)
class IdMaps:
    """The two id maps of one image, for the metrics that need more than how many pixels pairs share."""

    truth: Int32[np.ndarray, "h w"]
    prediction: Int32[np.ndarray, "h w"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One image as the metrics see it: which pixels its segments share, and perhaps its maps."""

    overlap: Overlap
    maps: IdMaps | None = None
    name: str = ""

    @classmethod
    def of(
        cls, prediction: PanopticMap, truth: PanopticMap, categories: Categories, *, name: str = ""
    ) -> Comparison:
        """Compare two maps of one image.

        Raises:
            ValueError: The maps differ in size or show a category that is not one of `categories`.
        """
        overlap = Overlap.of(prediction, truth, categories)
        return cls(overlap, IdMaps(truth.ids, prediction.ids), name)

    def without_small_stuff(self, categories: Categories, *, min_px: int) -> Comparison:
        """The same with predicted stuff segments of fewer than `min_px` pixels turned to void."""
        overlap = self.overlap.without_small_stuff(categories, min_px=min_px)
        maps = self.maps
        if maps is not None and len(overlap.prediction.ids) < len(self.overlap.prediction.ids):
            ids = overlap.prediction.ids.astype(np.int32)
            maps = IdMaps(maps.truth, _native.relabel(maps.prediction, ids, ids, VOID_ID))
        return Comparison(overlap, maps, self.name)


class AbstractTally(ABC):
    """A metric that adds up over images; small enough to be pickled and merged over processes.

    In a training loop every process updates a tally of its own, each image on one process; then
    `intarsia.engine.gather.merged` adds the tallies of all processes up.
    """

    categories: Categories
    needs_maps: bool = False
    """Whether `add` reads the maps of a comparison."""

    def update(self, prediction: PanopticMap, truth: PanopticMap, *, name: str = "") -> None:
        """Add one image.

        Raises:
            ValueError: The maps differ in size or show a category that is not one of `categories`.
        """
        self.add(Comparison.of(prediction, truth, self.categories, name=name))

    @abstractmethod
    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before."""

    @abstractmethod
    def merge(self, other: Any) -> None:
        """Add the images of another tally of the same kind.

        Raises:
            ValueError: The other tally has other categories or options.
        """

    @abstractmethod
    def compute(self) -> Any:
        """What the images so far amount to."""

    def check_same(self, other: AbstractTally, **options: object) -> None:
        """Refuse to merge a tally of other categories, or whose options are not these."""
        if other.categories != self.categories:
            fail("other", "a tally of the same categories", f"{len(other.categories)} others")
        for name, value in options.items():
            if getattr(other, name) != value:
                fail("other", f"a tally with {name} {value}", getattr(other, name))


class AbstractReport(ABC):
    """The result of a metric."""

    @abstractmethod
    def to_json(self) -> Any:
        """Plain values in fractions and counts; null where nothing was to be measured."""

    @abstractmethod
    def summary(self) -> dict[str, str]:
        """The few numbers to show, as text: counts, and fractions in percent."""


def or_null(value: float) -> float | None:
    """NaN is null in JSON."""
    return None if np.isnan(value) else float(value)


def percent(fraction: float) -> str:
    """A fraction as it is shown; a dash for NaN.

    Example:
        >>> percent(0.5), percent(float("nan"))
        ('50.0', '–')
    """
    return "–" if np.isnan(fraction) else f"{100 * fraction:.1f}"


def by_id(categories: Categories, values: Shaped[np.ndarray, " k"]) -> dict[int, float]:
    """One value a category, keyed by category id."""
    return {row.id: float(value) for row, value in zip(categories, values, strict=True)}
