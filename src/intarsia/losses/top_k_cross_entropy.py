"""Cross-entropy over the hardest share of the pixels."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.nn.functional import cross_entropy

from intarsia._check import fail


def top_k_cross_entropy(
    logits: Float[Tensor, "b k h w"],
    labels: Int[Tensor, "b h w"],
    *,
    k: float,
    weights: Float[Tensor, "b h w"] | None = None,
    ignore: int = 255,
) -> Float[Tensor, ""]:
    """Mean of the k N largest weighted cross-entropies among all N pixels of the batch.

    Ignored pixels cost 0 and still count in N, so k = 1 is the sum of all costs over N.

    Source: Yang et al. 2019, "DeeperLab" (hard pixel mining), as in Panoptic-DeepLab.

    Args:
        logits: Class scores, any precision; computed in float32 at least.
        labels: Class index of each pixel, or `ignore`.
        k: Share of the pixels that count, in (0, 1]; at least one pixel is kept.
        weights: Factor of each pixel's cost, applied before the hardest are chosen.
        ignore: Label of pixels that cost nothing.

    Returns:
        One loss for the batch, zero with zero gradient if all pixels are ignored or there are none.

    Raises:
        ValueError: If k is not in (0, 1].

    Example:
        >>> logits = torch.zeros(1, 2, 1, 4)
        >>> labels = torch.tensor([[[0, 1, 255, 255]]])
        >>> top_k_cross_entropy(logits, labels, k=0.5)  # log 2, the two ignored pixels are the easier half
        tensor(0.6931)
    """
    if not 0 < k <= 1:
        fail("k", "a share in (0, 1]", k)
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    costs = cross_entropy(precise, labels.long(), ignore_index=ignore, reduction="none")  # b h w
    costs = (costs if weights is None else costs * weights).flatten()
    if not costs.numel():
        return logits.sum() * 0
    if k == 1:
        return costs.mean()
    return costs.topk(max(int(k * costs.numel()), 1), sorted=False).values.mean()
