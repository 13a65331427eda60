"""What became of each segment: matched, missed, merged, split, wrong category, or spurious."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from jaxtyping import Int64

from intarsia.metrics.matching import Matching, Overlap, match
from intarsia.metrics.tally import AbstractReport, AbstractTally, Comparison
from intarsia.panoptic import Categories

Fate = Literal["matched", "missed", "merged", "split", "wrong category", "spurious"]
FATES: tuple[Fate, ...] = get_args(Fate)


@dataclass(frozen=True, slots=True)
class ErrorReport(AbstractReport):
    """How many segments had each fate, and the same by category id."""

    counts: dict[Fate, int]
    per_category: dict[int, dict[Fate, int]]

    def to_json(self) -> dict[str, Any]:
        """The counts of all categories and of each."""
        rows = {str(id): {**row} for id, row in self.per_category.items()}
        return {"all": {**self.counts}, "per_class": rows}

    def summary(self) -> dict[str, str]:
        """The counts of all categories."""
        return {name: str(count) for name, count in self.counts.items()}


class ErrorBreakdown(AbstractTally):
    """Counts the fates of segments by category.

    The definitions are ours:

    - *matched*: as panoptic quality matches.
    - *wrong category*: a truth segment that one prediction of another category outlines with IoU > 1/2.
    - *merged*: more than half of it lies in one prediction of its category, which holds more than half of
      another truth segment of the category too.
    - *split*: more than half of it lies in predictions of its category that lie mostly in it, at least two.
    - *missed*: every other truth segment. Crowds have no fate.
    - *spurious*: a prediction that is no match, not forgiven, and has no part in one of the fates above.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.array([[1, 1, 2, 2]]), [Segment(1, 1), Segment(2, 1)])
        >>> prediction = PanopticMap(np.array([[5, 5, 5, 5]]), [Segment(5, 1)])
        >>> errors = ErrorBreakdown(Categories.named("facades"))
        >>> errors.update(prediction, truth)
        >>> errors.compute().counts["merged"]
        2
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no image."""
        self.categories = categories
        self.counts: Int64[np.ndarray, "6 k"] = np.zeros((len(FATES), len(categories)), np.int64)

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before."""
        overlap = image.overlap
        of_truth, of_prediction = fates(overlap, match(overlap))
        for table, fate in ((overlap.truth, of_truth), (overlap.prediction, of_prediction)):
            has_fate = fate >= 0
            np.add.at(self.counts, (fate[has_fate], table.category_index[has_fate]), 1)

    def merge(self, other: ErrorBreakdown) -> None:
        """Add the images of another tally.

        Raises:
            ValueError: The other tally has other categories.
        """
        self.check_same(other)
        self.counts += other.counts

    def compute(self) -> ErrorReport:
        """How many segments had each fate, of all categories and of each."""
        rows = zip(self.categories, self.counts.T.tolist(), strict=True)
        by_category = {category.id: dict(zip(FATES, row, strict=True)) for category, row in rows}
        return ErrorReport(dict(zip(FATES, self.counts.sum(axis=1).tolist(), strict=True)), by_category)


def fates(overlap: Overlap, matching: Matching) -> tuple[Int64[np.ndarray, " s"], Int64[np.ndarray, " t"]]:
    """The fate of each truth segment and of each predicted one, as a row of `FATES`.

    Returns:
        -1 for crowds, forgiven predictions, and predictions whose part a truth segment's fate tells.
    """
    pairs = _Pairs(overlap)
    truth = np.where(overlap.truth.is_crowd, -1, FATES.index("missed"))
    explained = np.zeros(len(overlap.prediction.ids), bool)
    explained[matching.forgiven] = explained[matching.prediction_row] = True
    open_ = ~overlap.truth.is_crowd
    open_[matching.truth_row] = False
    for fate, which in (
        ("split", pairs.split()),
        ("merged", pairs.merged()),
        ("wrong category", ~pairs.same & (pairs.iou > 0.5)),
    ):
        which = which & open_[pairs.t]
        truth[pairs.t[which]] = FATES.index(fate)
        explained[pairs.p[which]] = True
    truth[matching.truth_row] = FATES.index("matched")
    return truth, np.where(explained, -1, FATES.index("spurious"))


class _Pairs:
    """The pairs of true and predicted segments that overlap, with their shares."""

    def __init__(self, overlap: Overlap) -> None:
        both = (overlap.truth_row >= 0) & (overlap.prediction_row >= 0)
        self.t, self.p = overlap.truth_row[both], overlap.prediction_row[both]
        true_area, found_area = overlap.truth_areas[self.t], overlap.prediction_areas[self.p]
        self.pixels = overlap.num_pixels[both]
        self.same = overlap.truth.category_index[self.t] == overlap.prediction.category_index[self.p]
        self.same_thing = self.same & ~overlap.truth.is_crowd[self.t]
        self.true_area, self.found_area = true_area, found_area
        self.iou = self.pixels / (true_area + found_area - self.pixels)
        self.num_truth, self.num_found = len(overlap.truth.ids), len(overlap.prediction.ids)

    def merged(self) -> np.ndarray:
        """Pairs whose prediction holds most of this truth segment and of another one."""
        holds = self.same_thing & (2 * self.pixels > self.true_area)
        num_held = np.bincount(self.p[holds], minlength=self.num_found)
        return holds & (num_held[self.p] > 1)

    def split(self) -> np.ndarray:
        """Pairs whose prediction is one of several parts that together hold most of the truth segment."""
        part = self.same_thing & (2 * self.pixels > self.found_area)
        num_parts = np.bincount(self.t[part], minlength=self.num_truth)
        covered = np.bincount(self.t[part], self.pixels[part], minlength=self.num_truth)
        return part & (num_parts[self.t] > 1) & (2 * covered[self.t] > self.true_area)
