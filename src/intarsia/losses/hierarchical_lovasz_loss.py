"""The hierarchical Lovász loss: instances and categories as balls of two sizes in one embedding."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from intarsia._check import fail
from intarsia.losses.hierarchical_levels import InstanceLevel, LevelLoss, category_level
from intarsia.losses.instance_table import instance_table
from intarsia.panoptic import VOID_INDEX

__all__ = ["HierarchicalLovaszTerms", "LevelLoss", "hierarchical_lovasz_loss", "hierarchical_lovasz_terms"]

_SIGMA_ONE = -math.log(2)  # log λ = log 1 / (2 σ^2)
_LEVEL_LOSSES = ("lovasz", "hinge", "bce", "focal")


@dataclass(frozen=True, slots=True)
class HierarchicalLovaszTerms:
    """The terms of the hierarchical Lovász loss over a batch, before their weights."""

    instance: Float[Tensor, ""]
    category: Float[Tensor, ""]
    seed: Float[Tensor, ""]
    variance: Float[Tensor, ""]
    hierarchy: Float[Tensor, ""]


def hierarchical_lovasz_loss(
    embeddings: Float[Tensor, "b d h w"],
    instances: Int[Tensor, "b h w"],
    semantic: Int[Tensor, "b h w"],
    *,
    seeds: Float[Tensor, "b h w"],
    sharpness: Float[Tensor, "b h w"],
    crowd: Bool[Tensor, "b h w"] | None = None,
    category_from: int = 0,
    instance_weight: float = 1.0,
    category_weight: float = 1.0,
    seed_weight: float = 1.0,
    variance_weight: float = 10.0,
) -> Float[Tensor, ""]:
    """The weighted sum of `hierarchical_lovasz_terms` with its default settings.

    Source: our reading of Kerola et al. 2021; see `hierarchical_lovasz_terms`. The weights are ours.

    Args:
        embeddings: One embedding a pixel, any precision; computed in float32 at least.
        instances: 0 for no instance, positive numbers for the instances of each image.
        semantic: Category index, 255 for void.
        seeds: In [0, 1], how good a seed each pixel is.
        sharpness: v of each pixel, where λ = exp(10 v) = 1 / (2 σ^2).
        crowd: Pixels of things that are not told apart.
        category_from: The first dimension that categories use.
        instance_weight: Weight of the instance level.
        category_weight: Weight of the category level.
        seed_weight: Weight of the seeds.
        variance_weight: Weight of the spread of `sharpness` within an instance.

    Returns:
        One loss for the whole batch, whose classes share their means.

    Raises:
        ValueError: As `hierarchical_lovasz_terms`.

    Example:
        >>> embeddings = torch.tensor([[[[0.0, 0.0, 9.0]]]])
        >>> instances, semantic = torch.tensor([[[1, 1, 2]]]), torch.zeros(1, 1, 3, dtype=torch.long)
        >>> flat = torch.ones(1, 1, 3)
        >>> hierarchical_lovasz_loss(embeddings, instances, semantic, seeds=flat, sharpness=flat)
        tensor(0.)
    """
    terms = hierarchical_lovasz_terms(
        embeddings,
        instances,
        semantic,
        seeds=seeds,
        sharpness=sharpness,
        crowd=crowd,
        category_from=category_from,
    )
    return (
        instance_weight * terms.instance
        + category_weight * terms.category
        + seed_weight * terms.seed
        + variance_weight * terms.variance
    )


def hierarchical_lovasz_terms(
    embeddings: Float[Tensor, "b d h w"],
    instances: Int[Tensor, "b h w"],
    semantic: Int[Tensor, "b h w"],
    *,
    seeds: Float[Tensor, "b h w"],
    sharpness: Float[Tensor, "b h w"],
    crowd: Bool[Tensor, "b h w"] | None = None,
    category_from: int = 0,
    class_means: Float[Tensor, "k c"] | None = None,
    category_log_lambda: Float[Tensor, " k"] | float = _SIGMA_ONE,
    center_position: Float[Tensor, "g h w"] | None = None,
    instance_loss: LevelLoss = "lovasz",
    category_loss: LevelLoss = "lovasz",
    absent: Literal["skip", "hinge"] = "skip",
    max_instances: int = 40,
    min_class_px: int = 10,
    foreground_weight: float = 10.0,
    hierarchy_ratio: float = 2.0,
) -> HierarchicalLovaszTerms:
    """The terms of the loss that makes instances small balls inside the large balls of their categories.

    With λ = exp(10 v) of the mean v over an instance's pixels and its mean embedding μ, and with the class
    means m in the dimensions from `category_from` on:

        φ_k(i) = exp(-λ_k |e_i - μ_k|^2)        L_instance = mean over k of LovászHinge(2 φ_k - 1)
        ψ_c(i) = exp(-λ_c |e_i - m_c|^2)        L_category = mean over c of LovászHinge(2 ψ_c - 1)
        L_seed = 1/n (sum over no instance of s_i^2 + w sum over instances of (s_i - φ_own(i))^2)
        L_variance = mean over k of mean_i (v_i - mean v)^2
        L_hierarchy = mean over k of [ratio σ_k - σ_category]_+

    φ = 1/2 at 1.17741 σ, the margin. Instances are compared with all pixels of their image that are neither
    void nor crowd, categories with all pixels of the batch that are not void. What is kept for the backward
    pass does not grow with the number of instances.

    Source: our reading of Kerola et al. 2021, whose method section was not available: the instance level,
    seeds and variance are those of Neven et al. 2019, the category level and all numbers are ours.

    Args:
        embeddings: One embedding a pixel, any precision; computed in float32 at least.
        instances: 0 for no instance, positive numbers for the instances of each image.
        semantic: Category index, 255 for void.
        seeds: s in [0, 1]: how good a seed each pixel is.
        sharpness: v of each pixel; the larger, the smaller the margin.
        crowd: Pixels of things that are not told apart; instances do not see them, categories do.
        category_from: The first dimension that categories use: the number of coordinates, to leave them out.
        class_means: Mean embedding of each category, with or without gradient; the batch's own by default.
        category_log_lambda: Logarithm of λ_c, one value or one a category; the default is σ = 1.
        center_position: Replaces the first dimensions of μ by the mean of these over the instance.
        instance_loss: "lovasz", or for comparison "hinge" (of the discriminative loss, in units of margins),
            "bce" or "focal".
        category_loss: The same.
        absent: "skip" leaves out categories with fewer than `min_class_px` pixels in the batch; "hinge" also
            pushes all pixels out of the balls of those that the batch does not show.
        max_instances: Instances of an image at the instance level; of more, as many are drawn at random.
        min_class_px: See `absent`.
        foreground_weight: w.
        hierarchy_ratio: How many times larger a category's σ should be than an instance's.

    Returns:
        Terms of the whole batch, zero with zero gradient where nothing counts.

    Raises:
        ValueError: If shapes differ, an instance is negative, or an option is unknown.

    Example:
        >>> embeddings = torch.tensor([[[[0.0, 1.17741, 9.0]]]])
        >>> instances, semantic = torch.tensor([[[1, 0, 2]]]), torch.zeros(1, 1, 3, dtype=torch.long)
        >>> terms = hierarchical_lovasz_terms(
        ...     embeddings,
        ...     instances,
        ...     semantic,
        ...     seeds=torch.tensor([[[1.0, 0.0, 1.0]]]),
        ...     sharpness=torch.full((1, 1, 3), -math.log(2) / 10),  # σ = 1
        ... )
        >>> terms.instance, terms.seed  # one pixel of two or three with φ = 1/2: 2 φ over 2; and none
        (tensor(0.2500), tensor(0.))
    """
    _check(embeddings, {"instances": instances, "semantic": semantic, "seeds": seeds, "sharpness": sharpness})
    _check_options(instance_loss, category_loss, absent, max_instances)
    pixels = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)).flatten(2)  # b d (h w)
    classes = semantic.flatten(1)
    counted = classes != VOID_INDEX
    table = instance_table(instances.flatten(1))
    level = InstanceLevel(pixels, sharpness.to(pixels.dtype).flatten(1), table, center_position)
    distinct = counted if crowd is None else counted & ~crowd.flatten(1)
    log_lambdas = torch.as_tensor(category_log_lambda, dtype=pixels.dtype, device=pixels.device)
    return HierarchicalLovaszTerms(
        instance=level.loss(pixels, distinct, instance_loss, max_instances),
        category=category_level(
            pixels[:, category_from:],
            classes,
            class_means,
            log_lambdas,
            kind=category_loss,
            absent=absent,
            min_class_px=min_class_px,
        ),
        seed=level.seed_loss(pixels, seeds.to(pixels.dtype).flatten(1), distinct, foreground_weight),
        variance=level.variance,
        hierarchy=level.hierarchy(log_lambdas, hierarchy_ratio),
    )


def _check(embeddings: Tensor, others: dict[str, Tensor]) -> None:
    expected = embeddings.shape[:1] + embeddings.shape[2:]
    for name, tensor in others.items():
        if tensor.shape != expected:
            fail(name, f"shaped {tuple(expected)} like `embeddings`", tuple(tensor.shape))


def _check_options(instance_loss: str, category_loss: str, absent: str, max_instances: int) -> None:
    for name, value in (("instance_loss", instance_loss), ("category_loss", category_loss)):
        if value not in _LEVEL_LOSSES:
            fail(name, '"lovasz", "hinge", "bce" or "focal"', repr(value))
    if absent not in ("skip", "hinge"):
        fail("absent", '"skip" or "hinge"', repr(absent))
    if max_instances < 1:
        fail("max_instances", "at least 1", max_instances)
