"""The hierarchical Lovász loss: instances and categories as balls of two sizes in one embedding."""

from __future__ import annotations

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from intarsia._check import fail
from intarsia.losses._hierarchical_operator import compiled_terms
from intarsia.losses._hierarchical_options import HierarchicalLovaszOptions, HierarchicalLovaszTerms
from intarsia.losses._hierarchical_terms import Outputs, Rule, Truth
from intarsia.panoptic import VOID_INDEX

__all__ = ["batch_hierarchical_lovasz_terms", "hierarchical_lovasz_loss", "hierarchical_lovasz_terms"]

_SIGMA_ONE = -math.log(2)  # log λ = log 1 / (2 σ^2)
_DEFAULTS = HierarchicalLovaszOptions()


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
) -> Float[Tensor, " b"]:
    """The weighted sum of `hierarchical_lovasz_terms` with its default options.

    Source: our reading of Kerola et al. 2021; see `hierarchical_lovasz_terms`. The weights are ours.

    Args:
        embeddings: One embedding a pixel, any precision; computed in float32 at least.
        instances: 0 for no instance, positive numbers for the instances of each image.
        semantic: Category index, 255 for void.
        seeds: In [0, 1], how good a seed each pixel is.
        sharpness: v of each pixel, where λ = exp(10 v) = 1 / (2 σ^2).
        crowd: Pixels of things that are not told apart.
        category_from: The first dimension that categories use; 0 for all.
        instance_weight: Weight of the instance level; 1, what others are measured by.
        category_weight: Weight of the category level; 1, the same as of instances.
        seed_weight: Weight of the seeds; 1, Neven's.
        variance_weight: Weight of the spread of `sharpness` within an instance; 10, Neven's.

    Returns:
        One loss an image, zero with zero gradient where nothing counts.

    Raises:
        ValueError: As `hierarchical_lovasz_terms`.

    Example:
        >>> embeddings = torch.tensor([[[[0.0, 0.0, 9.0]]]])
        >>> instances, semantic = torch.tensor([[[1, 1, 2]]]), torch.zeros(1, 1, 3, dtype=torch.long)
        >>> flat = torch.ones(1, 1, 3)
        >>> hierarchical_lovasz_loss(embeddings, instances, semantic, seeds=flat, sharpness=flat)
        tensor([0.])
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
    options: HierarchicalLovaszOptions = _DEFAULTS,
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
    void nor crowd, categories with all pixels of their image that are not void. What is kept for the backward
    pass does not grow with the number of instances. In training a category is one for all images of a batch:
    `batch_hierarchical_lovasz_terms`.

    Source: our reading of Kerola et al. 2021, whose method section was not available: the instance level,
    seeds and variance are those of Neven et al. 2019, the category level and all numbers are ours.

    Args:
        embeddings: One embedding a pixel, any precision; computed in float32 at least.
        instances: 0 for no instance, positive numbers for the instances of each image.
        semantic: Category index, 255 for void.
        seeds: s in [0, 1]: how good a seed each pixel is.
        sharpness: v of each pixel; the larger, the smaller the margin.
        crowd: Pixels of things that are not told apart; instances do not see them, categories do.
        category_from: The first dimension that categories use: the number of coordinates, to leave them out;
            0 for all.
        class_means: Mean embedding of each category, with or without gradient; the image's own by default.
        category_log_lambda: Logarithm of λ_c, one value or one a category; the default is σ = 1.
        center_position: Replaces the first dimensions of μ by the mean of these over the instance.
        options: What compares the levels with the truth.

    Returns:
        One value an image and term, zero with zero gradient where nothing counts.

    Raises:
        ValueError: If shapes differ, an instance is negative, or a category has no mean.

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
        (tensor([0.2500]), tensor([0.]))
    """
    _check(embeddings, instances=instances, semantic=semantic, seeds=seeds, sharpness=sharpness)
    maps, categories = (embeddings, seeds, sharpness), (category_log_lambda, class_means)
    outputs = _outputs(maps, categories, center_position, groups=len(embeddings))
    return _terms(outputs, _truth(instances, semantic, crowd), Rule(category_from, False, options))


def batch_hierarchical_lovasz_terms(
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
    options: HierarchicalLovaszOptions = _DEFAULTS,
) -> HierarchicalLovaszTerms:
    """`hierarchical_lovasz_terms` where a category is one for the whole batch, with one mean for all images.

    Every instance of the batch counts the same, and every category that the batch shows.

    Source: as `hierarchical_lovasz_terms`.

    Args:
        embeddings: As in `hierarchical_lovasz_terms`, and so is the rest.
        instances: 0 for no instance, positive numbers for the instances of each image.
        semantic: Category index, 255 for void.
        seeds: s in [0, 1].
        sharpness: v of each pixel.
        crowd: Pixels of things that are not told apart.
        category_from: The first dimension that categories use; 0 for all.
        class_means: Mean embedding of each category; the batch's own by default.
        category_log_lambda: Logarithm of λ_c.
        center_position: Replaces the first dimensions of μ by the mean of these over the instance.
        options: What compares the levels with the truth.

    Returns:
        One value a term for the batch, zero with zero gradient where nothing counts.

    Raises:
        ValueError: As `hierarchical_lovasz_terms`.

    Example:
        >>> embeddings = torch.zeros(2, 1, 1, 5)
        >>> semantic = torch.zeros(2, 1, 5, dtype=torch.long)  # 10 pixels in both images together
        >>> flat = torch.ones(2, 1, 5)
        >>> terms = batch_hierarchical_lovasz_terms(
        ...     embeddings, semantic, semantic, seeds=flat, sharpness=flat
        ... )
        >>> terms.category, terms.seed  # all pixels at their category's mean; a seed where none should be
        (tensor(0.), tensor(1.))
    """
    _check(embeddings, instances=instances, semantic=semantic, seeds=seeds, sharpness=sharpness)
    maps, categories = (embeddings, seeds, sharpness), (category_log_lambda, class_means)
    outputs = _outputs(maps, categories, center_position, groups=1)
    return _terms(outputs, _truth(instances, semantic, crowd), Rule(category_from, True, options))


def _check(embeddings: Tensor, **maps: Tensor) -> None:
    expected = embeddings.shape[:1] + embeddings.shape[2:]
    for name, values in maps.items():
        if values.shape != expected:
            fail(name, f"shaped {tuple(expected)} like `embeddings`", tuple(values.shape))


def _outputs(
    maps: tuple[Tensor, Tensor, Tensor],
    categories: tuple[Tensor | float, Tensor | None],
    position: Tensor | None,
    *,
    groups: int,
) -> Outputs:
    """Embeddings, seeds and sharpness, and λ and means of the categories, of so many groups of images."""
    embeddings, seeds, sharpness = maps
    pixels = embeddings.to(torch.promote_types(embeddings.dtype, torch.float32)).flatten(2)

    def repeat(values: Tensor, times: int) -> Tensor:
        return values.to(pixels.dtype).expand(times, *values.shape)

    log_lambda, means = categories
    log_lambda = torch.as_tensor(log_lambda, dtype=pixels.dtype, device=pixels.device)
    return Outputs(
        pixels=pixels,
        seeds=seeds.to(pixels.dtype).flatten(1),
        sharpness=sharpness.to(pixels.dtype).flatten(1),
        log_lambda=repeat(log_lambda, groups),
        means=None if means is None else repeat(means, groups),
        position=None if position is None else repeat(position.flatten(1), len(pixels)),
    )


def _truth(instances: Tensor, semantic: Tensor, crowd: Tensor | None) -> Truth:
    counted = semantic != VOID_INDEX
    distinct = counted if crowd is None else counted & ~crowd
    return Truth(instances.flatten(1), semantic.flatten(1), distinct.flatten(1))


def _terms(outputs: Outputs, truth: Truth, rule: Rule) -> HierarchicalLovaszTerms:
    if torch.compiler.is_compiling():
        return compiled_terms(outputs, truth, rule)
    return rule.terms(outputs, truth)
