"""Which segments of a prediction find which segments of the truth, from the pixels of one image."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float64, Int64, Shaped

import intarsia._native as _native
from intarsia._check import fail
from intarsia.panoptic import VOID_ID, Categories, PanopticMap, Segment

UNLISTED = -2
"""The row of an id that no segment has; void has row -1."""


@dataclass(frozen=True, slots=True)
class SegmentTable:
    """The segments of one image as arrays, ordered by id."""

    ids: Int64[np.ndarray, " s"]
    category_index: Int64[np.ndarray, " s"]
    is_crowd: Bool[np.ndarray, " s"]
    score: Float64[np.ndarray, " s"]

    @classmethod
    def of(cls, segments: Iterable[Segment], categories: Categories) -> SegmentTable:
        """The table of an image's segments.

        Raises:
            ValueError: A segment's category is unknown.
        """
        rows = sorted((s.id, categories.index_of(s.category_id), s.is_crowd, s.score) for s in segments)
        ids, index, crowd, score = zip(*rows, strict=True) if rows else ((), (), (), ())
        return cls(
            np.array(ids, np.int64),
            np.array(index, np.int64),
            np.array(crowd, bool),
            np.array(score, np.float64),
        )

    @property
    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Ids, category indices, crowds, scores."""
        return self.ids, self.category_index, self.is_crowd, self.score

    def where(self, rows: Bool[np.ndarray, " s"]) -> SegmentTable:
        """Only the rows where `rows` is true."""
        return SegmentTable(*(column[rows] for column in self.columns))

    def row_of(self, ids: Int64[np.ndarray, " n"]) -> Int64[np.ndarray, " n"]:
        """The row of each id: -1 for void, -2 for an id that no segment has."""
        if not len(self.ids):
            return np.where(ids == VOID_ID, -1, UNLISTED)
        row = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[row] == ids, row, np.where(ids == VOID_ID, -1, UNLISTED))


@dataclass(frozen=True)  # no slots: sums are kept once they are asked for
class Overlap:
    """How many pixels each pair of segments shares: all that the metrics of one image need.

    The rows point into the two tables; -1 is void, -2 an id of the truth that no segment has.
    """

    truth: SegmentTable
    prediction: SegmentTable
    truth_row: Int64[np.ndarray, " n"]
    prediction_row: Int64[np.ndarray, " n"]
    truth_ids: Int64[np.ndarray, " n"]
    prediction_ids: Int64[np.ndarray, " n"]
    num_pixels: Int64[np.ndarray, " n"]

    @classmethod
    def of(cls, prediction: PanopticMap, truth: PanopticMap, categories: Categories) -> Overlap:
        """Count the pairs of two maps of one image.

        Raises:
            ValueError: The maps differ in size or show a category that is not one of `categories`.
        """
        if prediction.size != truth.size:
            fail("prediction", f"as large as the truth, {_by(truth.size)}", _by(prediction.size))
        return cls.of_pairs(
            _native.count_id_pairs(truth.ids.ravel(), prediction.ids.ravel()),
            prediction=SegmentTable.of(prediction.segments, categories),
            truth=SegmentTable.of(truth.segments, categories),
        )

    @classmethod
    def of_pairs(
        cls, pairs: Shaped[np.ndarray, "n 3"], *, prediction: SegmentTable, truth: SegmentTable
    ) -> Overlap:
        """From rows of (truth id, prediction id, pixels)."""
        pairs = pairs.view(np.int64)  # the native core says "long long"
        first, second, num_pixels = pairs.T
        return cls(
            truth, prediction, truth.row_of(first), prediction.row_of(second), first, second, num_pixels
        )

    @cached_property
    def truth_areas(self) -> Int64[np.ndarray, " s"]:
        """The pixels of each truth segment."""
        return _sum_by(self.truth_row, self.num_pixels, size=len(self.truth.ids))

    @cached_property
    def prediction_areas(self) -> Int64[np.ndarray, " s"]:
        """The pixels of each predicted segment."""
        return _sum_by(self.prediction_row, self.num_pixels, size=len(self.prediction.ids))

    @cached_property
    def on_void(self) -> Int64[np.ndarray, " s"]:
        """The pixels of each predicted segment that are void in the truth."""
        row = np.where(self.truth_row == -1, self.prediction_row, -1)
        return _sum_by(row, self.num_pixels, size=len(self.prediction.ids))

    def without_small_stuff(self, categories: Categories, *, min_px: int) -> Overlap:
        """The same with predicted stuff segments of fewer than `min_px` pixels turned to void.

        Source: usual is 4096 on COCO (detectron2's merge) and 2048 on Cityscapes at full size.
        """
        is_thing = categories.is_thing[self.prediction.category_index]
        enough = is_thing | (self.prediction_areas >= min_px)
        table = self.prediction.where(enough)
        ids = np.where(np.append(enough, [True, True])[self.prediction_row], self.prediction_ids, VOID_ID)
        return replace(self, prediction=table, prediction_row=table.row_of(ids), prediction_ids=ids)


@dataclass(frozen=True, slots=True)
class Matching:
    """Who found whom: rows of the two tables. Forgiven predictions lie mostly on void or a crowd."""

    truth_row: Int64[np.ndarray, " n"]
    prediction_row: Int64[np.ndarray, " n"]
    iou: Float64[np.ndarray, " n"]
    missed: Int64[np.ndarray, " m"]
    spurious: Int64[np.ndarray, " p"]
    forgiven: Int64[np.ndarray, " f"]


def match(overlap: Overlap, *, outline: Overlap | None = None) -> Matching:
    """Match the segments of one image as COCO's panoptic evaluation does.

    Source: Kirillov et al. 2019, section 4.1, with the void and crowd rules of the reference evaluation
    (`docs/evaluation.md`). All crowds of a category forgive, not only the last: this is ours.

    Args:
        overlap: The pairs of the two maps.
        outline: The pairs of their boundaries, if the smaller of mask and boundary IoU is to count.

    Returns:
        The matches in the order of (truth id, prediction id), and the rows left over.
    """
    truth, prediction = overlap.truth, overlap.prediction
    t, p, pixels, iou = _pairs_with_iou(overlap)
    if outline is not None:
        iou = np.minimum(iou, _outline_iou(outline, t, p))
    # a match is of one category and covers more than half; crowds are matched with nothing
    same = truth.category_index[t] == prediction.category_index[p]
    crowd = truth.is_crowd[t]
    matches = same & ~crowd & (iou > 0.5)  # so that there is at most one match a segment
    missed = ~truth.is_crowd
    missed[t[matches]] = False
    unmatched = np.ones(len(prediction.ids), bool)
    unmatched[p[matches]] = False
    # a prediction that lies mostly on void or on a crowd of its category is forgiven
    on_crowd = _sum_by(np.where(same & crowd, p, -1), pixels, size=len(prediction.ids))
    excused = (overlap.on_void + on_crowd) / np.maximum(overlap.prediction_areas, 1) > 0.5
    return Matching(
        truth_row=t[matches],
        prediction_row=p[matches],
        iou=iou[matches],
        missed=np.flatnonzero(missed),
        spurious=np.flatnonzero(unmatched & ~excused),
        forgiven=np.flatnonzero(unmatched & excused),
    )


def _pairs_with_iou(overlap: Overlap) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Truth row, prediction row, shared pixels and IoU of each pair of segments."""
    both = (overlap.truth_row >= 0) & (overlap.prediction_row >= 0)
    t, p, pixels = overlap.truth_row[both], overlap.prediction_row[both], overlap.num_pixels[both]
    union = overlap.truth_areas[t] + overlap.prediction_areas[p] - pixels - overlap.on_void[p]
    return t, p, pixels, pixels / np.maximum(union, 1)


def _outline_iou(outline: Overlap, t: np.ndarray, p: np.ndarray) -> np.ndarray:
    """The IoU of the boundaries of given pairs: 0 for a pair whose boundaries do not touch."""
    size = len(outline.prediction.ids)
    row, column, _, iou = _pairs_with_iou(outline)
    outline_keys, keys = row * size + column, t * size + p  # both ascend, as the pairs do
    at = np.searchsorted(outline_keys, keys)
    hit = np.append(outline_keys, -1)[at] == keys
    return np.where(hit, np.append(iou, 0.0)[at], 0.0)


def _sum_by(
    row: Int64[np.ndarray, " n"], num_pixels: Int64[np.ndarray, " n"], *, size: int
) -> Int64[np.ndarray, " s"]:
    """Pixels summed by row; negative rows are left out. Float64 sums of counts are exact to 2^53."""
    first = -UNLISTED
    return np.bincount(row + first, num_pixels, minlength=size + first)[first:].astype(np.int64)


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"
