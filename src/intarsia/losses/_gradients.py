"""Gradients that are known beside the value: how they come back, once."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.library.custom_op(
    "intarsia::scaled_gradient", mutates_args=(), schema="(Tensor gradient, Tensor factors) -> Tensor"
)
def scale(gradient: Tensor, factors: Tensor) -> Tensor:
    """Each row of a gradient times its factor. It has no derivative, so that a second one is an error, not 0.

    Example:
        >>> scale(torch.ones(2, 3), torch.tensor([1.0, 2.0])).tolist()
        [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    return gradient * factors.to(gradient.dtype).view(-1, *[1] * (gradient.ndim - 1))


@scale.register_fake
def _(gradient: Tensor, factors: Tensor) -> Tensor:
    return torch.empty_like(gradient)
