"""Detections of tensors: how the truth becomes some, and how they become arrays."""

from __future__ import annotations

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from intarsia.decoding.detections import Detections

__all__ = ["arrays_of", "true_detections"]


def true_detections(boxes: Float[Tensor, "q 4"], categories: Int64[Tensor, " q"]) -> Detections[Tensor]:
    """Boxes known to be right: score 1.

    Example:
        >>> true_detections(torch.tensor([[0.0, 0, 9, 9]]), torch.tensor([2])).scores
        tensor([1.])
    """
    return Detections(boxes, torch.ones_like(boxes[:, 0]), categories, None)


def arrays_of(detections: Detections[Tensor]) -> Detections[np.ndarray]:
    """The same numbers as decoding takes them.

    Example:
        >>> arrays_of(true_detections(torch.tensor([[0.0, 0, 9, 9]]), torch.tensor([2]))).categories
        array([2])
    """
    boxes, scores = (x.detach().float().cpu().numpy() for x in (detections.boxes, detections.scores))
    logits = detections.mask_logits
    masks = None if logits is None else logits.detach().float().cpu().numpy()
    return Detections(boxes, scores, detections.categories.cpu().numpy(), masks)
