"""How close the matches are: histograms of their IoU, by category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Int64

from intarsia.metrics.matching import match
from intarsia.metrics.tally import AbstractReport, AbstractTally, Comparison, percent
from intarsia.panoptic import Categories

NUM_BINS = 10
"""From an IoU of 0.5, where matches begin, to 1, in steps of 0.05."""


@dataclass(frozen=True)
class HistogramReport(AbstractReport):
    """How many matches have an IoU in each bin from 0.5 to 1, by category id."""

    per_category: dict[int, Int64[np.ndarray, " 10"]]

    @property
    def total(self) -> Int64[np.ndarray, " 10"]:
        """The histogram of all categories."""
        return np.sum([np.zeros(NUM_BINS, np.int64), *self.per_category.values()], axis=0)

    def to_json(self) -> dict[str, Any]:
        """The histogram of all categories and of each."""
        rows = {str(id): counts.tolist() for id, counts in self.per_category.items()}
        return {"all": self.total.tolist(), "per_class": rows}

    def summary(self) -> dict[str, str]:
        """How many matches there are, and the share of those above 3/4."""
        total = self.total
        share = total[NUM_BINS // 2 :].sum() / total.sum() if total.sum() else float("nan")
        return {"matches": str(total.sum()), "of them with IoU from 0.75": percent(share)}


class MatchHistogram(AbstractTally):
    """Counts the matches of panoptic quality by category and IoU.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.array([[1, 1, 1, 2]]), [Segment(1, 1), Segment(2, 6)])
        >>> prediction = PanopticMap(np.array([[5, 5, 5, 5]]), [Segment(5, 1)])
        >>> histogram = MatchHistogram(Categories.named("facades"))
        >>> histogram.update(prediction, truth)
        >>> histogram.compute().total.tolist()
        [0, 0, 0, 0, 0, 1, 0, 0, 0, 0]
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no image."""
        self.categories = categories
        self.counts: Int64[np.ndarray, "k 10"] = np.zeros((len(categories), NUM_BINS), np.int64)

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before."""
        matching = match(image.overlap)
        index = image.overlap.truth.category_index[matching.truth_row]
        step = np.minimum((matching.iou - 0.5) * 2 * NUM_BINS, NUM_BINS - 1).astype(np.int64)
        np.add.at(self.counts, (index, step), 1)

    def merge(self, other: MatchHistogram) -> None:
        """Add the images of another tally.

        Raises:
            ValueError: The other tally has other categories.
        """
        self.check_same(other)
        self.counts += other.counts

    def compute(self) -> HistogramReport:
        """The histograms so far."""
        rows = zip(self.categories, self.counts, strict=True)
        return HistogramReport({category.id: counts.copy() for category, counts in rows})
