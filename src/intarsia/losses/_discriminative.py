"""The discriminative loss: pixels of an instance pull together, instances of a category push apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float, Int
from torch import Tensor

from intarsia._check import fail
from intarsia.losses._gradients import gradient_beside_value
from intarsia.losses._instance_table import InstanceTable, instance_table, pairs_within_groups
from intarsia.losses._segment_spread import (
    norm_slope,
    safe_norm,
    segment_spread,
    spread_gradient,
    spread_operator,
)

Reduction = Literal["paper", "authors_sum", "pixel_weighted"]


@dataclass(frozen=True, slots=True)
class DiscriminativeTerms:
    """The three terms of the discriminative loss, one value an image each, before their weights."""

    variance: Float[Tensor, " b"]
    distance: Float[Tensor, " b"]
    regularization: Float[Tensor, " b"]


def discriminative_loss(
    embeddings: Float[Tensor, "b d h w"],
    instances: Int[Tensor, "b h w"],
    *,
    categories: Sequence[Int[Tensor, " _"]] | None = None,
    delta_v: float = 0.5,
    delta_d: float = 1.5,
    alpha: float = 1.0,
    beta: float = 1.0,
    gamma: float = 0.001,
    norm: int = 2,
    reduction: Reduction = "paper",
) -> Float[Tensor, " b"]:
    """Discriminative loss: alpha L_var + beta L_dist + gamma L_reg of `discriminative_terms`.

    Source: De Brabandere, Neven and Van Gool 2017, eq. (1) to (4); weights and margins of the authors' code.

    Args:
        embeddings: One embedding a pixel, any precision; computed in float32 at least.
        instances: 0 for pixels that take no part, positive numbers for the instances of the image.
        categories: For each image the category index of instance 1, 2, ...; None for one category.
        delta_v: Pixels nearer than this to the mean of their instance are not pulled.
        delta_d: Means farther apart than twice this are not pushed.
        alpha: Weight of the variance term; 1 as in the paper, and so the next two.
        beta: Weight of the distance term; 1, the paper's.
        gamma: Weight of the regularization term: so small that it only keeps embeddings from drifting away.
        norm: 1 or 2, the norm of the embedding space; 2, the paper's.
        reduction: How pixels and instances are averaged, see `discriminative_terms`.

    Returns:
        One loss an image, zero with zero gradient where the image has no instance.

    Raises:
        ValueError: As `discriminative_terms`.

    Example:
        >>> embeddings = torch.tensor([[[[0.0, 0.0, 9.0]]]])  # one dimension, three pixels
        >>> discriminative_loss(embeddings, torch.tensor([[[1, 1, 2]]]), gamma=0.0)
        tensor([0.])
    """
    _check(embeddings, instances, norm, reduction)
    if torch.compiler.is_compiling():
        # To a compiler the loss is one operator: how many instances there are, only numbers tell.
        precise = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32))
        how = (categories is not None, delta_v, delta_d, alpha, beta, gamma, norm, reduction)
        return discriminative_operator(precise, instances, list(categories or ()), *how)[0]
    terms = discriminative_terms(
        embeddings,
        instances,
        categories=categories,
        delta_v=delta_v,
        delta_d=delta_d,
        norm=norm,
        reduction=reduction,
    )
    return alpha * terms.variance + beta * terms.distance + gamma * terms.regularization


def discriminative_terms(
    embeddings: Float[Tensor, "b d h w"],
    instances: Int[Tensor, "b h w"],
    *,
    categories: Sequence[Int[Tensor, " _"]] | None = None,
    delta_v: float = 0.5,
    delta_d: float = 1.5,
    norm: int = 2,
    reduction: Reduction = "paper",
) -> DiscriminativeTerms:
    """The variance, distance and regularization terms of the discriminative loss.

    With C instances of N_c pixels x_i and means mu_c, and [.]_+ = max(0, .):

        L_var  = 1/C sum_c 1/N_c sum_i [|mu_c - x_i| - delta_v]_+^2
        L_dist = 1/(C (C - 1)) sum_(A != B) [2 delta_d - |mu_A - mu_B|]_+^2
        L_reg  = 1/C sum_c |mu_c|

    Given `categories`, the loss applies to each category of an image by itself (instances of two categories
    may share a place) and averaged over the categories present; the mean is ours. Cost and memory grow with
    the pixels, plus the pairs of instances within one image and category that are nearer than 2 delta_d.

    Reductions: "paper" as above. "authors_sum" as in the authors' code: the sum over instances in L_var, the
    sum over unordered pairs over C - 1 in L_dist, no L_reg, sums over categories. "pixel_weighted" gives
    every pixel of a category the same weight in L_var, so large instances dominate.

    Source: De Brabandere, Neven and Van Gool 2017, eq. (1) to (3). |v| = sqrt(v.v + 1e-8), as in their code.

    Args:
        embeddings: One embedding a pixel.
        instances: 0 for pixels that take no part, positive numbers for the instances of the image.
        categories: For each image the category index of instance 1, 2, ...; None for one category.
        delta_v: Margin of the pull, in units of the embedding: no pixel nearer to its mean is pulled; one
            half, the paper's.
        delta_d: Margin of the push, from either side: three times the pull's, so that balls stay apart.
        norm: 1 or 2, of distances; the paper's is 2.
        reduction: How terms are averaged.

    Returns:
        One value an image and term, zero where the image has no instance.

    Raises:
        ValueError: If shapes differ, an instance is negative or has no category, or an option is unknown.

    Example:
        >>> embeddings = torch.tensor([[[[0.0, 2.0, 3.0]]]])
        >>> terms = discriminative_terms(embeddings, torch.tensor([[[1, 1, 2]]]))
        >>> terms.variance, terms.distance  # means 1 and 3; (1 - 1/2)^2 / 2 and (3 - 2)^2
        (tensor([0.1250]), tensor([1.]))
    """
    _check(embeddings, instances, norm, reduction)
    table = instance_table(instances.flatten(1), categories)
    pixels = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)).flatten(2)  # b d (h w)
    means, spread = segment_spread(pixels, table.index, len(table), margin=delta_v, norm=norm)
    share = _instance_shares(table, reduction)
    return DiscriminativeTerms(
        variance=_sum_per_image(share.variance * spread, table.image, len(pixels)),
        distance=_push(means, table, delta_d, norm, reduction).per_image(table),
        regularization=_sum_per_image(
            share.regularization * safe_norm(means, norm), table.image, len(pixels)
        ),
    )


@dataclass(frozen=True, slots=True)
class _Shares:
    variance: Float[Tensor, " s"]
    regularization: Float[Tensor, " s"]


def _instance_shares(table: InstanceTable, reduction: Reduction) -> _Shares:
    """What each instance weighs in the sums over an image."""
    if reduction == "authors_sum":
        return _Shares(torch.ones_like(table.area), torch.zeros_like(table.area))
    equal = 1 / (table.num_in_group * table.num_groups_in_image)
    if reduction == "paper":
        return _Shares(equal, equal)
    return _Shares(table.area / (table.area_of_group * table.num_groups_in_image), equal)


@dataclass(frozen=True, eq=False)
class _Push:
    """The pairs of means that are too near, what each weighs, and by how much it is."""

    first: Int[Tensor, " e"]
    second: Int[Tensor, " e"]
    share: Float[Tensor, " e"]
    gap: Float[Tensor, " e"]

    def per_image(self, table: InstanceTable) -> Float[Tensor, " b"]:
        """The distance term."""
        costs = self.share * self.gap.square()
        return _sum_per_image(costs, table.image[self.first], table.num_images)

    def slope(self, means: Float[Tensor, "s d"], norm: int) -> Float[Tensor, "s d"]:
        """The derivative of the distance terms by the means."""
        away = norm_slope(means[self.first] - means[self.second], norm)
        force = (2 * self.share * self.gap)[:, None] * away  # falls with the distance
        return torch.zeros_like(means).index_add(0, self.first, -force).index_add(0, self.second, force)


def _push(means: Tensor, table: InstanceTable, delta_d: float, norm: int, reduction: Reduction) -> _Push:
    def gap(first: Tensor, second: Tensor) -> Tensor:
        return (2 * delta_d - safe_norm(means[first] - means[second], norm)).clamp(min=0)

    first, second = pairs_within_groups(table.group, keep=lambda a, b: gap(a, b) > 0)
    num = table.num_in_group[first]
    share = (
        1 / (num - 1)
        if reduction == "authors_sum"
        else 2 / (num * (num - 1) * table.num_groups_in_image[first])
    )
    return _Push(first, second, share, gap(first, second))


def _sum_per_image(values: Tensor, image: Tensor, num_images: int) -> Tensor:
    return values.new_zeros(num_images).index_add(0, image, values)


def _check(embeddings: Tensor, instances: Tensor, norm: int, reduction: str) -> None:
    expected = embeddings.shape[:1] + embeddings.shape[2:]
    if instances.shape != expected:
        fail("instances", f"shaped {tuple(expected)} like `embeddings`", tuple(instances.shape))
    if norm not in (1, 2):
        fail("norm", "1 or 2", norm)
    if reduction not in ("paper", "authors_sum", "pixel_weighted"):
        fail("reduction", '"paper", "authors_sum" or "pixel_weighted"', repr(reduction))


@gradient_beside_value
@torch.library.custom_op(
    "intarsia::discriminative_loss",
    mutates_args=(),
    schema="(Tensor embeddings, Tensor instances, Tensor[] categories, bool has_categories, float delta_v, "
    "float delta_d, float alpha, float beta, float gamma, int norm, str reduction) -> (Tensor, Tensor)",
)
def discriminative_operator(
    embeddings: Tensor,
    instances: Tensor,
    categories: Sequence[Tensor],
    has_categories: bool,
    delta_v: float,
    delta_d: float,
    alpha: float,
    beta: float,
    gamma: float,
    norm: int,
    reduction: Reduction,
) -> tuple[Tensor, Tensor]:
    """The loss of each image and its gradient, as a compiler sees `discriminative_loss`."""
    table = instance_table(instances.flatten(1), categories if has_categories else None)
    pixels = embeddings.flatten(2)  # b d (h w)
    segments = (pixels, table.index)
    means, spread, pull, area = spread_operator(*segments, len(table), delta_v, norm)
    share = _instance_shares(table, reduction)
    of_spread, of_norm = alpha * share.variance, gamma * share.regularization
    push = _push(means, table, delta_d, norm, reduction)
    losses = _sum_per_image(
        of_spread * spread + of_norm * safe_norm(means, norm), table.image, len(pixels)
    ) + beta * push.per_image(table)
    of_means = of_norm[:, None] * norm_slope(means, norm) + beta * push.slope(means, norm)
    gradient = spread_gradient(*segments, means, spread, pull, area, of_means, of_spread, delta_v, norm)
    return losses, gradient.view(embeddings.shape)


@discriminative_operator.register_fake
def _(embeddings: Tensor, *_: Any) -> tuple[Tensor, Tensor]:
    return embeddings.new_empty(embeddings.shape[0]), embeddings.new_empty(embeddings.shape)
