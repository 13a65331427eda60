"""Mean of each segment's embeddings and how far its pixels stray from it."""

from __future__ import annotations

from jaxtyping import Float, Int
from torch import Tensor


def segment_spread(
    pixels: Float[Tensor, "b d p"], index: Int[Tensor, "b p"], num_segments: int, *, margin: float, norm: int
) -> tuple[Float[Tensor, "s d"], Float[Tensor, " s"]]:
    """Segment means mu, and the mean over each segment's pixels x of [|mu - x| - margin]_+^2.

    Args:
        pixels: Embeddings.
        index: Segment of each pixel, -1 for none; every segment below `num_segments` has a pixel.
        num_segments: Number of segments in the whole batch.
        margin: Distance to the mean that costs nothing.
        norm: 1 or 2.

    Example:
        >>> import torch
        >>> means, spread = segment_spread(
        ...     torch.tensor([[[0.0, 4.0, 9.0]]]), torch.tensor([[0, 0, -1]]), 1, margin=1.0, norm=2
        ... )
        >>> means, spread
        (tensor([[2.]]), tensor([1.]))
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
        >>> import torch
        >>> safe_norm(torch.tensor([[3.0, -4.0]]), 1), safe_norm(torch.tensor([[3.0, -4.0]]), 2)
        (tensor([7.]), tensor([5.]))
    """
    return vectors.abs().sum(-1) if norm == 1 else (vectors.square().sum(-1) + 1e-8).sqrt()
