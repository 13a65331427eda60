"""Recipes of the baseline: Panoptic-DeepLab (Cheng et al. 2020), centres and offsets."""

from __future__ import annotations

from dataclasses import replace

from intarsia.methods.panoptic_deeplab import PanopticDeepLabConfig
from intarsia.recipes import discriminative
from intarsia.recipes.recipe import Recipe


def facades() -> Recipe:
    """Buildings: the baseline on the data and schedule of `discriminative-facades`."""
    return _baseline(discriminative.facades())


def nuclei() -> Recipe:
    """Microscopy: the baseline on the data and schedule of `discriminative-nuclei`."""
    return _baseline(discriminative.nuclei())


def cityscapes() -> Recipe:
    """Streets: the baseline on the data and schedule of `discriminative-cityscapes`."""
    return _baseline(discriminative.cityscapes())


def coco() -> Recipe:
    """Everyday photos: the baseline on the data and schedule of `discriminative-coco`."""
    return _baseline(discriminative.coco())


def _baseline(recipe: Recipe) -> Recipe:
    """The same run with the baseline's heads on the same backbone and decoder."""
    return replace(recipe, method=PanopticDeepLabConfig(**recipe.method.trunk))
