"""Average precision of instances as Cityscapes' evaluation defines it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float64

from intarsia.metrics.matching import Overlap
from intarsia.metrics.tally import AbstractReport, AbstractTally, Comparison, or_null, percent
from intarsia.panoptic import Categories

THRESHOLDS: Float64[np.ndarray, " 10"] = np.arange(0.5, 1.0, 0.05)
MIN_AREA_PX = 100
"""Truth instances below are neither found nor missed."""


@dataclass(frozen=True, slots=True)
class AveragePrecisionReport(AbstractReport):
    """Means over the thing categories that occur in the truth; NaN where none does."""

    ap: float
    ap50: float
    per_category: dict[int, tuple[float, float]]

    def to_json(self) -> dict[str, Any]:
        """AP and AP50 of all categories and of each."""
        rows = {str(id): {"ap": ap, "ap50": ap50} for id, (ap, ap50) in self.per_category.items()}
        return {"ap": or_null(self.ap), "ap50": or_null(self.ap50), "per_class": rows}

    def summary(self) -> dict[str, str]:
        """AP and AP50."""
        return {"AP": percent(self.ap), "AP50": percent(self.ap50)}


class CityscapesAP(AbstractTally):
    """Instance AP with Cityscapes' rules: exact area under the curve, groups and small instances ignored.

    A prediction below the threshold of IoU is wrong, unless more than that share of it lies on void, on a
    crowd of its category or on small instances of it. `Segment.score` orders the predictions.

    Source: the public Cityscapes scripts' rules (evalInstanceLevelSemanticLabeling), from scratch.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.ones((10, 10), np.int32), [Segment(1, 1)])
        >>> precision = CityscapesAP(Categories.named("facades"))
        >>> precision.update(truth, truth)
        >>> precision.compute().ap
        1.0
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no image."""
        self.categories = categories
        self.images: list[_Image] = []

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before."""
        self.add_of(image, image.overlap.truth_areas >= MIN_AREA_PX)

    def add_of(self, image: Comparison, counted: Bool[np.ndarray, " s"]) -> None:
        """Add one image of whose true segments only some count; the others are neither found nor missed.

        Args:
            image: Whose maps were compared before.
            counted: One for each row of the truth's table.
        """
        overlap = image.overlap
        indices = {*overlap.truth.category_index.tolist(), *overlap.prediction.category_index.tolist()}
        things = [index for index in sorted(indices) if self.categories[index].is_thing]
        self.images.append({index: _judge(overlap, index, ~counted) for index in things})

    def merge(self, other: CityscapesAP) -> None:
        """Add the images of another process.

        Raises:
            ValueError: The other tally has other categories.
        """
        self.check_same(other)
        self.images += other.images

    def compute(self) -> AveragePrecisionReport:
        """What the images so far amount to."""
        rows = {category.id: self._curve(index) for index, category in enumerate(self.categories)}
        present = {id: (float(ap.mean()), float(ap[0])) for id, ap in rows.items() if ap is not None}
        means = np.mean(list(present.values()), axis=0) if present else (float("nan"), float("nan"))
        return AveragePrecisionReport(float(means[0]), float(means[1]), present)

    def _curve(self, index: int) -> Float64[np.ndarray, " 10"] | None:
        if not self.categories[index].is_thing:
            return None
        verdicts = [image[index] for image in self.images if index in image]
        if not any(verdict.num_truth for verdict in verdicts):
            return None
        return np.array([_area(verdicts, n) for n in range(len(THRESHOLDS))])


@dataclass(frozen=True, slots=True)
class _Verdict:
    """One category of one image: (score, right) of counted predictions and unfound truths, by threshold."""

    scored: tuple[tuple[np.ndarray, np.ndarray], ...]
    num_missed: tuple[int, ...]
    num_truth: int


_Image = dict[int, _Verdict]


def _judge(overlap: Overlap, index: int, small: Bool[np.ndarray, " s"]) -> _Verdict:
    truth, prediction, scores = overlap.truth, overlap.prediction, overlap.prediction.score
    mine = truth.category_index == index
    scored_truth = mine & ~truth.is_crowd & ~small
    # what covers crowds, small instances and void (row -1, the last) is not counted against anybody
    is_ignored = np.append(mine & (truth.is_crowd | small), [False, True])
    ignored = is_ignored[overlap.truth_row]
    candidates = np.flatnonzero(prediction.category_index == index)
    area = overlap.prediction_areas
    valid = ignored & (overlap.prediction_row >= 0)
    excused = np.bincount(overlap.prediction_row[valid], overlap.num_pixels[valid], minlength=len(area))
    # the pairs of this category, and how well they fit
    pair = np.append(mine, [False, False])[overlap.truth_row] & (overlap.prediction_row >= 0)
    pair &= np.append(prediction.category_index, [-1, -1])[overlap.prediction_row] == index
    t, p, pixels = overlap.truth_row[pair], overlap.prediction_row[pair], overlap.num_pixels[pair]
    iou = pixels / (overlap.truth_areas[t] + area[p] - pixels)
    # at each threshold the hits, the predictions that nothing excuses, and what was missed
    scored, num_missed = [], []
    for threshold in THRESHOLDS:
        close = iou > threshold  # at most one truth a prediction and one prediction a truth: IoU > 1/2
        hit = p[close & scored_truth[t]]
        wrong = np.setdiff1d(candidates, p[close])
        wrong = wrong[excused[wrong] / area[wrong] <= threshold]
        values = np.concatenate([scores[hit], scores[wrong]])
        scored.append((values, np.arange(len(values)) < len(hit)))
        num_missed.append(int(scored_truth.sum()) - len(hit))
    return _Verdict(tuple(scored), tuple(num_missed), int(scored_truth.sum()))


def _area(verdicts: Sequence[_Verdict], n: int) -> float:
    """Area under precision by recall, each precision over half the step to either neighbour."""
    score = np.concatenate([verdict.scored[n][0] for verdict in verdicts])
    right = np.concatenate([verdict.scored[n][1] for verdict in verdicts])
    num_missed = sum(verdict.num_missed[n] for verdict in verdicts)
    if not right.any():
        return 0.0
    order = np.argsort(score, kind="stable")
    score, right = score[order], right[order]
    first = np.flatnonzero(np.append(True, score[1:] != score[:-1]))  # one point for each score
    below = np.concatenate([[0], np.cumsum(right)])[first]
    true = right.sum() - below
    precision = np.append(true / (len(score) - first), 1.0)
    recall = np.append(true / (right.sum() + num_missed), 0.0)
    ends = np.concatenate([[recall[0]], recall, [0.0]])
    return float(precision @ (ends[:-2] - ends[2:])) / 2
