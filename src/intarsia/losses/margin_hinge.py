"""The discriminative hinges in units of margins that differ from centre to centre."""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor

from intarsia.losses.instance_table import pairs_within_groups
from intarsia.losses.segment_spread import safe_norm

APART = 6.0
"""Least distance of two centres in margins: 2 δ_d / δ_v of De Brabandere et al. 2017."""


def margin_hinge(
    pixels: Float[Tensor, "b d p"],
    centers: Float[Tensor, "s d"],
    margins: Float[Tensor, " s"],
    *,
    index: Int[Tensor, "b p"],
    image: Int[Tensor, " s"],
) -> Float[Tensor, ""]:
    """Pull pixels into the margin of their centre, push centres of one image apart.

    Mean over centres of the mean of [|e - μ| / m - 1]_+^2 over its pixels, plus the mean over pairs of
    [6 - |μ_a - μ_b| / m_ab]_+^2 with m_ab the mean of the two margins.

    Source: De Brabandere, Neven and Van Gool 2017, eq. (1) and (2); the units are ours.

    Args:
        pixels: Embeddings.
        centers: One embedding a centre.
        margins: Radius around each centre that costs nothing.
        index: The centre of each pixel, -1 for none.
        image: The image of each centre.

    Returns:
        Zero with zero gradient where there is no centre.

    Example:
        >>> pixels, index = torch.tensor([[[0.0, 0.5, 9.0]]]), torch.tensor([[0, 0, 1]])
        >>> centers, image = torch.tensor([[0.0], [9.0]]), torch.tensor([0, 0])
        >>> margin_hinge(pixels, centers, torch.ones(2), index=index, image=image)
        tensor(0.)
    """
    if not len(centers):
        return pixels.sum() * 0 + centers.sum() + margins.sum()
    inside = index >= 0
    owner = index[inside]  # n
    away = safe_norm(pixels.movedim(1, 2)[inside] - centers.index_select(0, owner), 2) / margins[owner]
    area = owner.bincount(minlength=len(centers)).clamp(min=1)
    pull = ((away - 1).clamp(min=0).square() / area[owner]).sum() / len(centers)
    first, second = pairs_within_groups(image, keep=lambda a, b: torch.ones_like(a, dtype=torch.bool))
    between = (margins[first] + margins[second]) / 2
    gap = (APART - safe_norm(centers[first] - centers[second], 2) / between).clamp(min=0)
    return pull + gap.square().sum() / max(len(first), 1)
