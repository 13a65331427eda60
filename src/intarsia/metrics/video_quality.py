"""Quality of a panoptic video whose ids live through time: VPQ and STQ."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from intarsia._check import fail
from intarsia.metrics.matching import Overlap
from intarsia.metrics.panoptic_quality import PanopticQuality
from intarsia.metrics.quality_report import QualityReport
from intarsia.metrics.semantic_iou import SemanticIoU
from intarsia.panoptic import Categories, PanopticMap, Segment


@dataclass(frozen=True)
class VideoQualityReport:
    """VPQ, the mean over window lengths, in all, for things and for stuff; NaN where nothing was counted."""

    all: float
    things: float
    stuff: float
    per_window: dict[int, QualityReport]


class VideoPanopticQuality:
    """PQ of tubes: frames of a window are stacked, and an id is one segment through all of them.

    Source: Kim et al. 2020, "Video Panoptic Segmentation", eq. (1): windows of k = 0, 5, 10, 15 frames, of
    which every fifth is annotated, so 1 to 4 of the frames given here.

    Example:
        >>> still = PanopticMap(np.array([[1, 1]]), [Segment(1, 1)])
        >>> renamed = PanopticMap(np.array([[2, 2]]), [Segment(2, 1)])
        >>> tally = VideoPanopticQuality(Categories.named("facades"), windows=(1, 2))
        >>> tally.update([still, renamed], [still, still])
        >>> report = tally.compute()
        >>> report.per_window[1].all.pq, report.per_window[2].all.pq, report.all  # no tube of IoU > 1/2
        (1.0, 0.0, 0.5)
    """

    def __init__(self, categories: Categories, *, windows: Sequence[int] = (1, 2, 3, 4)) -> None:
        """Start with no video; `windows` are numbers of frames."""
        if not windows or min(windows) < 1:
            fail("windows", "numbers of frames, each at least 1", tuple(windows))
        self._tallies = {window: PanopticQuality(categories) for window in windows}

    def update(self, predictions: Sequence[PanopticMap], truths: Sequence[PanopticMap]) -> None:
        """Add one video; windows that are longer do not see it.

        Raises:
            ValueError: There are not as many maps of both, or they differ in size.
        """
        _check_frames(predictions, truths)
        for window, tally in self._tallies.items():
            for start in range(len(truths) - window + 1):
                part = slice(start, start + window)
                tally.update(_stack(predictions[part]), _stack(truths[part]))

    def compute(self) -> VideoQualityReport:
        """What the videos so far amount to."""
        reports = {window: tally.compute() for window, tally in self._tallies.items()}
        groups = [[getattr(r, name).pq for r in reports.values()] for name in ("all", "things", "stuff")]
        return VideoQualityReport(*map(_mean, groups), per_window=reports)


@dataclass(frozen=True)
class TrackingReport:
    """STQ, the geometric mean of association (AQ) and segmentation (SQ) quality; NaN where nothing counts."""

    stq: float
    aq: float
    sq: float


class SegmentationTrackingQuality:
    """STQ: does every pixel have its category, and does every object keep its id?

    SQ is the mIoU over all frames. For each true tube g of a thing, AQ averages over g's pixels the IoU of g
    with the predicted tube that the pixel is in: 1/|g| sum_p TPA(g, p) IoU(g, p). Crowds and void do not
    count.

    Source: Weber et al. 2021, "STEP: Segmenting and Tracking Every Pixel", eq. (1) to (4).

    Example:
        >>> still = PanopticMap(np.array([[1, 1]]), [Segment(1, 1)])
        >>> renamed = PanopticMap(np.array([[2, 2]]), [Segment(2, 1)])
        >>> tally = SegmentationTrackingQuality(Categories.named("facades"))
        >>> tally.update([still, renamed], [still, still])
        >>> report = tally.compute()
        >>> report.aq, report.sq, round(report.stq, 4)  # two tubes, half the object each: (2 / 4 + 2 / 4) / 2
        (0.5, 1.0, 0.7071)
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no video."""
        self._categories = categories
        self._semantic = SemanticIoU(categories)
        self._association: list[float] = []

    def update(self, predictions: Sequence[PanopticMap], truths: Sequence[PanopticMap]) -> None:
        """Add one video.

        Raises:
            ValueError: There are not as many maps of both, or they differ in size.
        """
        _check_frames(predictions, truths)
        shared_pixels: defaultdict[tuple[int, int], int] = defaultdict(int)
        true_area: defaultdict[int, int] = defaultdict(int)
        found_area: defaultdict[int, int] = defaultdict(int)
        for prediction, truth in zip(predictions, truths, strict=True):
            overlap = Overlap.of(prediction, truth, self._categories)
            self._semantic.update(prediction, truth)
            for true_id, found_id, count in self._pairs(overlap):
                shared_pixels[true_id, found_id] += count
                true_area[true_id] += count
                found_area[found_id] += count
        for true_id, area in true_area.items():
            if true_id == 0:
                continue
            weighted_sum = sum(
                count * count / (area + found_area[predicted] - count)
                for (true, predicted), count in shared_pixels.items()
                if true == true_id and predicted != 0
            )
            self._association.append(weighted_sum / area)

    def _pairs(self, overlap: Overlap) -> list[tuple[int, int, int]]:
        """True tube, predicted tube and pixels; 0 for what is no tube, nothing from void and crowds."""
        is_thing = self._categories.is_thing

        def tubes(table, row) -> np.ndarray:
            thing = np.append(is_thing[table.category_index], False)[row]
            return np.where(thing, np.append(table.ids, 0)[row], 0)

        crowd = np.append(overlap.truth.is_crowd, True)[overlap.truth_row]  # row -1, void, counts as one
        counts = ~crowd & (overlap.truth_row >= 0)
        columns = (
            tubes(overlap.truth, overlap.truth_row)[counts],
            tubes(overlap.prediction, overlap.prediction_row)[counts],
            overlap.num_pixels[counts],
        )
        return [(int(t), int(p), int(n)) for t, p, n in zip(*columns, strict=True)]

    def compute(self) -> TrackingReport:
        """What the videos so far amount to."""
        aq = _mean(self._association)
        sq = self._semantic.compute().miou
        return TrackingReport(math.sqrt(aq * sq), aq, sq)


def _stack(maps: Sequence[PanopticMap]) -> PanopticMap:
    """The frames one below the other; a segment is a crowd if it is one in any frame."""
    segments: dict[int, Segment] = {}
    for segment in (segment for frame in maps for segment in frame.segments):
        first = segments.get(segment.id)
        segments[segment.id] = segment if first is None or segment.is_crowd else first
    return PanopticMap(np.concatenate([frame.ids for frame in maps]), segments.values())


def _check_frames(predictions: Sequence[PanopticMap], truths: Sequence[PanopticMap]) -> None:
    if len(predictions) != len(truths):
        fail("predictions", f"as many maps as the truth, {len(truths)}", len(predictions))
    sizes = {frame.size for frame in [*predictions, *truths]}
    if len(sizes) > 1:
        fail("predictions", "all of one size, as the truth", " and ".join(map(str, sorted(sizes))))


def _mean(values: Sequence[float | None]) -> float:
    present = [value for value in values if value is not None]
    return sum(present) / len(present) if present else math.nan
