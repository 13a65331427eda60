"""From memberships, seeds and embeddings on a grid to a panoptic map."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int32, Int64
from torch import Tensor

from intarsia.clustering import SeedGroups, assign_by_membership, majority_vote, seed_decoding
from intarsia.methods.assembly import Thing, assembled
from intarsia.methods.hierarchical_config import SeedDecodingConfig
from intarsia.methods.upsampling import upsampled_argmax, upsampled_labels
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["SeedView", "grouped_by_seeds"]


@dataclass(frozen=True, eq=False)
class SeedView:
    """One image, without the padding of its batch, as decoding sees it.

    Attributes:
        category_prob: Probability of each category on the grid.
        embeddings: On the grid.
        seeds: In [0, 1].
        log_lambda: Logarithm of λ = 1 / (2 σ^2).
        stride: Pixels between neighbours on the grid.
    """

    category_prob: Float[Tensor, "k hs ws"]
    embeddings: Float[Tensor, "d hs ws"]
    seeds: Float[Tensor, "hs ws"]
    log_lambda: Float[Tensor, "hs ws"]
    stride: int


def grouped_by_seeds(
    view: SeedView, size: tuple[int, int], *, categories: Categories, settings: SeedDecodingConfig
) -> PanopticMap:
    """The panoptic map: seeds among the things, stuff by its category.

    An instance's category is its points' majority, its score the value of its seed times the mean
    probability of that category on its points. Probabilities are up-sampled, not embeddings: between two
    instances an interpolated embedding would belong to a third.

    Source: our reading of Kerola et al. 2021, after Neven et al. 2019's released code; scores are ours.
    """
    certainty, semantic = view.category_prob.max(dim=0)
    is_thing = torch.tensor([category.is_thing for category in categories], device=semantic.device)
    things_here = is_thing[semantic]
    groups = seed_decoding(
        view.embeddings,
        view.seeds,
        view.log_lambda,
        foreground=things_here & (view.seeds >= settings.foreground_threshold),
        threshold=settings.seed_threshold,
        min_size_px=settings.min_seed_points,
        refinements=settings.refinements,
        patience=settings.patience,
    )
    votes = majority_vote(groups.instances, semantic)
    votes = torch.cat([votes, votes.new_zeros(len(groups.scores) - len(votes))])
    labels = _with_leftovers(view, groups, things_here, semantic, votes, settings.leftover_membership)
    things = [
        Thing(int(category), float(score))
        for category, score in zip(
            votes, groups.scores * _mean_certainty(labels, certainty, len(votes)), strict=True
        )
    ]
    pixels = upsampled_argmax(view.category_prob, *size, stride=view.stride)
    instances = upsampled_labels(
        labels.cpu().numpy(),
        np.array([0] + [1] * len(things), np.uint8),
        is_thing.cpu().numpy().astype(np.uint8)[pixels],
        free=np.array([0], np.uint8),
        stride=view.stride,
    )
    return assembled(
        pixels,
        instances,
        things,
        categories=categories,
        min_thing_px=settings.min_thing_px,
        min_stuff_px=settings.min_stuff_px,
    )


def _with_leftovers(
    view: SeedView,
    groups: SeedGroups,
    foreground: Bool[Tensor, "hs ws"],
    semantic: Int64[Tensor, "hs ws"],
    votes: Int64[Tensor, " n"],
    least: float,
) -> Int32[Tensor, "hs ws"]:
    left = foreground & (groups.instances == 0)
    joined = assign_by_membership(
        view.embeddings,
        groups.centers,
        groups.log_lambda,
        foreground=left,
        least=least,
        categories=(semantic, votes),
    )
    return torch.where(left, joined, groups.instances)


def _mean_certainty(
    labels: Int32[Tensor, "hs ws"], certainty: Float[Tensor, "hs ws"], count: int
) -> Float[Tensor, " n"]:
    inside = labels > 0
    number = labels[inside].long() - 1
    sums = certainty.new_zeros(count).index_add(0, number, certainty[inside])
    return (sums / number.bincount(minlength=count).clamp(min=1)).cpu()
