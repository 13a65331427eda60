"""Average precision of instances as Cityscapes' evaluation defines it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float64

from intarsia._check import fail
from intarsia.metrics.matching import Overlap
from intarsia.panoptic import Categories, PanopticMap

THRESHOLDS: Float64[np.ndarray, " 10"] = np.arange(0.5, 1.0, 0.05)
MIN_AREA_PX = 100
"""Truth instances below are neither found nor missed."""


@dataclass(frozen=True, slots=True)
class AveragePrecisionReport:
    """Means over the thing categories that occur in the truth; NaN where none does."""

    ap: float
    ap50: float
    per_category: dict[int, tuple[float, float]]


class CityscapesAP:
    """Instance AP with Cityscapes' rules: exact area under the curve, groups and small instances ignored.

    A prediction below the threshold of IoU is wrong, unless more than that share of it lies on void, on a
    crowd of its category or on small instances of it. `Segment.score` orders the predictions.

    Source: the public Cityscapes scripts' rules, from scratch; SPEC E.3.

    Example:
        >>> from intarsia.panoptic import Segment
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

    def update(self, prediction: PanopticMap, truth: PanopticMap) -> None:
        """Add one image.

        Raises:
            ValueError: The maps differ in size or show a category that is not one of `categories`.
        """
        overlap = Overlap.of(prediction, truth, self.categories)
        score_of_id = {segment.id: segment.score for segment in prediction.segments}
        self.add(overlap, scores=[score_of_id[id] for id in overlap.prediction.ids.tolist()])

    def add(self, overlap: Overlap, *, scores: Sequence[float]) -> None:
        """Add one image whose pairs were counted before; scores in the order of its predicted segments."""
        things = [index for index, category in enumerate(self.categories) if category.is_thing]
        values = np.asarray(scores, np.float64)
        self.images.append({index: _judge(overlap, values, index) for index in things})

    def merge(self, other: CityscapesAP) -> None:
        """Add the images of another process.

        Raises:
            ValueError: The other tally has other categories.
        """
        if other.categories != self.categories:
            fail("other", "a tally of the same categories", f"{len(other.categories)} others")
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
        verdicts = [image[index] for image in self.images]
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


def _judge(overlap: Overlap, scores: np.ndarray, index: int) -> _Verdict:
    truth, prediction = overlap.truth, overlap.prediction
    mine = truth.category_index == index
    small = overlap.truth_areas < MIN_AREA_PX
    counted = mine & ~truth.is_crowd & ~small
    ignored = np.append(mine & (truth.is_crowd | small), [False, True])[
        overlap.truth_row
    ]  # -1, void, is last
    found = np.flatnonzero(prediction.category_index == index)
    area = overlap.prediction_areas
    valid = ignored & (overlap.prediction_row >= 0)
    excused = np.bincount(overlap.prediction_row[valid], overlap.num_pixels[valid], minlength=len(area))
    pair = np.append(mine, [False, False])[overlap.truth_row] & (overlap.prediction_row >= 0)
    pair &= np.append(prediction.category_index, [-1, -1])[overlap.prediction_row] == index
    t, p, pixels = overlap.truth_row[pair], overlap.prediction_row[pair], overlap.num_pixels[pair]
    iou = pixels / (overlap.truth_areas[t] + area[p] - pixels)
    scored, missed = [], []
    for threshold in THRESHOLDS:
        close = iou > threshold  # at most one truth a prediction and one prediction a truth: IoU > 1/2
        hit = p[close & counted[t]]
        wrong = np.setdiff1d(found, p[close])
        wrong = wrong[excused[wrong] / area[wrong] <= threshold]
        values = np.concatenate([scores[hit], scores[wrong]])
        scored.append((values, np.arange(len(values)) < len(hit)))
        missed.append(int(counted.sum()) - len(hit))
    return _Verdict(tuple(scored), tuple(missed), int(counted.sum()))


def _area(verdicts: Sequence[_Verdict], n: int) -> float:
    """Area under precision by recall, each precision over half the step to either neighbour."""
    score = np.concatenate([verdict.scored[n][0] for verdict in verdicts])
    right = np.concatenate([verdict.scored[n][1] for verdict in verdicts])
    missed = sum(verdict.num_missed[n] for verdict in verdicts)
    if not right.any():
        return 0.0
    order = np.argsort(score, kind="stable")
    score, right = score[order], right[order]
    first = np.flatnonzero(np.append(True, score[1:] != score[:-1]))  # one point for each score
    below = np.concatenate([[0], np.cumsum(right)])[first]
    true = right.sum() - below
    precision = np.append(true / (len(score) - first), 1.0)
    recall = np.append(true / (right.sum() + missed), 0.0)
    ends = np.concatenate([[recall[0]], recall, [0.0]])
    return float(precision @ (ends[:-2] - ends[2:])) / 2
