"""What a detector says about one image, as tensors; `intarsia.decoding.detections` has it as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor
from torchvision.ops import clip_boxes_to_image

from intarsia.decoding import detections

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
        >>> found = Detections(torch.tensor([[0.0, 0, 9, 9]]), torch.tensor([0.7]), torch.tensor([2]), None)
        >>> len(found), len(found.above(0.75)), found.within(4, 5).boxes.tolist()
        (1, 0, [[0.0, 0.0, 5.0, 4.0]])
    """

    boxes: Float[Tensor, "q 4"]
    scores: Float[Tensor, " q"]
    categories: Int64[Tensor, " q"]
    mask_logits: Float[Tensor, "q m m"] | None

    def __len__(self) -> int:
        return len(self.boxes)

    def chosen(self, rows: Tensor) -> Detections:
        """Some of the detections, by a mask or by numbers."""
        masks = None if self.mask_logits is None else self.mask_logits[rows]
        return Detections(self.boxes[rows], self.scores[rows], self.categories[rows], masks)

    def above(self, min_score: float) -> Detections:
        """The detections of at least this score."""
        return self.chosen(self.scores >= min_score)

    def within(self, height: int, width: int) -> Detections:
        """Those that are in the image at all.

        Boxes of detections with masks stay as they are, since the mask is on the cells of the whole box; the
        others are clipped.
        """
        clipped = clip_boxes_to_image(self.boxes, (height, width))
        inside = ((clipped[:, 2:] - clipped[:, :2]) > 0).all(dim=1)
        boxes = clipped if self.mask_logits is None else self.boxes
        return Detections(boxes, self.scores, self.categories, self.mask_logits).chosen(inside)

    def numpy(self) -> detections.Detections:
        """The same numbers as arrays, as decoding takes them."""
        boxes, scores = (x.detach().float().cpu().numpy() for x in (self.boxes, self.scores))
        masks = None if self.mask_logits is None else self.mask_logits.detach().float().cpu().numpy()
        return detections.Detections(boxes, scores, self.categories.cpu().numpy(), masks)

    @classmethod
    def true(cls, boxes: Float[Tensor, "q 4"], categories: Int64[Tensor, " q"]) -> Detections:
        """Boxes known to be right: score 1."""
        return cls(boxes, torch.ones_like(boxes[:, 0]), categories, None)
