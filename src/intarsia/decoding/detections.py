"""What a detector said about one image: boxes with categories and scores, and masks where it has them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int64

__all__ = ["Detections"]


@dataclass(frozen=True, eq=False)
class Detections:
    """The detections of one image, the surest first.

    Attributes:
        boxes: x, y, x, y in pixels.
        scores: Of each, in [0, 1].
        categories: Category index of each.
        mask_logits: On m x m cells of the box, of the detection's own category; None without masks.

    Example:
        >>> box = np.array([[0, 0, 9, 9]], np.float32)
        >>> detections = Detections(box, np.array([0.7], np.float32), np.array([2]), None)
        >>> len(detections), len(detections.above(0.75)), detections.within(4, 5).boxes.tolist()
        (1, 0, [[0.0, 0.0, 5.0, 4.0]])
    """

    boxes: Float32[np.ndarray, "q 4"]
    scores: Float32[np.ndarray, " q"]
    categories: Int64[np.ndarray, " q"]
    mask_logits: Float32[np.ndarray, "q m m"] | None

    def __len__(self) -> int:
        return len(self.boxes)

    def above(self, min_score: float) -> Detections:
        """The detections of at least this score."""
        return self._where(self.scores >= np.float32(min_score))

    def within(self, height: int, width: int) -> Detections:
        """Those that are in the image at all.

        Boxes of detections with masks stay as they are, since the mask is on the cells of the whole box; the
        others are clipped.
        """
        clipped = np.clip(self.boxes, 0, np.array([width, height, width, height], np.float32))
        inside = (clipped[:, 2] > clipped[:, 0]) & (clipped[:, 3] > clipped[:, 1])
        boxes = clipped if self.mask_logits is None else self.boxes
        return Detections(boxes, self.scores, self.categories, self.mask_logits)._where(inside)

    def _where(self, kept: Bool[np.ndarray, " q"]) -> Detections:
        masks = None if self.mask_logits is None else self.mask_logits[kept]
        return Detections(self.boxes[kept], self.scores[kept], self.categories[kept], masks)
