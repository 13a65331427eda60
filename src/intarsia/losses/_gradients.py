"""Gradients that are known beside the value: how they come back, once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

if TYPE_CHECKING:
    from torch._library.custom_ops import CustomOpDef


@torch.library.custom_op(
    "intarsia::scaled_gradient", mutates_args=(), schema="(Tensor gradient, Tensor factors) -> Tensor"
)
def scale(gradient: Tensor, factors: Tensor) -> Tensor:
    """Each row of a gradient times its factor. It has no derivative, so that a second one is an error, not 0.

    Args:
        gradient: One row a value; the rows may have any shape.
        factors: One a value, in the first axes of `gradient`.

    Example:
        >>> scale(torch.ones(2, 3), torch.tensor([1.0, 2.0])).tolist()
        [[1.0, 1.0, 1.0], [2.0, 2.0, 2.0]]
    """
    rows = factors.to(gradient.dtype).view(*factors.shape, *[1] * (gradient.ndim - factors.ndim))
    return gradient * rows


@scale.register_fake
def _(gradient: Tensor, factors: Tensor) -> Tensor:
    return torch.empty_like(gradient)


def gradient_beside_value(operator: CustomOpDef) -> CustomOpDef:
    """Give an operator the gradient that it answers itself.

    Its outputs are values and their derivative by the first argument, one row a value, which may be empty
    where no gradient is needed. The other arguments have no gradient.
    """

    def save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, Tensor]) -> None:
        ctx.save_for_backward(output[1])
        ctx.mark_non_differentiable(output[1])
        ctx.set_materialize_grads(False)  # or zeros of the size of the gradient come back beside it
        ctx.nothing = [no_gradient(argument) for argument in inputs[1:]]

    def backward(ctx: Any, factors: Tensor | None, _: None) -> tuple[Any, ...]:
        (gradient,) = ctx.saved_tensors
        return None if factors is None else scale(gradient, factors), *ctx.nothing

    operator.register_autograd(backward, setup_context=save)
    return operator


def no_gradient(argument: object) -> list[None] | None:
    """What a backward pass answers for an argument without one: of a list of tensors one None each.

    Example:
        >>> no_gradient([0, 1]), no_gradient([]), no_gradient([torch.ones(1)])
        (None, [], [None])
    """
    if isinstance(argument, list | tuple) and all(isinstance(x, Tensor) for x in argument):
        return [None] * len(argument)
    return None
