"""Mean of each segment's embeddings and how far its pixels stray from it."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from intarsia import _native

NO_SPREAD = 1e18
"""A margin for callers that need the means alone."""


def segment_spread(
    pixels: Float[Tensor, "b d p"], index: Int[Tensor, "b p"], num_segments: int, *, margin: float, norm: int
) -> tuple[Float[Tensor, "s d"], Float[Tensor, " s"]]:
    """Segment means mu, and the mean over each segment's pixels x of [|mu - x| - margin]_+^2.

    On the CPU in float32 a native kernel reads the pixels twice forward and once backward, and makes no copy
    of them but their gradient; elsewhere torch gathers and scatters. Both give the same.

    Args:
        pixels: Embeddings.
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
    if pixels.device.type == "cpu" and pixels.dtype == torch.float32:
        return _SegmentSpread.apply(pixels, index, num_segments, margin, norm)  # pyright: ignore[reportReturnType]
    return gathered_spread(pixels, index, num_segments, margin=margin, norm=norm)


def gathered_spread(
    pixels: Float[Tensor, "b d p"], index: Int[Tensor, "b p"], num_segments: int, *, margin: float, norm: int
) -> tuple[Float[Tensor, "s d"], Float[Tensor, " s"]]:
    """`segment_spread` in torch alone, for any device and precision.

    Example:
        >>> gathered_spread(torch.tensor([[[1.0, 3.0]]]), torch.tensor([[0, 0]]), 1, margin=0.5, norm=1)
        (tensor([[2.]]), tensor([0.2500]))
    """
    inside = index >= 0
    segment = index[inside]  # n
    members = pixels.movedim(1, 2)[inside]  # n d
    area = segment.bincount(minlength=num_segments).to(pixels.dtype)
    means = pixels.new_zeros(num_segments, pixels.shape[1]).index_add(0, segment, members) / area[:, None]
    strays = (safe_norm(means.index_select(0, segment) - members, norm) - margin).clamp(min=0).square()
    return means, pixels.new_zeros(num_segments).index_add(0, segment, strays) / area


def safe_norm(vectors: Float[Tensor, "n d"], norm: int) -> Float[Tensor, " n"]:
    """Norm 1 or 2 of each row with a finite gradient at zero: sqrt(v.v + 1e-8).

    Example:
        >>> safe_norm(torch.tensor([[3.0, -4.0]]), 1), safe_norm(torch.tensor([[3.0, -4.0]]), 2)
        (tensor([7.]), tensor([5.]))
    """
    return vectors.abs().sum(-1) if norm == 1 else (vectors.square().sum(-1) + 1e-8).sqrt()


class _SegmentSpread(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx, pixels: Tensor, index: Tensor, num_segments: int, margin: float, norm: int
    ) -> tuple[Tensor, Tensor]:
        pixels, index = pixels.detach().contiguous(), index.contiguous()
        means, pull = torch.zeros(2, num_segments, pixels.shape[1])
        spread, area = torch.zeros(2, num_segments)
        _native.measure_segments(
            pixels.numpy(),
            index.numpy(),
            margin,
            norm,
            means.numpy(),
            spread.numpy(),
            pull.numpy(),
            area.numpy(),
            torch.get_num_threads(),
        )
        ctx.save_for_backward(pixels, index, means, spread, pull, area)
        ctx.rule = margin, norm
        return means, spread

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx, means_grad: Tensor, spread_grad: Tensor
    ) -> tuple[Tensor | None, ...]:
        pixels, index, means, spread, pull, area = (t.detach().numpy() for t in ctx.saved_tensors)
        margin, norm = ctx.rule
        gradient = torch.zeros(pixels.shape)
        _native.differentiate_segments(
            pixels,
            index,
            margin,
            norm,
            means,
            spread,
            pull,
            area,
            means_grad.contiguous().numpy(),
            spread_grad.contiguous().numpy(),
            gradient.numpy(),
            torch.get_num_threads(),
        )
        return gradient, None, None, None, None
