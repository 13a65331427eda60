"""Intersection over union of categories: the semantic side of a panoptic result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from intarsia.metrics.tally import AbstractReport, AbstractTally, Comparison, by_id, or_null, percent
from intarsia.panoptic import Categories


@dataclass(frozen=True)
class SemanticReport(AbstractReport):
    """Means over the categories that occur in the truth or the prediction; NaN where none does."""

    miou: float
    things: float
    stuff: float
    per_category: dict[int, float]

    def to_json(self) -> dict[str, Any]:
        """mIoU of all, things, stuff, and the IoU of each category; null where there is none."""
        groups = {"miou": self.miou, "things": self.things, "stuff": self.stuff}
        rows = {str(id): or_null(value) for id, value in self.per_category.items()}
        return {**{name: or_null(value) for name, value in groups.items()}, "per_class": rows}

    def summary(self) -> dict[str, str]:
        """mIoU of all categories, of things, of stuff."""
        rows = {"mIoU": self.miou, "mIoU of things": self.things, "mIoU of stuff": self.stuff}
        return {name: percent(value) for name, value in rows.items()}


class SemanticIoU(AbstractTally):
    """Adds up which category each pixel has and gets; mIoU and stuff IoU follow.

    Instances of a category are united. Void pixels of the truth do not count; void in the prediction
    is a miss. Tallies of several processes add up by `merge`, or by a sum over `confusion`.

    Source: Li, Qi and Torr 2020, table I, measures stuff so.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.array([[1, 1, 1, 2]]), [Segment(1, 6), Segment(2, 7)])
        >>> prediction = PanopticMap(np.array([[5, 5, 5, 5]]), [Segment(5, 6)])
        >>> tally = SemanticIoU(Categories.named("facades"))
        >>> tally.update(prediction, truth)
        >>> tally.compute().stuff  # (3/4 + 0) / 2
        0.375
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no image."""
        self.categories = categories
        self.confusion: Int64[np.ndarray, "k k+1"] = np.zeros(
            (len(categories), len(categories) + 1), np.int64
        )

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before."""
        overlap = image.overlap
        on_truth = overlap.truth_row >= 0
        true = overlap.truth.category_index[overlap.truth_row[on_truth]]
        row = overlap.prediction_row[on_truth]
        void = len(self.categories)
        index = np.append(overlap.prediction.category_index, void)  # row -1 is the last
        np.add.at(self.confusion, (true, index[row]), overlap.num_pixels[on_truth])

    def merge(self, other: SemanticIoU) -> None:
        """Add the images of another tally.

        Raises:
            ValueError: The other tally has other categories.
        """
        self.check_same(other)
        self.confusion += other.confusion

    def compute(self) -> SemanticReport:
        """What the images so far amount to."""
        iou = _iou(self.confusion)
        return SemanticReport(
            miou=_mean(iou),
            things=_mean(iou[self.categories.is_thing]),
            stuff=_mean(iou[~self.categories.is_thing]),
            per_category=by_id(self.categories, iou),
        )


def _iou(confusion: Int64[np.ndarray, "k k+1"]) -> Float64[np.ndarray, " k"]:
    """NaN where a category occurs on neither side."""
    inter = np.diagonal(confusion)
    union = confusion.sum(axis=1) + confusion[:, :-1].sum(axis=0) - inter
    return np.where(union > 0, inter / np.maximum(union, 1), np.nan)


def _mean(values: Float64[np.ndarray, " n"]) -> float:
    present = values[~np.isnan(values)]
    return float(present.mean()) if len(present) else float("nan")
