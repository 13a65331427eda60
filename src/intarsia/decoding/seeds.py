"""Decoding of one embedding by seeds: from memberships and seeds on a grid to a panoptic map."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int32, Integer

from intarsia._check import check_least, fail
from intarsia.clustering import SeedGroups, assign_by_membership, majority_vote, seed_decoding
from intarsia.cut.offsets import offsets_of
from intarsia.decoding.assembly import Thing, Thresholds, assembled_from_grid
from intarsia.decoding.cut import cut_map
from intarsia.decoding.cut_view import CutConfig, CutView
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.embedding_cut import embedding_cut_view
from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.softmax import softmax
from intarsia.decoding.upsampling import upsampled_argmax
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["SeedDecoder", "SeedDecodingConfig"]

_SHARPEST = 2.0  # λ = e^20, beyond which float32 tells no two pixels apart


@dataclass(frozen=True, kw_only=True)
class SeedDecodingConfig(Thresholds):
    """Settings of decoding, beside the thresholds; see `intarsia.clustering.seed_decoding`.

    Attributes:
        kind: "seeds" one after the other, or the "cut": one problem for categories and instances, in which
            pairs of points attract each other up to their margins and repel each other beyond.
        distances: Between the points of a pair, on the grid; for the cut.
        pair_margins: Distance at which a pair neither attracts nor repels, in margins; for the cut.
        seed_threshold: Least value of a seed, in [0, 1]; from one half on a point is rather a seed than none.
        foreground_threshold: Thing pixels below this seed value found no instance; they may join one.
        min_seed_points: Least number of points of the grid within the margin of a seed; 8, between the 4 and
            16 that `intarsia ablate hle` compares it with.
        refinements: How often the centre of an instance moves to the mean of its members; 0 leaves it at the
            seed.
        leftover_membership: Thing pixels of no instance join the likeliest of their category above this; a
            tenth, well outside of the margin, where it is one half.
        patience: Seeds in a row without a new instance that end the search.
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

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.leftover_membership < 1:
            fail("decoding.leftover_membership", "in (0, 1)", self.leftover_membership)
        if self.pair_margins <= 0:
            fail("decoding.pair_margins", "above 0", self.pair_margins)
        check_least("decoding.min_seed_points", self.min_seed_points, 1)


@dataclass(frozen=True, kw_only=True)
class SeedDecoder(AbstractDecoder):
    """Seeds one after the other among the pixels of things, or one cut.

    Instances come from `embeddings`, `seed_logits` and `sharpness` v with λ = exp(10 v), categories from
    `category_logits`.

    Attributes:
        decoding: By seeds or by a cut, and thresholds.
    """

    decoding: SeedDecodingConfig

    def decode(self, view: ImageView, categories: Categories) -> PanopticMap:
        """Nearest class means, then seeds one after the other; or one cut for both."""
        if self.decoding.kind == "cut":
            return cut_map(self.cut_view(view, categories), categories, self.cut_config)
        return _group_by_seeds(view, categories, self.decoding)

    @property
    def cut_config(self) -> CutConfig:
        """The thresholds of decoding."""
        return CutConfig.of_thresholds(self.decoding)

    def cut_view(self, view: ImageView, categories: Categories) -> CutView:
        """Pairs of points at the distances of decoding, by how many margins their embeddings are apart."""
        settings, field = self.decoding, self.embedding_field(view)
        return embedding_cut_view(
            view["category_logits"],
            field.embeddings,
            view.size,
            categories=categories,
            offsets=offsets_of(settings.distances),
            radius=field.margin * np.float32(settings.pair_margins),
            stride=view.stride,
        )

    def embedding_field(self, view: ImageView) -> EmbeddingField:
        """The embeddings; the margin of a pixel is the one that it predicts."""
        margin = np.sqrt(math.log(2) / np.exp(10 * view["sharpness"].clip(max=_SHARPEST)))
        return EmbeddingField(view["embeddings"], margin)


def _group_by_seeds(view: ImageView, categories: Categories, settings: SeedDecodingConfig) -> PanopticMap:
    """The panoptic map: seeds among the things, stuff by its category.

    An instance's category is its points' majority, its score the value of its seed times the mean
    probability of that category on its points. Probabilities are up-sampled, not embeddings: between two
    instances an interpolated embedding would belong to a third.

    Source: our reading of Kerola et al. 2021, after Neven et al. 2019's released code; scores are ours.
    """
    from scipy.special import expit  # slow to import

    category_prob = softmax(view["category_logits"])
    seeds = expit(view["seed_logits"])
    semantic = category_prob.argmax(axis=0)
    foreground = categories.is_thing[semantic]
    # instances around the highest seeds, in the foreground alone
    groups = seed_decoding(
        view["embeddings"],
        seeds,
        10 * view["sharpness"].clip(max=_SHARPEST),
        foreground=foreground & (seeds >= settings.foreground_threshold),
        threshold=settings.seed_threshold,
        min_points=settings.min_seed_points,
        refinements=settings.refinements,
        patience=settings.patience,
    )
    # each instance shows what most of its points do; points of none join the likeliest
    votes = majority_vote(groups.instances, semantic)
    votes = np.append(votes, np.zeros(len(groups.scores) - len(votes), np.int64))
    labels = _with_leftovers(
        view, groups, foreground, semantic=semantic, votes=votes, least=settings.leftover_membership
    )
    scores = groups.scores * _mean_certainty(labels, category_prob.max(axis=0), len(votes))
    # from the grid to pixels
    pixels = upsampled_argmax(category_prob, *view.size, stride=view.stride)
    things = [Thing(int(category), float(score)) for category, score in zip(votes, scores, strict=True)]
    return assembled_from_grid(
        labels, things, pixels, categories=categories, stride=view.stride, thresholds=settings
    )


def _with_leftovers(
    view: ImageView,
    groups: SeedGroups,
    foreground: Bool[np.ndarray, "hs ws"],
    *,
    semantic: Integer[np.ndarray, "hs ws"],
    votes: Integer[np.ndarray, " n"],
    least: float,
) -> Int32[np.ndarray, "hs ws"]:
    """Things that no seed took, given to the likeliest centre of their category."""
    leftover = foreground & (groups.instances == 0)
    joined = assign_by_membership(
        view["embeddings"],
        groups.centers,
        groups.log_lambda,
        foreground=leftover,
        least=least,
        categories=(semantic, votes),
    )
    return np.where(leftover, joined, groups.instances)


def _mean_certainty(
    labels: Int32[np.ndarray, "hs ws"], certainty: Float[np.ndarray, "hs ws"], count: int
) -> Float[np.ndarray, " n"]:
    inside = labels > 0
    number = labels[inside] - 1
    sums = np.bincount(number, certainty[inside], minlength=count)
    return sums / np.maximum(np.bincount(number, minlength=count), 1)
