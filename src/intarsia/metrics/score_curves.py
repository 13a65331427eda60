"""What panoptic quality would be if doubtful things were left out: from which score on they should stay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from intarsia.metrics.matching import match
from intarsia.metrics.tally import AbstractReport, AbstractTally, Comparison, percent
from intarsia.panoptic import Categories

__all__ = ["ScoreCurve", "ScoreCurves", "ScoreReport"]

HARDLY_LESS = 0.005
"""Of two bars whose PQ differs by less, half a point, the lower one is better: it leaves out fewer things."""


@dataclass(frozen=True, slots=True, eq=False)
class ScoreCurve:
    """PQ of one category of things by the score from which on they stay.

    Attributes:
        name: Of the category.
        scores: Of its predicted segments, falling; those that ignored truth lies under are not among them.
        pq: PQ if segments of this score and higher ones stay.
        num_found: How many true things are found then.
    """

    name: str
    scores: Float64[np.ndarray, " s"]
    pq: Float64[np.ndarray, " s"]
    num_found: Int64[np.ndarray, " s"]

    @property
    def best_row(self) -> int:
        """The row of the lowest score whose PQ is within half a point of the highest one."""
        return int(np.flatnonzero(self.pq >= self.pq.max() - HARDLY_LESS)[-1])

    @property
    def least_score(self) -> float:
        """The bar that is chosen: between the last score that stays and the next one, 0 if all stay."""
        if self.best_row == len(self.scores) - 1:
            return 0.0
        return float(self.scores[self.best_row : self.best_row + 2].mean())


@dataclass(frozen=True)
class ScoreReport(AbstractReport):
    """A curve for each category of things that somebody predicted, by category id."""

    per_category: dict[int, ScoreCurve]

    def least_scores(self, categories: Categories) -> tuple[float, ...]:
        """What `category_score` of a decoder is to be: a bar for each category, 0 where nothing is known."""
        curves = self.per_category
        return tuple(curves[row.id].least_score if row.id in curves else 0.0 for row in categories)

    def to_json(self) -> dict[str, Any]:
        """Of each category the bar, PQ and things found with and without it."""
        return {
            str(id): {
                "least_score": curve.least_score,
                "pq": float(curve.pq[curve.best_row]),
                "pq_of_all": float(curve.pq[-1]),
                "found": int(curve.num_found[curve.best_row]),
                "found_of_all": int(curve.num_found[-1]),
            }
            for id, curve in self.per_category.items()
        }

    def summary(self) -> dict[str, str]:
        """Of each category PQ as it is and with its bar."""
        return {
            f"PQ of {curve.name}, all and from score {curve.least_score:.3f}": (
                f"{percent(float(curve.pq[-1]))}, {percent(float(curve.pq[curve.best_row]))}"
            )
            for curve in self.per_category.values()
        }


class ScoreCurves(AbstractTally):
    """PQ of each category of things by the score from which on its segments stay.

    Exact, since a segment that is left out changes no other match of panoptic quality: an IoU above one half
    leaves no second candidate.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.array([[1, 1, 0, 0], [8, 8, 8, 8]]), [Segment(1, 1), Segment(8, 6)])
        >>> sure, doubtful = Segment(5, 1, score=0.9), Segment(6, 1, score=0.4)
        >>> prediction = PanopticMap(np.array([[5, 5, 0, 0], [6, 6, 6, 6]]), [sure, doubtful])
        >>> curves = ScoreCurves(Categories.named("facades"))
        >>> curves.update(prediction, truth)
        >>> window = curves.compute().per_category[1]
        >>> window.least_score, window.pq.round(2).tolist()
        (0.65, [1.0, 0.67])
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no image."""
        self.categories = categories
        self.rows: list[Float64[np.ndarray, "s 3"]] = []  # category index, score, IoU of a match or 0
        self.num_true: Int64[np.ndarray, " k"] = np.zeros(len(categories), np.int64)

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before."""
        matching, table = match(image.overlap), image.overlap.prediction
        true_rows = np.concatenate([matching.truth_row, matching.missed])
        np.add.at(self.num_true, image.overlap.truth.category_index[true_rows], 1)
        named = np.concatenate([matching.prediction_row, matching.spurious])
        iou = np.concatenate([matching.iou, np.zeros(len(matching.spurious))])
        self.rows.append(np.stack([table.category_index[named], table.score[named], iou], axis=1))

    def merge(self, other: ScoreCurves) -> None:
        """Add the images of another tally.

        Raises:
            ValueError: The other tally has other categories.
        """
        self.check_same(other)
        self.rows += other.rows
        self.num_true += other.num_true

    def compute(self) -> ScoreReport:
        """The curves of the images so far."""
        rows = np.concatenate([np.zeros((0, 3)), *self.rows])
        curves = {}
        for index in np.flatnonzero(self.categories.is_thing).tolist():
            _, scores, iou = rows[rows[:, 0] == index].T
            if len(scores):
                curves[self.categories[index].id] = self._curve(index, scores, iou)
        return ScoreReport(curves)

    def _curve(
        self, index: int, scores: Float64[np.ndarray, " s"], iou: Float64[np.ndarray, " s"]
    ) -> ScoreCurve:
        order = np.lexsort([-iou, -scores])  # in any order of images the same sums
        scores, iou = scores[order], iou[order]
        num_segments = np.arange(1, len(scores) + 1)
        pq = iou.cumsum() / ((num_segments + self.num_true[index]) / 2)
        # segments of one score stay or go together
        is_last = np.append(scores[1:] < scores[:-1], True)
        num_found = (iou > 0).cumsum()
        return ScoreCurve(self.categories[index].name, scores[is_last], pq[is_last], num_found[is_last])
