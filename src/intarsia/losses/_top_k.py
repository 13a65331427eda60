"""Cross-entropy over the hardest share of the pixels."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from intarsia._check import fail
from intarsia.panoptic import VOID_INDEX

__all__ = ["batch_top_k_cross_entropy", "top_k_cross_entropy"]


def top_k_cross_entropy(
    logits: Float[Tensor, "b k h w"],
    labels: Int[Tensor, "b h w"],
    *,
    k: float,
    weights: Float[Tensor, "b h w"] | None = None,
    ignore: int = VOID_INDEX,
) -> Float[Tensor, " b"]:
    """Mean of the k N largest weighted cross-entropies among all N pixels of each image.

    Ignored pixels cost 0 and still count in N, so k = 1 is the sum of all costs over N.

    Source: Yang et al. 2019, "DeeperLab" (hard pixel mining). Panoptic-DeepLab's code takes the hardest of
    the whole batch, which is `batch_top_k_cross_entropy`.

    Args:
        logits: Class scores, any precision; computed in float32 at least.
        labels: Class index of each pixel, or `ignore`.
        k: Share of the pixels that count, in (0, 1]; at least one pixel is kept.
        weights: Factor of each pixel's cost, applied before the hardest are chosen.
        ignore: Label of pixels that cost nothing.

    Returns:
        One loss an image, zero with zero gradient where all its pixels are ignored or there are none.

    Raises:
        ValueError: If k is not in (0, 1].

    Example:
        >>> logits = torch.zeros(1, 2, 1, 4)
        >>> labels = torch.tensor([[[0, 1, 255, 255]]])
        >>> top_k_cross_entropy(logits, labels, k=0.5)  # log 2, the two ignored pixels are the easier half
        tensor([0.6931])
    """
    return _mean_hardest(_pixel_costs(logits, labels, weights, ignore).flatten(1), k)


def batch_top_k_cross_entropy(
    logits: Float[Tensor, "b k h w"],
    labels: Int[Tensor, "b h w"],
    *,
    k: float,
    weights: Float[Tensor, "b h w"] | None = None,
    ignore: int = VOID_INDEX,
) -> Float[Tensor, ""]:
    """`top_k_cross_entropy` of the batch as if it were one image: a hard image may fill the whole share.

    Source: Cheng et al. 2020 (Panoptic-DeepLab), released code.

    Args:
        logits: As in `top_k_cross_entropy`, and so is the rest.
        labels: Class index of each pixel, or `ignore`.
        k: Share of the batch's pixels that count.
        weights: Factor of each pixel's cost.
        ignore: Label of pixels that cost nothing.

    Returns:
        One loss for the batch, zero with zero gradient if all pixels are ignored or there are none.

    Raises:
        ValueError: If k is not in (0, 1].

    Example:
        >>> logits = torch.tensor([[0.0, 0.0], [0.0, 9.0]]).view(2, 2, 1, 1)
        >>> labels = torch.zeros(2, 1, 1, dtype=torch.long)
        >>> batch_top_k_cross_entropy(logits, labels, k=0.5)  # the second image's pixel alone
        tensor(9.0001)
    """
    return _mean_hardest(_pixel_costs(logits, labels, weights, ignore).flatten()[None], k)[0]


def _pixel_costs(
    logits: Tensor, labels: Tensor, weights: Tensor | None, ignore: int
) -> Float[Tensor, "b h w"]:
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    costs = cross_entropy(precise, labels.long(), ignore_index=ignore, reduction="none")
    return costs if weights is None else costs * weights


def _mean_hardest(costs: Float[Tensor, "b p"], k: float) -> Float[Tensor, " b"]:
    if not 0 < k <= 1:
        fail("k", "a share in (0, 1]", k)
    if not costs.shape[1]:
        return costs.sum(1)
    if k == 1:
        return costs.mean(1)
    return costs.topk(max(int(k * costs.shape[1]), 1), sorted=False).values.mean(1)
