"""Cross-entropy of affinities: of pairs of points, over the hardest share of them."""

from __future__ import annotations

from itertools import product

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from intarsia._check import fail
from intarsia.losses._gradients import gradient_beside_value

__all__ = ["affinity_loss", "batch_affinity_loss"]


def affinity_loss(
    logits: Float[Tensor, "b o h w"],
    joined: Bool[Tensor, "b o h w"],
    *,
    valid: Bool[Tensor, "b ..."],
    weights: Float[Tensor, "b ..."] | None = None,
    k: float = 1.0,
) -> Float[Tensor, " b"]:
    """Mean over offsets of the mean of the share k of the largest weighted cross-entropies of valid pairs.

    A pair lies at its first point. Most pairs are joined and easy; the boundaries are among the hardest. The
    hardest pairs are those of each image; `batch_affinity_loss` takes them from the whole batch.

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
        One loss an image; an offset without a valid pair costs zero, with zero gradient.

    Raises:
        ValueError: If k is not in (0, 1], or a shape differs from that of `logits`.

    Example:
        >>> joined = torch.tensor([[[[True, False, True]]]])
        >>> valid = torch.tensor([[[[True, True, False]]]])
        >>> affinity_loss(torch.zeros(1, 1, 1, 3), joined, valid=valid)  # a coin flip costs log 2
        tensor([0.6931])
    """
    costs = _pair_costs(logits, joined, valid, weights, k)
    if not costs.shape[1]:
        return costs.sum((1, 2, 3))
    return _mean_hardest(costs.flatten(2), valid.flatten(2), k).mean(1)


def batch_affinity_loss(
    logits: Float[Tensor, "b o h w"],
    joined: Bool[Tensor, "b o h w"],
    *,
    valid: Bool[Tensor, "b ..."],
    weights: Float[Tensor, "b ..."] | None = None,
    k: float = 1.0,
) -> Float[Tensor, ""]:
    """`affinity_loss` of the batch as if it were one image: its hardest pairs may all be in one picture.

    Source: the released code of Abbas and Swoboda 2021 (COPS).

    Args:
        logits: As in `affinity_loss`, and so is the rest.
        joined: Whether both points are in one segment.
        valid: Pairs that count.
        weights: Factor of each pair's cost.
        k: Share of the batch's valid pairs that count.

    Returns:
        One loss for the batch, zero with zero gradient where no pair is valid.

    Raises:
        ValueError: As `affinity_loss`.

    Example:
        >>> joined, valid = torch.ones(2, 2, 1, 1, 1, dtype=torch.bool)
        >>> logits = torch.tensor([0.0, -9.0]).view(2, 1, 1, 1)
        >>> batch_affinity_loss(logits, joined, valid=valid, k=0.5)  # the second image's pair alone
        tensor(9.0001)
    """
    costs = _pair_costs(logits, joined, valid, weights, k)
    if not costs.numel():
        return costs.sum()
    together = costs.movedim(1, 0).flatten(1)[None]  # 1 o (b h w)
    return _mean_hardest(together, valid.movedim(1, 0).flatten(1)[None], k).mean()


def _pair_costs(
    logits: Tensor, joined: Tensor, valid: Tensor, weights: Tensor | None, k: float
) -> Float[Tensor, "b o h w"]:
    if not 0 < k <= 1:
        fail("k", "a share in (0, 1]", k)
    maps = {"joined": joined, "valid": valid} | ({} if weights is None else {"weights": weights})
    for name, values in maps.items():
        if values.shape != logits.shape:
            fail(name, f"shaped {tuple(logits.shape)} like `logits`", tuple(values.shape))
    precise = logits.to(torch.promote_types(logits.dtype, torch.float32))
    costs = binary_cross_entropy_with_logits(precise, joined.to(precise.dtype), reduction="none")
    return costs if weights is None else costs * weights


def _mean_hardest(
    costs: Float[Tensor, "b o p"], valid: Bool[Tensor, "b o p"], k: float
) -> Float[Tensor, "b o"]:
    """For each row the mean of its share k of the largest valid costs; zero where there is none."""
    if k == 1:
        return torch.where(valid, costs, 0).sum(2) / valid.sum(2).clamp(min=1)
    return hardest_means(costs, valid, k)[0]


@gradient_beside_value
@torch.library.custom_op(
    "intarsia::hardest_means",
    mutates_args=(),
    schema="(Tensor costs, Tensor valid, float k) -> (Tensor, Tensor)",
)
def hardest_means(costs: Tensor, valid: Tensor, k: float) -> tuple[Tensor, Tensor]:
    """The means of `_mean_hardest`, and what each cost weighs in them: what a compiler sees of the choice.

    Example:
        >>> costs, valid = torch.tensor([[[3.0, 1.0, 9.0]]]), torch.tensor([[[True, True, False]]])
        >>> hardest_means(costs, valid, 0.5)
        (tensor([[3.]]), tensor([[[1., 0., 0.]]]))
    """
    means, weights = costs.new_zeros(costs.shape[:2]), torch.zeros_like(costs)
    for image, offset in product(*map(range, means.shape)):
        (places,) = valid[image, offset].nonzero(as_tuple=True)
        if not len(places):
            continue
        count = max(int(k * len(places)), 1)
        hardest = costs[image, offset][places].topk(count, sorted=False)
        means[image, offset] = hardest.values.mean()
        weights[image, offset, places[hardest.indices]] = 1 / count
    return means, weights


@hardest_means.register_fake
def _(costs: Tensor, valid: Tensor, k: float) -> tuple[Tensor, Tensor]:
    return costs.new_empty(costs.shape[:2]), torch.empty_like(costs)
