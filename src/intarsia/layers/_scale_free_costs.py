"""Costs whose gradient cannot make them larger or smaller as a whole."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

__all__ = ["scale_free_costs"]


def scale_free_costs(
    nodes: Float[Tensor, "b k h w"], affinities: Float[Tensor, "b o h w"]
) -> tuple[Float[Tensor, "b k h w"], Float[Tensor, "b o h w"]]:
    """The same costs; backward takes the part along them out of their gradient, image by image.

    Costs c and 2 c have the same best cut, so no loss of the cut changes along c. The gradient of
    perturbation does: with g the gradient of the loss by the cut x, x' minimises c + lambda g and
    (x' - x) / lambda is taken for the gradient by c. Since x minimises c, c (x' - x) is never negative, and
    descent shrinks all costs step by step, until they are as small as the noise of their gradients and the
    cut is decided by that. A constant added to a point's node costs does not change the cut either, so node
    costs count from their mean.

    Source: ours; that such gradients need a projection is Sahoo et al. 2023, "Backpropagation through
    Combinatorial Algorithms: Identity with Projection Works".

    Args:
        nodes: Cost of each class at each point.
        affinities: Cost of cutting each pair.

    Returns:
        Both as they are.

    Example:
        >>> nodes = torch.tensor([3.0, -3.0]).view(1, 2, 1, 1).requires_grad_()
        >>> pairs = torch.tensor([4.0]).view(1, 1, 1, 1).requires_grad_()
        >>> free, free_pairs = scale_free_costs(nodes, pairs)
        >>> (free[0, 0].sum() - free[0, 1].sum() + free_pairs.sum()).backward()  # gradient (1, -1, 1)
        >>> (nodes.grad.flatten() * 34).round(), (pairs.grad.flatten() * 34).round()
        (tensor([ 4., -4.]), tensor([-6.]))
    """
    return _ScaleFree.apply(nodes, affinities)  # pyright: ignore[reportReturnType]


class _ScaleFree(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, nodes: Tensor, affinities: Tensor) -> tuple[Tensor, Tensor]:
        ctx.save_for_backward(nodes, affinities)
        return nodes.view_as(nodes), affinities.view_as(affinities)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, of_nodes: Tensor, of_affinities: Tensor) -> tuple[Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        nodes, affinities = ctx.saved_tensors
        nodes = nodes - nodes.mean(dim=1, keepdim=True)
        dims = (1, 2, 3)
        along = (nodes * of_nodes).sum(dims) + (affinities * of_affinities).sum(dims)
        length = nodes.square().sum(dims) + affinities.square().sum(dims)
        share = (along / length.clamp(min=1e-12))[:, None, None, None]
        return of_nodes - share * nodes, of_affinities - share * affinities
