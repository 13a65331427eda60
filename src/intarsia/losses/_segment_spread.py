"""Mean of each segment's embeddings and how far its pixels stray from it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

import intarsia._native as _native

NO_SPREAD = 1e18
"""A margin for callers that need the means alone."""


def segment_spread(
    pixels: Float[Tensor, "b d p"], index: Int[Tensor, "b p"], num_segments: int, *, margin: float, norm: int
) -> tuple[Float[Tensor, "s d"], Float[Tensor, " s"]]:
    """Segment means mu, and the mean over each segment's pixels x of [|mu - x| - margin]_+^2.

    On the CPU in float32 a native kernel reads the pixels twice forward and once backward, and makes no copy
    of them but their gradient; elsewhere torch gathers and scatters. Both give the same. Either is one
    operator to a compiler.

    Args:
        pixels: The embedding of each pixel.
        index: Segment of each pixel, -1 for none; every segment below `num_segments` has a pixel, all in one
            image.
        num_segments: Number of segments in the whole batch.
        margin: Distance to the mean that costs nothing.
        norm: 1 or 2.

    Example:
        >>> means, spread = segment_spread(
        ...     torch.tensor([[[0.0, 4.0, 9.0]]]), torch.tensor([[0, 0, -1]]), 1, margin=1.0, norm=2
        ... )
        >>> means, spread
        (tensor([[2.]]), tensor([1.]))
    """
    return spread_operator(pixels, index, num_segments, margin, norm)[:2]


def safe_norm(vectors: Float[Tensor, "n d"], norm: int) -> Float[Tensor, " n"]:
    """Norm 1 or 2 of each row with a finite gradient at zero: sqrt(v.v + 1e-8).

    Example:
        >>> safe_norm(torch.tensor([[3.0, -4.0]]), 1), safe_norm(torch.tensor([[3.0, -4.0]]), 2)
        (tensor([7.]), tensor([5.]))
    """
    return vectors.abs().sum(-1) if norm == 1 else (vectors.square().sum(-1) + 1e-8).sqrt()


def norm_slope(vectors: Float[Tensor, "n d"], norm: int) -> Float[Tensor, "n d"]:
    """The derivative of `safe_norm` by each row.

    Example:
        >>> norm_slope(torch.tensor([[3.0, -4.0]]), 1), norm_slope(torch.tensor([[3.0, -4.0]]), 2)
        (tensor([[ 1., -1.]]), tensor([[ 0.6000, -0.8000]]))
    """
    return vectors.sign() if norm == 1 else vectors / safe_norm(vectors, norm)[:, None]


_TABLES = "Tensor means, Tensor spread, Tensor pull, Tensor area"


@torch.library.custom_op(
    "intarsia::segment_spread",
    mutates_args=(),
    schema="(Tensor pixels, Tensor index, SymInt num_segments, float margin, int norm) "
    "-> (Tensor, Tensor, Tensor, Tensor)",
)
def spread_operator(
    pixels: Tensor, index: Tensor, num_segments: int, margin: float, norm: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Means and spread of each segment, and what their gradient needs: the pull on its mean, and its area."""
    if not _is_native(pixels):
        return _gather(pixels, index, num_segments, margin, norm)
    tables = _tables(pixels, num_segments)
    means, spread, pull, area = (table.numpy() for table in tables)
    _native.measure_segments(
        _array(pixels), _array(index), margin, norm, means, spread, pull, area, torch.get_num_threads()
    )
    return tables


@spread_operator.register_fake
def _(
    pixels: Tensor, index: Tensor, num_segments: int, margin: float, norm: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    return _tables(pixels, num_segments)


@torch.library.custom_op(
    "intarsia::segment_spread_gradient",
    mutates_args=(),
    schema=f"(Tensor pixels, Tensor index, {_TABLES}, Tensor means_grad, Tensor spread_grad, float margin, "
    "int norm) -> Tensor",
)
def spread_gradient(
    pixels: Tensor,
    index: Tensor,
    means: Tensor,
    spread: Tensor,
    pull: Tensor,
    area: Tensor,
    means_grad: Tensor,
    spread_grad: Tensor,
    margin: float,
    norm: int,
) -> Tensor:
    """The gradient of the pixels from those of the means and the spread."""
    if not _is_native(pixels):
        return _gathered_gradient(pixels, index, means, pull, area, means_grad, spread_grad, margin, norm)
    gradient = torch.zeros(pixels.shape)
    _native.differentiate_segments(
        _array(pixels),
        _array(index),
        margin,
        norm,
        _array(means),
        _array(spread),
        _array(pull),
        _array(area),
        _array(means_grad),
        _array(spread_grad),
        gradient.numpy(),
        torch.get_num_threads(),
    )
    return gradient


@spread_gradient.register_fake
def _(pixels: Tensor, *_: Any) -> Tensor:
    return pixels.new_empty(pixels.shape)


def _save(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    pixels, index, _, *ctx.rule = inputs
    ctx.save_for_backward(pixels, index, *output)
    ctx.mark_non_differentiable(*output[2:])


def _backward(ctx: Any, means_grad: Tensor, spread_grad: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
    gradient = spread_gradient(*ctx.saved_tensors, means_grad, spread_grad, *ctx.rule)
    return gradient, None, None, None, None


spread_operator.register_autograd(_backward, setup_context=_save)


def _gather(
    pixels: Tensor, index: Tensor, num_segments: int, margin: float, norm: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Means, spread, pull and area in torch alone."""
    means, spread, pull, area = _tables(pixels, num_segments)
    inside = index >= 0
    segment, members = index[inside], pixels.movedim(1, 2)[inside]  # n, n d
    area.index_add_(0, segment, torch.ones_like(members[:, 0]))
    means.index_add_(0, segment, members).div_(area[:, None])
    away = means.index_select(0, segment) - members
    stray = (safe_norm(away, norm) - margin).clamp(min=0)
    spread.index_add_(0, segment, stray.square()).div_(area)
    pull.index_add_(0, segment, 2 * stray[:, None] * norm_slope(away, norm)).div_(area[:, None])
    return means, spread, pull, area


def _gathered_gradient(
    pixels: Tensor,
    index: Tensor,
    means: Tensor,
    pull: Tensor,
    area: Tensor,
    means_grad: Tensor,
    spread_grad: Tensor,
    margin: float,
    norm: int,
) -> Tensor:
    """Each pixel moves the mean of its segment, by which all strays change, and its own stray."""
    inside = index >= 0
    segment, members = index[inside], pixels.movedim(1, 2)[inside]  # n, n d
    through_mean = (means_grad + spread_grad[:, None] * pull) / area[:, None]
    away = means.index_select(0, segment) - members
    stray = (safe_norm(away, norm) - margin).clamp(min=0)
    own = (2 * stray * (spread_grad / area)[segment])[:, None] * norm_slope(away, norm)
    gradient = pixels.new_zeros(pixels.shape[0], pixels.shape[2], pixels.shape[1])  # b p d
    gradient[inside] = through_mean[segment] - own
    return gradient.movedim(2, 1).contiguous()


def _is_native(pixels: Tensor) -> bool:
    return pixels.device.type == "cpu" and pixels.dtype == torch.float32


def _tables(pixels: Tensor, num_segments: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Zeros for means, spread, pull and area."""
    means, pull = (pixels.new_zeros(num_segments, pixels.shape[1]) for _ in range(2))
    spread, area = (pixels.new_zeros(num_segments) for _ in range(2))
    return means, spread, pull, area


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.detach().contiguous().numpy()
