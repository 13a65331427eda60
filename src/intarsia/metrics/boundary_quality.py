"""Panoptic quality that also asks for the outline: the smaller of mask IoU and boundary IoU counts."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Int32

import intarsia._native as _native
from intarsia._check import fail
from intarsia.metrics.matching import Overlap, match
from intarsia.metrics.panoptic_quality import ImageQuality, PanopticQuality
from intarsia.metrics.quality_report import QualityReport
from intarsia.metrics.tally import AbstractTally, Comparison
from intarsia.panoptic import VOID_ID, Categories

INNER_ID = -1
"""Pixels that are not on a boundary. The authors' code marks them with an id that a segment may have."""


class BoundaryQuality(AbstractTally):
    """Boundary PQ: as `PanopticQuality`, with IoU = min(mask IoU, boundary IoU) in matching and in the sum.

    The boundary of a segment is what an erosion by d = max(1, round(ratio · diagonal)) pixels takes away;
    the image's border erodes too. Void of the truth leaves the union of boundaries.

    Source: Cheng et al. 2021, section 5, and its released code; `docs/evaluation.md` says where ours differs.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.repeat([[1] * 20 + [2] * 20], 40, axis=0), [Segment(1, 1), Segment(2, 6)])
        >>> quality = BoundaryQuality(Categories.named("facades"))
        >>> quality.update(truth, truth)
        >>> quality.compute().all.pq
        1.0
    """

    needs_maps = True

    def __init__(self, categories: Categories, *, ratio: float = 0.02) -> None:
        """Start with no image.

        Args:
            categories: Of both sides.
            ratio: Of the image's diagonal: 0.02 for COCO, 0.005 for Cityscapes. Smaller is stricter.

        Raises:
            ValueError: The ratio is not above 0.
        """
        if not ratio > 0:
            fail("ratio", "above 0", ratio)
        self.categories = categories
        self.ratio = ratio
        self.quality = PanopticQuality(categories)

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before; it has to have them."""
        assert image.maps is not None
        overlap, truth = image.overlap, image.maps.truth
        distance = max(1, round(self.ratio * math.hypot(*truth.shape)))
        true = np.where(truth == VOID_ID, VOID_ID, boundary_ids(truth, distance=distance))
        predicted = boundary_ids(image.maps.prediction, distance=distance)
        pairs = _native.count_id_pairs(true.ravel(), predicted.ravel())
        outline = Overlap.of_pairs(pairs, prediction=overlap.prediction, truth=overlap.truth)
        matching = match(overlap, outline=outline)
        self.quality.add_image(ImageQuality(matching, prediction=overlap.prediction, truth=overlap.truth))

    def merge(self, other: BoundaryQuality) -> None:
        """Add the images of another tally of the same categories.

        Raises:
            ValueError: The other tally has other categories or another ratio.
        """
        self.check_same(other, ratio=self.ratio)
        self.quality.merge(other.quality)

    def compute(self) -> QualityReport:
        """What the images so far amount to."""
        return self.quality.compute()


def boundary_ids(ids: Int32[np.ndarray, "h w"], *, distance: int) -> Int32[np.ndarray, "h w"]:
    """The ids of pixels within `distance` of another id or of the border; -1 elsewhere.

    Equal to eroding each segment's mask `distance` times by 3x3 pixels, all at once.
    """
    from scipy.ndimage import maximum_filter, minimum_filter

    window = 2 * distance + 1
    low = minimum_filter(ids, window, mode="constant", cval=INNER_ID)
    high = maximum_filter(ids, window, mode="constant", cval=INNER_ID)
    return np.where(low == high, np.int32(INNER_ID), ids)
