"""From memberships, seeds and embeddings on a grid to a panoptic map."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int32, Int64
from torch import Tensor

from intarsia._check import fail
from intarsia.clustering import SeedGroups, assign_by_membership, majority_vote, seed_decoding
from intarsia.decoding.assembly import Thing, assembled
from intarsia.decoding.upsampling import upsampled_argmax, upsampled_labels
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["SeedDecodingConfig", "SeedView", "grouped_by_seeds"]


@dataclass(frozen=True, kw_only=True)
class SeedDecodingConfig:
    """Settings of decoding; see `intarsia.clustering.seed_decoding`.

    Attributes:
        kind: "seeds" one after the other, or the "cut": one problem for categories and instances, in which
            pairs of points attract each other up to their margins and repel each other beyond.
        distances: Between the points of a pair, on the grid; for the cut.
        pair_margins: Distance at which a pair neither attracts nor repels, in margins; for the cut.
        seed_threshold: Least value of a seed.
        foreground_threshold: Thing pixels below this seed value found no instance; they may join one.
        min_seed_points: Least number of points of the grid within the margin of a seed.
        refinements: How often the centre of an instance moves to the mean of its members.
        leftover_membership: Thing pixels of no instance join the likeliest of their category above this.
        patience: Seeds in a row without a new instance that end the search.
        min_thing_px: Things with fewer pixels of the image are dropped.
        min_stuff_px: Stuff with fewer pixels of the image is dropped.
    """

    kind: Literal["seeds", "cut"] = "seeds"
    distances: tuple[int, ...] = (1, 2, 4, 8, 16)
    pair_margins: float = 1.0
    seed_threshold: float = 0.5
    foreground_threshold: float = 0.0
    min_seed_points: int = 8
    refinements: int = 0
    leftover_membership: float = 0.1
    patience: int = 500
    min_thing_px: int = 32
    min_stuff_px: int = 1024

    def __post_init__(self) -> None:
        if not 0 < self.leftover_membership < 1:
            fail("decoding.leftover_membership", "in (0, 1)", self.leftover_membership)
        if self.pair_margins <= 0:
            fail("decoding.pair_margins", "above 0", self.pair_margins)
        if self.min_seed_points < 1:
            fail("decoding.min_seed_points", "at least 1", self.min_seed_points)


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
    certainty, semantic = (x.cpu().numpy() for x in view.category_prob.max(dim=0))
    things_here = categories.is_thing[semantic]
    groups = seed_decoding(
        view.embeddings.cpu().numpy(),
        view.seeds.cpu().numpy(),
        view.log_lambda.cpu().numpy(),
        foreground=things_here & (view.seeds >= settings.foreground_threshold).cpu().numpy(),
        threshold=settings.seed_threshold,
        min_size_px=settings.min_seed_points,
        refinements=settings.refinements,
        patience=settings.patience,
    )
    votes = majority_vote(groups.instances, semantic)
    votes = np.append(votes, np.zeros(len(groups.scores) - len(votes), np.int64))
    labels = _with_leftovers(view, groups, things_here, semantic, votes, settings.leftover_membership)
    things = [
        Thing(int(category), float(score))
        for category, score in zip(
            votes, groups.scores * _mean_certainty(labels, certainty, len(votes)), strict=True
        )
    ]
    pixels = upsampled_argmax(view.category_prob.cpu().numpy(), *size, stride=view.stride)
    instances = upsampled_labels(
        labels,
        np.array([0] + [1] * len(things), np.uint8),
        categories.is_thing.astype(np.uint8)[pixels],
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
    foreground: Bool[np.ndarray, "hs ws"],
    semantic: Int64[np.ndarray, "hs ws"],
    votes: Int64[np.ndarray, " n"],
    least: float,
) -> Int32[np.ndarray, "hs ws"]:
    left = foreground & (groups.instances == 0)
    joined = assign_by_membership(
        view.embeddings.cpu().numpy(),
        groups.centers,
        groups.log_lambda,
        foreground=left,
        least=least,
        categories=(semantic, votes),
    )
    return np.where(left, joined, groups.instances)


def _mean_certainty(
    labels: Int32[np.ndarray, "hs ws"], certainty: Float[np.ndarray, "hs ws"], count: int
) -> Float[np.ndarray, " n"]:
    inside = labels > 0
    number = labels[inside] - 1
    sums = np.bincount(number, certainty[inside], minlength=count)
    return sums / np.maximum(np.bincount(number, minlength=count), 1)
