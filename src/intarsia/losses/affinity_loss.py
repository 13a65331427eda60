"""Cross-entropy of affinities: of pairs of points, over the hardest share of them."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from intarsia._check import fail


def affinity_loss(
    logits: Float[Tensor, "b o h w"],
    joined: Bool[Tensor, "b o h w"],
    *,
    valid: Bool[Tensor, "b ..."],
    weights: Float[Tensor, "b ..."] | None = None,
    k: float = 1.0,
) -> Float[Tensor, " o"]:
    """Mean of the share k of the largest weighted cross-entropies, over the valid pairs of each offset.

    A pair lies at its first point. Most pairs are joined and easy; the boundaries are among the hardest.

    Source: Abbas and Swoboda 2021 (COPS), section 4.2 and their released code: k = 0.25, each offset by
    itself. There a positive logit means "cut", here it means "joined", as in the costs of the cut. That
    pairs which are not valid do not count in the share is ours.

    Args:
        logits: Of the probability that both points are in one segment, any precision; computed in float32
            at least.
        joined: Whether they are.
        valid: Pairs that count: inside the image, neither end void.
        weights: Factor of each pair's cost, applied before the hardest are chosen.
        k: Share of the valid pairs that count, in (0, 1]; at least one pair is kept.

    Returns:
        One loss an offset, over the whole batch; zero with zero gradient where no pair is valid.

    Raises:
        ValueError: If k is not in (0, 1], or a shape differs from that of `logits`.

    Example:
        >>> joined = torch.tensor([[[[True, False, True]]]])
        >>> valid = torch.tensor([[[[True, True, False]]]])
        >>> affinity_loss(torch.zeros(1, 1, 1, 3), joined, valid=valid)  # a coin flip costs log 2
        tensor([0.6931])
    """
    if not 0 < k <= 1:
        fail("k", "a share in (0, 1]", k)
    given = {"joined": joined, "valid": valid} | ({} if weights is None else {"weights": weights})
    for name, values in given.items():
        if values.shape != logits.shape:
            fail(name, f"shaped {tuple(logits.shape)} like `logits`", tuple(values.shape))
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    costs = binary_cross_entropy_with_logits(precise, joined.to(precise.dtype), reduction="none")
    costs = costs if weights is None else costs * weights
    losses = [
        _hardest(plane[counts], k) for plane, counts in zip(costs.unbind(1), valid.unbind(1), strict=True)
    ]
    return torch.stack(losses) if losses else precise.sum((0, 2, 3))


def _hardest(costs: Float[Tensor, " e"], k: float) -> Float[Tensor, ""]:
    if not costs.numel():
        return costs.sum()
    return costs.mean() if k == 1 else costs.topk(max(int(k * len(costs)), 1), sorted=False).values.mean()
