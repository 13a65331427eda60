"""The affinity branch: its settings and its loss."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia._check import check_least, fail
from intarsia.data.affinity_targets import affinity_targets
from intarsia.data.targets import PanopticTargets, at_grid, middle_pixels
from intarsia.losses import batch_affinity_loss
from intarsia.methods.semantic import pixel_weights

__all__ = ["AffinityLossConfig", "affinity_losses", "point_weights"]


@dataclass(frozen=True, kw_only=True)
class AffinityLossConfig:
    """Settings of the affinity loss.

    With every pair counted alike the logits become log-odds, which is what the cut adds up. The paper has a
    weight of 0.25, the hardest quarter, 4 for things and 3 more for small ones: that needs a long schedule.

    Attributes:
        weight: Of the loss of each offset; their sum is the loss.
        hardest: Share of the pairs that count, the hardest first; 1 for all.
        thing_weight: Factor of pairs that touch a thing; 1 counts all pairs alike.
        small_thing_weight: A further factor of pairs that touch a small thing.
        small_thing_px: Things with fewer pixels are small: 64x64, Panoptic-DeepLab's.
        touching_weight: Factor of pairs between two things: there are few of them, and each decides whether
            neighbours are told apart; 1, the paper's, counts them as others.
    """

    weight: float = 0.5
    hardest: float = 1.0
    thing_weight: float = 1.0
    small_thing_weight: float = 1.0
    small_thing_px: int = 4096
    touching_weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.hardest <= 1:
            fail("affinity_loss.hardest", "a share in (0, 1]", self.hardest)
        for name in ("weight", "thing_weight", "small_thing_weight", "touching_weight"):
            check_least(f"affinity_loss.{name}", getattr(self, name), 0)


def affinity_losses(
    logits: Float[Tensor, "b o hs ws"],
    targets: PanopticTargets,
    config: AffinityLossConfig,
    *,
    offsets: Sequence[tuple[int, int]],
    stride: int = 4,
) -> dict[str, Float[Tensor, ""]]:
    """Top-k cross-entropy of each offset, with more weight on things and most on small ones.

    Source: Abbas and Swoboda 2021 (COPS), section 4.2; the shares are those of their released configurations.

    Args:
        logits: Positive where two points belong together, one channel an offset.
        targets: In pixels of the image; sampled to the grid here.
        config: Weights of the loss and of its pixels.
        offsets: Rows and columns from a point to its partner, on the grid.
        stride: Pixels between neighbours on the grid of the logits; 4, as published.
    """
    weights = point_weights(targets, config, stride=stride)
    pairs = affinity_targets(at_grid(targets, stride=stride), offsets, weights=weights)
    of_pair = torch.where(pairs.touching, config.touching_weight * pairs.weights, pairs.weights)
    loss = batch_affinity_loss(logits, pairs.joined, valid=pairs.valid, weights=of_pair, k=config.hardest)
    return {"affinity": config.weight * len(offsets) * loss}


def point_weights(
    targets: PanopticTargets, config: AffinityLossConfig, *, stride: int = 4
) -> Float[Tensor, "b hs ws"]:
    """How much each grid point counts: 1 in stuff, more in things, most in small things.

    Args:
        targets: In pixels of the image.
        config: The weights of things and of small things.
        stride: Pixels between neighbours on the grid; 4, as published.

    Example:
        >>> from intarsia.data.targets import targets_of
        >>> from intarsia.panoptic import Categories, Segment
        >>> ids = torch.tensor([[1, 1, 2]], dtype=torch.int32)
        >>> targets = targets_of(ids, [Segment(1, 1), Segment(2, 6)], Categories.named("facades"))
        >>> point_weights(targets, AffinityLossConfig(thing_weight=4.0, small_thing_weight=3.0), stride=1)
        tensor([[[12., 12.,  1.]]])
    """
    weights = pixel_weights(targets, small_px=config.small_thing_px, factor=config.small_thing_weight)
    weights = torch.where(targets.instances > 0, config.thing_weight * weights, weights)
    return middle_pixels(weights, stride)
