"""The discriminative hinges in units of margins that differ from centre to centre."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from intarsia.losses._instance_table import pairs_within_groups
from intarsia.losses._segment_spread import safe_norm
from intarsia.losses._totals import Totals

APART = 6.0
"""Least distance of two centres in margins: 2 δ_d / δ_v of De Brabandere et al. 2017."""


def margin_hinge(
    pixels: Float[Tensor, "b d p"],
    centers: Float[Tensor, "s d"],
    margins: Float[Tensor, " s"],
    *,
    index: Int[Tensor, "b p"],
    image: Int[Tensor, " s"],
) -> tuple[Totals, Totals]:
    """Pull pixels into the margin of their centre, push centres of one image apart.

    The pull of a centre is the mean of [|e - μ| / m - 1]_+^2 over its pixels, the push of a pair
    [6 - |μ_a - μ_b| / m_ab]_+^2 with m_ab the mean of the two margins.

    Source: De Brabandere, Neven and Van Gool 2017, eq. (1) and (2); the units are ours.

    Args:
        pixels: The embedding of each pixel.
        centers: One embedding a centre.
        margins: Radius around each centre that costs nothing.
        index: The centre of each pixel, -1 for none.
        image: The image of each centre.

    Returns:
        The pulls of the centres and the pushes of the pairs of each image.

    Example:
        >>> pixels, index = torch.tensor([[[0.0, 0.5, 9.0]]]), torch.tensor([[0, 0, 1]])
        >>> centers, image = torch.tensor([[0.0], [9.0]]), torch.tensor([0, 0])
        >>> pull, push = margin_hinge(pixels, centers, torch.ones(2), index=index, image=image)
        >>> pull.sums, push.sums, push.counts
        (tensor([0.]), tensor([0.]), tensor([1.]))
    """
    inside = index >= 0
    owner = index[inside]  # n
    away = safe_norm(pixels.movedim(1, 2)[inside] - centers.index_select(0, owner), 2) / margins[owner]
    area = owner.bincount(minlength=len(centers)).clamp(min=1)
    pull = pixels.new_zeros(len(centers)).index_add(0, owner, (away - 1).clamp(min=0).square() / area[owner])
    first, second = pairs_within_groups(image, keep=lambda a, b: torch.ones_like(a, dtype=torch.bool))
    between = (margins[first] + margins[second]) / 2
    gap = (APART - safe_norm(centers[first] - centers[second], 2) / between).clamp(min=0)
    return Totals.of(pull, image, len(pixels)), Totals.of(gap.square(), image[first], len(pixels))
