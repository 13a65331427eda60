"""Recipes of the hierarchical Lovász embedding: our reading of Kerola et al. 2021."""

from __future__ import annotations

from dataclasses import replace

from intarsia.data.transforms import Augmentation
from intarsia.decoding.seeds import SeedDecodingConfig
from intarsia.methods.hierarchical import HierarchicalConfig
from intarsia.methods.hierarchical_config import (
    HierarchicalEmbeddingConfig,
    HierarchicalLossConfig,
)
from intarsia.recipes import discriminative
from intarsia.recipes.recipe import Recipe, Schedule

_SHORT_LOSS = HierarchicalLossConfig(cross_entropy_weight=1.0)
"""For a schedule of a thousand steps: far from its mean a membership has no gradient, a distance has."""

_MANY_CATEGORIES = HierarchicalEmbeddingConfig(features=30)


def facades() -> Recipe:
    """Buildings: the hierarchical embedding on the data and schedule of `discriminative-facades`."""
    return _hierarchical(discriminative.facades(), loss=_SHORT_LOSS)


def nuclei() -> Recipe:
    """Microscopy: the hierarchical embedding on the data and schedule of `discriminative-nuclei`."""
    recipe = _hierarchical(
        discriminative.nuclei(),
        embedding=HierarchicalEmbeddingConfig(features=6, unit_px=16.0, start_radius_px=16.0),
        loss=_SHORT_LOSS,
    )
    small = SeedDecodingConfig(min_seed_points=4, min_thing_px=16)
    return replace(recipe, method=replace(recipe.method, decoding=small))


def cityscapes() -> Recipe:
    """Streets: the hierarchical embedding on the data and schedule of `discriminative-cityscapes`."""
    return _hierarchical(discriminative.cityscapes())


def coco() -> Recipe:
    """Everyday photos: the hierarchical embedding on the data and schedule of `discriminative-coco`."""
    return _hierarchical(discriminative.coco(), embedding=_MANY_CATEGORIES)


def vistas() -> Recipe:
    """Streets of the world: 65 categories, large photos, crops of 1024x1024; for a GPU."""
    return replace(
        _hierarchical(discriminative.cityscapes(), embedding=_MANY_CATEGORIES),
        augmentation=Augmentation(scale=(0.5, 2.0), crop=(1024, 1024)),
        schedule=Schedule(steps=150_000, warmup=1000, evaluate_every=10_000, checkpoint_every=1000),
    )


def _hierarchical(
    recipe: Recipe,
    *,
    embedding: HierarchicalEmbeddingConfig | None = None,
    loss: HierarchicalLossConfig | None = None,
) -> Recipe:
    """The same run with the one head of the hierarchical embedding on the same backbone and decoder."""
    shared = recipe.method
    config = HierarchicalConfig(
        backbone=shared.backbone,
        decoder=shared.decoder,
        embedding=embedding or HierarchicalEmbeddingConfig(),
        loss=loss or HierarchicalLossConfig(),
    )
    return replace(recipe, method=config)
