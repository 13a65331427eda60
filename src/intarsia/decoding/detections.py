"""What a detector said about one image: boxes with categories and scores, and masks where it has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from jaxtyping import Float, Int64

if TYPE_CHECKING:  # torch is above this floor
    import numpy as np
    from torch import Tensor

    Array = TypeVar("Array", np.ndarray, Tensor)
else:
    Array = TypeVar("Array")

__all__ = ["Detections"]


@dataclass(frozen=True, eq=False)
class Detections(Generic[Array]):
    """The detections of one image, the surest first: arrays in decoding, tensors in a network.

    Attributes:
        boxes: x, y, x, y in pixels.
        scores: Of each, in [0, 1].
        categories: Category index of each.
        mask_logits: On m x m cells of the box, of the detection's own category; None without masks.

    Example:
        >>> import numpy as np
        >>> box = np.array([[0, 0, 9, 9]], np.float32)
        >>> detections = Detections(box, np.array([0.7], np.float32), np.array([2]), None)
        >>> len(detections), len(detections.above(0.75)), detections.within(4, 5).boxes.tolist()
        (1, 0, [[0.0, 0.0, 5.0, 4.0]])
    """

    boxes: Float[Array, "q 4"]
    scores: Float[Array, " q"]
    categories: Int64[Array, " q"]
    mask_logits: Float[Array, "q m m"] | None

    def __len__(self) -> int:
        return len(self.boxes)

    def select(self, rows: Array) -> Detections[Array]:
        """Some of the detections, by a mask or by numbers."""
        masks = None if self.mask_logits is None else self.mask_logits[rows]
        return Detections(self.boxes[rows], self.scores[rows], self.categories[rows], masks)

    def above(self, min_score: float) -> Detections[Array]:
        """The detections of at least this score."""
        return self.select(self.scores >= min_score)

    def within(self, height: int, width: int) -> Detections[Array]:
        """Those that are in the image at all.

        Boxes of detections with masks stay as they are, since the mask is on the cells of the whole box; the
        others are clipped.
        """
        left, top, right, bottom = self.boxes.T
        is_inside: Any = (left < right) & (top < bottom) & (left < width) & (top < height)
        inside = self.select(is_inside & (right > 0) & (bottom > 0))
        if self.mask_logits is not None:
            return inside
        boxes: Any = inside.boxes + 0  # a copy
        for first, side in enumerate((width, height)):
            boxes[:, first::2] = boxes[:, first::2].clip(0, side)
        return Detections(boxes, inside.scores, inside.categories, None)
