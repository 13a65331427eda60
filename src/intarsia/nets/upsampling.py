"""Values at every pixel, where training needs their gradient."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

__all__ = ["upsample"]


def upsample(
    grid: Float[Tensor, "b k hs ws"], height: int, width: int, *, stride: int = 4
) -> Float[Tensor, "b k h w"]:
    """Values at every pixel, bilinear; what the grid covers beyond the image is cut off.

    Holds every channel at the image's size; what only wants the largest takes
    `intarsia.decoding.upsampling.upsampled_argmax`.

    Args:
        grid: Values at the middles of blocks of `stride` pixels.
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        stride: Pixels between neighbours on the grid; 4, the finest level of the usual backbones.

    Example:
        >>> import torch
        >>> upsample(torch.tensor([[[[0.0, 4.0]]]]), 1, 7)[0, 0, 0].tolist()
        [0.0, 0.0, 0.5, 1.5, 2.5, 3.5, 4.0]
    """
    pixels = F.interpolate(grid, scale_factor=stride, mode="bilinear", align_corners=False)
    return pixels[..., :height, :width]
