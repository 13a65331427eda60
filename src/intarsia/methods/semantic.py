"""The semantic branch that methods share: its settings and its loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia._check import check_least, fail
from intarsia.data.targets import PanopticTargets, at_grid, middle_pixels
from intarsia.losses import batch_top_k_cross_entropy, lovasz_softmax
from intarsia.nets.upsampling import upsample

__all__ = ["SemanticLossConfig", "pixel_weights", "semantic_losses"]


@dataclass(frozen=True, kw_only=True)
class SemanticLossConfig:
    """Settings of the semantic losses.

    Attributes:
        weight: Of the cross-entropy, which other terms are measured by; 1, the unit of the others.
        hardest: Share of the pixels that count, the hardest first; 1 for all. Below 1 needs a long schedule.
        lovasz_weight: Of the Lovász softmax; 0 to leave it out.
        small_thing_px: Things with fewer pixels are small: 64x64, Panoptic-DeepLab's.
        small_thing_weight: Factor of the pixels of small things in the cross-entropy; 3 is Panoptic-
            DeepLab's.
        resolution: "pixels": logits are up-sampled; "grid": the truth is sampled there, which is faster.
    """

    weight: float = 1.0
    hardest: float = 1.0
    lovasz_weight: float = 0.0
    small_thing_px: int = 4096
    small_thing_weight: float = 3.0
    resolution: Literal["pixels", "grid"] = "pixels"

    def __post_init__(self) -> None:
        if not 0 < self.hardest <= 1:
            fail("semantic.hardest", "a share in (0, 1]", self.hardest)
        for name in ("weight", "lovasz_weight", "small_thing_weight"):
            check_least(f"semantic.{name}", getattr(self, name), 0)


def semantic_losses(
    logits: Float[Tensor, "b k hs ws"],
    targets: PanopticTargets,
    config: SemanticLossConfig,
    *,
    stride: int = 4,
) -> dict[str, Float[Tensor, ""]]:
    """Top-k cross-entropy, with more weight on small things, and the Lovász softmax where it is asked for.

    Source: Cheng et al. 2020 (Panoptic-DeepLab): hardest fifth of the pixels, 3 for instances below 64x64.

    Args:
        logits: One channel a category.
        targets: In pixels of the image; sampled to the grid here, or the logits up-sampled to them.
        config: Weights of the losses and of their pixels.
        stride: Pixels between neighbours on the grid of the logits; 4, as published.
    """
    weights = pixel_weights(targets, small_px=config.small_thing_px, factor=config.small_thing_weight)
    semantic = targets.semantic
    if config.resolution == "pixels":
        logits = upsample(logits, *semantic.shape[1:], stride=stride)
    else:
        semantic, weights = at_grid(targets, stride=stride).semantic, middle_pixels(weights, stride)
    losses = {
        "semantic": config.weight
        * batch_top_k_cross_entropy(logits.float(), semantic, k=config.hardest, weights=weights)
    }
    if config.lovasz_weight:
        lovasz = lovasz_softmax(logits.float().softmax(dim=1), semantic)
        losses["lovasz"] = config.lovasz_weight * lovasz.mean()
    return losses


def pixel_weights(targets: PanopticTargets, *, small_px: int, factor: float) -> Float[Tensor, "b h w"]:
    """`factor` where the pixel belongs to an instance of fewer than `small_px` pixels, else 1.

    Example:
        >>> from intarsia.data.targets import targets_of
        >>> from intarsia.panoptic import Categories, Segment
        >>> ids = torch.tensor([[1, 2, 2]], dtype=torch.int32)
        >>> targets = targets_of(ids, [Segment(1, 1), Segment(2, 1)], Categories.named("facades"))
        >>> pixel_weights(targets, small_px=2, factor=3.0)
        tensor([[[3., 1., 1.]]])
    """
    weight = torch.where(targets.areas < small_px, factor, 1.0)
    weight[:, 0] = 1
    return weight.gather(1, targets.instances.flatten(1)).view(targets.instances.shape)
