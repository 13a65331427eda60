"""From small masks in boxes to the grid of the image, all at once and differentiable."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

__all__ = ["inside_boxes", "pasted_masks"]


def pasted_masks(
    masks: Float[Tensor, "q m m"], boxes: Float[Tensor, "q 4"], size: tuple[int, int], *, stride: int = 4
) -> Float[Tensor, "q h w"]:
    """Each mask, bilinearly resized to its box, at its place on the grid; 0 outside of the box.

    Bilinear interpolation is separable, so a pasted mask is a product of three matrices, (h, m) (m, m) (m,
    w), and all detections together are two batched products. Gradients go to the masks, not to the boxes.

    Args:
        masks: Values on the m x m cells of each box: probabilities or logits.
        boxes: x, y, x, y in pixels.
        size: Rows and columns of the grid.
        stride: Pixels between neighbours on the grid; 4, the finest level of the pyramid.

    Example:
        >>> pasted_masks(torch.ones(1, 2, 2), torch.tensor([[4.0, 0, 12, 4]]), (1, 4), stride=4)
        tensor([[[0., 1., 1., 0.]]])
    """
    boxes = boxes.detach()
    down = _resizing(boxes[:, 1], boxes[:, 3], size[0], masks.shape[1], stride)  # q h m
    across = _resizing(boxes[:, 0], boxes[:, 2], size[1], masks.shape[2], stride)  # q w m
    return torch.bmm(torch.bmm(down.to(masks.dtype), masks), across.to(masks.dtype).transpose(1, 2))


def inside_boxes(
    boxes: Float[Tensor, "q 4"], size: tuple[int, int], *, stride: int = 4
) -> Bool[Tensor, "q h w"]:
    """Which points of the grid a box touches: the pixels that a point stands for, and the box, overlap.

    Rounding outward, as UPSNet does, so that no detection is lost between the points, however small.

    Args:
        boxes: x0, y0, x1, y1 in pixels of the image.
        size: Rows and columns of the grid.
        stride: Pixels between neighbours on the grid; 4, the finest level of the pyramid.

    Example:
        >>> inside_boxes(torch.tensor([[5.0, 0, 6, 4]]), (1, 3))
        tensor([[[False,  True, False]]])
    """
    boxes = boxes.detach()
    down = _is_touched(boxes[:, 1], boxes[:, 3], size[0], stride)
    across = _is_touched(boxes[:, 0], boxes[:, 2], size[1], stride)
    return down[:, :, None] & across[:, None]


def _is_touched(low: Tensor, high: Tensor, count: int, stride: int) -> Bool[Tensor, "q n"]:
    start = torch.arange(count, device=low.device) * stride
    return (start + stride > low[:, None]) & (start < high[:, None])


def _resizing(low: Tensor, high: Tensor, count: int, cells: int, stride: int) -> Float[Tensor, "q n m"]:
    """Weights of a box's cells at each point of one axis of the grid; rows of 0 outside of the box."""
    middle = (torch.arange(count, device=low.device) + 0.5) * stride
    place = (middle - low[:, None]) / (high - low).clamp(min=1e-3)[:, None] * cells - 0.5  # q n
    place = place.clamp(0, cells - 1)
    distance = (place[:, :, None] - torch.arange(cells, device=low.device)).abs()
    return (1 - distance).clamp(min=0) * _is_touched(low, high, count, stride)[:, :, None]
