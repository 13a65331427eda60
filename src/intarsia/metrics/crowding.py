"""How many instances are found where their boxes overlap: what a box does not tell apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float64, Int64

from intarsia.metrics.tally import AbstractReport, AbstractTally, Comparison, or_null, percent
from intarsia.panoptic import Categories

__all__ = ["CROWDING_EDGES", "CrowdingReport", "RecallByCrowding", "nearest_box"]

CROWDING_EDGES = (0.0, 0.2, 0.4)
"""Where the groups begin: IoU of an instance's box with that of its closest neighbour."""


@dataclass(frozen=True)
class CrowdingReport(AbstractReport):
    """Recall and number of instances by how much their boxes overlap, from apart to crossing.

    Attributes:
        recall: One share a group; NaN where there is no instance.
        counts: Instances in each group.
    """

    recall: tuple[float, ...]
    counts: tuple[int, ...]

    def to_json(self) -> dict[str, Any]:
        """Both by the least overlap of the group; null where there is no instance."""
        rows = zip(CROWDING_EDGES, self.recall, self.counts, strict=True)
        return {str(edge): {"recall": or_null(recall), "n": count} for edge, recall, count in rows}

    def summary(self) -> dict[str, str]:
        """Recall of each group."""
        pairs = zip(CROWDING_EDGES, self.recall, strict=True)
        return {f"recall, boxes from {edge}": percent(recall) for edge, recall in pairs}


class RecallByCrowding(AbstractTally):
    """The share of true things that some predicted segment of their category meets with a high enough IoU.

    Each is in the group of the largest IoU of its box with the box of another thing of the image, whatever
    its category: below 0.2, from 0.2, from 0.4. Crowds are left out.

    Source: the sticks of Figure 1 in De Brabandere, Neven and Van Gool 2017, which has no numbers; ours.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.array([[1, 0, 2, 2]]), [Segment(1, 1), Segment(2, 1)])
        >>> prediction = PanopticMap(np.array([[5, 0, 0, 6]]), [Segment(5, 1), Segment(6, 1)])
        >>> recall = RecallByCrowding(Categories.named("facades"))
        >>> recall.update(prediction, truth)
        >>> recall.compute().recall[0], recall.compute().counts
        (0.5, (2, 0, 0))
    """

    needs_maps = True

    def __init__(self, categories: Categories, *, min_iou: float = 0.75) -> None:
        """Start with no image.

        Args:
            categories: Those of both maps.
            min_iou: From which a thing is found; 0.75 asks for an outline, as in the comparison of sticks,
                where 0.5 would take half a stick.
        """
        self.categories, self.min_iou = categories, min_iou
        self.hits: Int64[np.ndarray, " g"] = np.zeros(len(CROWDING_EDGES), np.int64)
        self.counts: Int64[np.ndarray, " g"] = np.zeros(len(CROWDING_EDGES), np.int64)

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before; it has to have them."""
        assert image.maps is not None
        overlap, table = image.overlap, image.overlap.truth
        counted = self.categories.is_thing[table.category_index] & ~table.is_crowd
        best = np.zeros(len(table.ids))
        pairs = (overlap.truth_row >= 0) & (overlap.prediction_row >= 0)
        t, p, pixels = overlap.truth_row[pairs], overlap.prediction_row[pairs], overlap.num_pixels[pairs]
        union = overlap.truth_areas[t] + overlap.prediction_areas[p] - pixels
        same = table.category_index[t] == overlap.prediction.category_index[p]
        np.maximum.at(best, t[same], (pixels / union)[same])
        group = np.digitize(nearest_box(image.maps.truth, table.ids[counted]), CROWDING_EDGES) - 1
        np.add.at(self.counts, group, 1)
        np.add.at(self.hits, group, (best[counted] > self.min_iou).astype(np.int64))

    def merge(self, other: RecallByCrowding) -> None:
        """Add the images of another tally.

        Raises:
            ValueError: The other tally has other categories or another least IoU.
        """
        self.check_same(other, min_iou=self.min_iou)
        self.hits, self.counts = self.hits + other.hits, self.counts + other.counts

    def compute(self) -> CrowdingReport:
        """Recall of the images so far."""
        shares = np.where(self.counts > 0, self.hits / np.maximum(self.counts, 1), np.nan)
        return CrowdingReport(tuple(map(float, shares)), tuple(map(int, self.counts)))


def nearest_box(ids: np.ndarray, things: Int64[np.ndarray, " s"]) -> Float64[np.ndarray, " s"]:
    """Of each of these segments the largest IoU of its box with another's of them.

    Args:
        ids: A map of ids, (h, w).
        things: Some of them.

    Example:
        >>> nearest_box(np.array([[1, 1, 2, 0], [2, 1, 2, 3]]), np.array([1, 2, 3])).round(2).tolist()
        [0.67, 0.67, 0.0]
    """
    if len(things) < 2:
        return np.zeros(len(things))
    from scipy.ndimage import find_objects  # takes a sixth of a second

    row = np.zeros(int(max(ids.max(), things.max())) + 1, np.int32)
    row[things] = np.arange(1, len(things) + 1)
    corners = [[b[0].start, b[1].start, b[0].stop, b[1].stop] for b in find_objects(row[ids])]
    boxes = np.array(corners, np.float64)
    low = np.maximum(boxes[:, None, :2], boxes[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], boxes[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(-1)
    area = (boxes[:, 2:] - boxes[:, :2]).prod(-1)
    iou = common / (area[:, None] + area[None] - common)
    np.fill_diagonal(iou, 0)
    return iou.max(axis=1)
