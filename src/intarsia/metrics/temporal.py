"""How steady results are over time: consistency along the flow, and drift of the embedding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int64

from intarsia._check import fail
from intarsia.metrics.panoptic_quality import PanopticQuality
from intarsia.metrics.quality_report import QualityReport
from intarsia.metrics.semantic_iou import SemanticIoU
from intarsia.panoptic import VOID_ID, Categories, PanopticMap


@dataclass(frozen=True)
class ConsistencyReport:
    """How well earlier results, carried along the flow, agree with later ones; mIoU is NaN without frames."""

    miou: float
    quality: QualityReport


class TemporalConsistency:
    """Compares each frame's map with the earlier frame's, carried along the optical flow.

    The earlier map plays the truth: mIoU of categories, and PQ of segments, whose ids need not agree. Pixels
    that come from outside of the image or are occluded do not count on either side.

    Source: ours; the temporal metric of Kerola et al. 2021 was not available.

    Example:
        >>> from intarsia.panoptic import Segment
        >>> earlier = PanopticMap(np.array([[1, 1, 2, 2]]), [Segment(1, 1), Segment(2, 6)])
        >>> later = PanopticMap(np.array([[5, 5, 5, 4]]), [Segment(5, 1), Segment(4, 6)])
        >>> tally = TemporalConsistency(Categories.named("facades"))
        >>> tally.update(earlier, later, np.stack([np.zeros((1, 4)), np.full((1, 4), -1.0)]))
        >>> tally.compute().quality.all.pq  # all moved by one pixel to the right; the first came from outside
        1.0
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no frame."""
        self._semantic = SemanticIoU(categories)
        self._quality = PanopticQuality(categories)

    def update(
        self,
        earlier: PanopticMap,
        later: PanopticMap,
        flow: Float[np.ndarray, "2 h w"],
        *,
        occluded: Bool[np.ndarray, "h w"] | None = None,
    ) -> None:
        """Add two frames.

        Args:
            earlier: The first frame's map.
            later: The second frame's map.
            flow: From each pixel of the second frame to where it was in the first: rows, columns.
            occluded: Pixels of the second frame that the first did not show.

        Raises:
            ValueError: The sizes differ.
        """
        if earlier.size != later.size:
            fail("later", f"as large as the earlier map, {earlier.size}", later.size)
        source, inside = _follow(flow, later.size)
        counted = inside if occluded is None else inside & ~occluded
        expected = np.where(counted, earlier.ids[source], VOID_ID)
        actual = np.where(counted, later.ids, VOID_ID)
        before = PanopticMap.keeping_visible(expected, earlier.segments)
        after = PanopticMap.keeping_visible(actual, later.segments)
        self._semantic.update(after, before)
        self._quality.update(after, before)

    def compute(self) -> ConsistencyReport:
        """What the frames so far amount to."""
        return ConsistencyReport(self._semantic.compute().miou, self._quality.compute())


def embedding_drift(
    earlier: Float[np.ndarray, "d h w"],
    later: Float[np.ndarray, "d h w"],
    flow: Float[np.ndarray, "2 h w"],
    *,
    margin: Float[np.ndarray, "h w"],
    where: Bool[np.ndarray, "h w"] | None = None,
) -> float:
    """Median distance that a pixel's embedding moves from one frame to the next, in margins.

    Below 1 the typical pixel still lies within the margin of what it was: a centre of the earlier frame
    finds it again. (A margin is 1.17741 σ.)

    Source: ours; the temporal metric of Kerola et al. 2021 was not available.

    Args:
        earlier: The first frame's embeddings.
        later: The second frame's.
        flow: From each pixel of the second frame to where it was in the first: rows, columns.
        margin: Of each pixel of the first frame, in units of the embedding.
        where: Pixels of the second frame that count, things say; all by default.

    Returns:
        NaN where no pixel counts.

    Raises:
        ValueError: The sizes differ.

    Example:
        >>> drift = embedding_drift(
        ...     np.array([[[1.0, 5.0]]]),
        ...     np.array([[[9.0, 2.0]]]),
        ...     np.array([[[0.0, 0.0]], [[0.0, -1.0]]]),  # the second pixel was the first
        ...     margin=np.array([[4.0, 1.0]]),
        ...     where=np.array([[False, True]]),
        ... )
        >>> drift  # |2 - 1| / 4
        0.25
    """
    size = (later.shape[1], later.shape[2])
    if earlier.shape != later.shape or margin.shape != size:
        fail("earlier", f"of shape {later.shape} with a margin of {size}", f"{earlier.shape}, {margin.shape}")
    source, inside = _follow(flow, size)
    counted = inside if where is None else inside & where
    if not counted.any():
        return float("nan")
    rows, columns = source[0][counted], source[1][counted]
    moved = later[:, counted] - earlier[:, rows, columns]
    distance = np.sqrt(np.square(moved.astype(np.float64)).sum(axis=0))
    return float(np.median(distance / margin[rows, columns]))


def _follow(
    flow: Float[np.ndarray, "2 h w"], size: tuple[int, int]
) -> tuple[tuple[Int64[np.ndarray, "h w"], Int64[np.ndarray, "h w"]], Bool[np.ndarray, "h w"]]:
    """The nearest pixel of the earlier frame behind each of the later one, and whether it is in the image."""
    if flow.shape != (2, *size):
        fail("flow", f"of shape {(2, *size)}", flow.shape)
    place = np.rint(np.indices(size) + flow)
    limits = np.array(size)[:, None, None]
    inside = np.asarray(((place >= 0) & (place < limits)).all(axis=0))
    rows, columns = np.where(inside, place, 0).astype(np.int64)
    return (rows, columns), inside
