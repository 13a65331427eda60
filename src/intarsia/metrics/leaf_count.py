"""The leaf segmentation challenge's metrics: symmetric best Dice and difference in count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64

from intarsia.metrics.tally import AbstractReport, AbstractTally, Comparison, or_null, percent
from intarsia.panoptic import Categories


@dataclass(frozen=True, slots=True)
class LeafReport(AbstractReport):
    """Means over images; NaN without any. All in [0, 1] but the difference in count."""

    symmetric_best_dice: float
    count_difference: float
    foreground_dice: float
    num_images: int

    def to_json(self) -> dict[str, Any]:
        """Every field; null without any image."""
        fields = ("symmetric_best_dice", "count_difference", "foreground_dice")
        return {**{name: or_null(getattr(self, name)) for name in fields}, "num_images": self.num_images}

    def summary(self) -> dict[str, str]:
        """Symmetric best Dice and foreground Dice; the mean difference in count."""
        difference = "–" if np.isnan(self.count_difference) else f"{self.count_difference:.2f}"
        return {
            "symmetric best Dice": percent(self.symmetric_best_dice),
            "foreground Dice": percent(self.foreground_dice),
            "mean |difference in count|": difference,
        }


class LeafCount(AbstractTally):
    """SBD, |DiC| and foreground Dice of the things of an image, whatever their category; crowds are left out.

    BD(A, B) is the mean over a in A of its best Dice 2|a∩b| / (|a| + |b|) in B, and SBD = min(BD(truth,
    prediction), BD(prediction, truth)). Where both sides are empty all is right: SBD and Dice are 1 (ours).

    Source: Scharr et al. 2016, *Leaf segmentation in plant phenotyping*: the CVPPP challenge.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.array([[1, 1, 2, 2]]), [Segment(1, 1), Segment(2, 1)])
        >>> prediction = PanopticMap(np.array([[5, 5, 5, 5]]), [Segment(5, 1)])
        >>> leaves = LeafCount(Categories.named("facades"))
        >>> leaves.update(prediction, truth)
        >>> report = leaves.compute()
        >>> round(report.symmetric_best_dice, 3), report.count_difference, report.foreground_dice
        (0.667, 1.0, 1.0)
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no image."""
        self.categories = categories
        self.sums: Float64[np.ndarray, " 4"] = np.zeros(4)  # SBD, |DiC|, foreground Dice, images

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before."""
        overlap = image.overlap
        is_thing = self.categories.is_thing
        true = is_thing[overlap.truth.category_index] & ~overlap.truth.is_crowd
        predicted = is_thing[overlap.prediction.category_index]
        on_true = np.append(true, [False, False])[overlap.truth_row]  # -1 void, -2 unlisted: the last two
        on_found = np.append(predicted, [False, False])[overlap.prediction_row]
        pairs = on_true & on_found
        t, p, pixels = overlap.truth_row[pairs], overlap.prediction_row[pairs], overlap.num_pixels[pairs]
        dice = 2 * pixels / (overlap.truth_areas[t] + overlap.prediction_areas[p])
        best = min(_best(dice, t, true), _best(dice, p, predicted)) if true.any() or predicted.any() else 1.0
        sizes = overlap.num_pixels[on_true].sum() + overlap.num_pixels[on_found].sum()
        foreground = 2 * pixels.sum() / sizes if sizes else 1.0
        self.sums += (best, abs(int(true.sum()) - int(predicted.sum())), foreground, 1)

    def merge(self, other: LeafCount) -> None:
        """Add the images of another tally.

        Raises:
            ValueError: The other tally has other categories.
        """
        self.check_same(other)
        self.sums += other.sums

    def compute(self) -> LeafReport:
        """Means over the images so far."""
        num_images = int(self.sums[3])
        means = self.sums[:3] / num_images if num_images else np.full(3, np.nan)
        best, difference, foreground = means.tolist()
        return LeafReport(best, difference, foreground, num_images)


def _best(dice: np.ndarray, row: np.ndarray, counted: np.ndarray) -> float:
    """The mean over counted segments of their best Dice; 0 without any."""
    best = np.zeros(len(counted))
    np.maximum.at(best, row, dice)
    return float(best[counted].mean()) if counted.any() else 0.0
