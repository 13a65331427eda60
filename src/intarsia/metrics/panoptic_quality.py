"""Panoptic quality: how well a prediction finds and outlines the segments of the truth."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from intarsia._check import fail
from intarsia.metrics.matching import Matching, Overlap, SegmentTable, match
from intarsia.metrics.quality_report import QualityReport
from intarsia.metrics.tally import AbstractTally, Comparison
from intarsia.panoptic import Categories


class PanopticQuality(AbstractTally):
    """Adds up matches image by image: PQ = sum of IoU / (TP + FP/2 + FN/2), averaged over categories.

    Equal to the reference COCO panoptic evaluation, from pixels. Tallies of several processes add up:
    `merge`, or `state` summed by any all-reduce. Segments are matched where IoU > 1/2; void and crowd
    as in `intarsia.metrics.matching.match`.

    Source: Kirillov et al. 2019, eq. (1); `docs/evaluation.md` has the rules one by one.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.array([[1, 1, 1, 2]]), [Segment(1, 1), Segment(2, 6)])
        >>> prediction = PanopticMap(np.array([[5, 5, 5, 5]]), [Segment(5, 1)])
        >>> quality = PanopticQuality(Categories.named("facades"))
        >>> quality.update(prediction, truth)
        >>> report = quality.compute()
        >>> report.things.pq, report.stuff.pq, report.all.n
        (0.75, 0.0, 2)
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no image."""
        self.categories = categories
        self._iou = np.zeros(len(categories), np.float64)
        self._counts = np.zeros((3, len(categories)), np.int64)  # true positives, false positives, misses

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before."""
        self.add_image(ImageQuality.of(image.overlap))

    def add_image(self, image: ImageQuality) -> None:
        """Add one image that was matched before, perhaps by another process."""
        np.add.at(
            self._iou, image.match_category, image.match_iou
        )  # in order: bit for bit the reference's sum
        for count, index in zip(self._counts, image.counted, strict=True):
            np.add.at(count, index, 1)

    def merge(self, other: PanopticQuality) -> None:
        """Add the images of another tally of the same categories.

        Raises:
            ValueError: The other tally has other categories.
        """
        self.check_same(other)
        self._iou += other._iou
        self._counts += other._counts

    @property
    def state(self) -> Float64[np.ndarray, "4 k"]:
        """The tally as one array (sum of IoU, TP, FP, FN): sum it over processes, then `from_state`."""
        return np.concatenate([self._iou[None], self._counts.astype(np.float64)])

    @classmethod
    def from_state(cls, categories: Categories, state: Any) -> PanopticQuality:
        """The tally of a `state`, or of the sum of several.

        Raises:
            ValueError: The array does not have one column a category.
        """
        state = np.asarray(state, np.float64)
        if state.shape != (4, len(categories)):
            fail("state", f"of shape (4, {len(categories)})", state.shape)
        quality = cls(categories)
        quality._iou, quality._counts = state[0].copy(), state[1:].round().astype(np.int64)
        return quality

    def compute(self) -> QualityReport:
        """What the images so far amount to; with no image, every group is absent (n = 0)."""
        tp, fp, fn = self._counts
        return QualityReport.of(self.categories, iou=self._iou, tp=tp, fp=fp, fn=fn)


class ImageQuality:
    """What one image adds to the tally: category indices of matches, false positives and misses.

    Small, so that a worker can hand it to the process that adds up.
    """

    __slots__ = ("match_category", "match_iou", "missed_category", "spurious_category")

    def __init__(self, matching: Matching, *, prediction: SegmentTable, truth: SegmentTable) -> None:
        """Keep categories and IoUs of a matching."""
        self.match_category: Int64[np.ndarray, " n"] = truth.category_index[matching.truth_row]
        self.match_iou: Float64[np.ndarray, " n"] = matching.iou
        self.spurious_category: Int64[np.ndarray, " p"] = prediction.category_index[matching.spurious]
        self.missed_category: Int64[np.ndarray, " m"] = truth.category_index[matching.missed]

    @classmethod
    def of(cls, overlap: Overlap) -> ImageQuality:
        """Match the segments of one image."""
        return cls(match(overlap), prediction=overlap.prediction, truth=overlap.truth)

    @property
    def counted(self) -> tuple[Int64[np.ndarray, " n"], Int64[np.ndarray, " p"], Int64[np.ndarray, " m"]]:
        """Categories of true positives, of false positives, of misses."""
        return self.match_category, self.spurious_category, self.missed_category
