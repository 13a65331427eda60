"""Recipes of combinatorial panoptic segmentation (Abbas and Swoboda 2021, COPS): affinities and the cut.

Each data set has two runs: the first trains semantics and affinities, the second (`...-e2e`) fine-tunes that
model through the cut: `intarsia train cops-facades-e2e initial=RUN/best data=DIR`. The published settings are
in `combinatorial_paper`.
"""

from __future__ import annotations

from dataclasses import replace

from intarsia.data.imaging import ImagingConfig
from intarsia.data.transforms import Augmentation
from intarsia.decoding.cut import CutConfig
from intarsia.methods.affinity import AffinityLossConfig
from intarsia.methods.combinatorial import CombinatorialConfig
from intarsia.methods.end_to_end import EndToEndConfig
from intarsia.nets.affinity_config import AffinityHeadConfig
from intarsia.nets.decoder import DecoderConfig
from intarsia.recipes import discriminative
from intarsia.recipes.discriminative import SMALL_BACKBONE
from intarsia.recipes.recipe import Optim, Recipe, Schedule
from intarsia.runtime.tiles import TilingConfig

SHORT_LOSS = AffinityLossConfig(weight=0.1)
"""For a schedule of a few thousand steps: at a higher weight the semantics learn more slowly."""

HARD_LOSS = AffinityLossConfig(weight=0.25, hardest=0.25, thing_weight=4.0, small_thing_weight=3.0)
"""For a schedule of many thousand steps, as published."""


def facades() -> Recipe:
    """Buildings: semantics and affinities on the data of `discriminative-facades`; void is an answer."""
    affinity = AffinityHeadConfig(distances=(1, 4, 8, 16), width=64, classifier_width=16)
    recipe = _affinities(discriminative.facades(), affinity)
    method = replace(
        recipe.method,
        void_class=True,
        semantic_loss=replace(recipe.method.semantic_loss, small_thing_weight=2.0),
        cut=replace(recipe.method.cut, min_thing_px=64),
    )
    return replace(
        recipe,
        method=method,
        augmentation=Augmentation(
            scale=(0.6, 1.7),
            crop=(256, 256),
            rare_focus=0.5,
            photometric=0.7,
            imaging=ImagingConfig(gamma=0.3, blur=0.2, noise=0.2, jpeg=0.15),
        ),
        schedule=Schedule(steps=2400, warmup=100, evaluate_every=600),
    )


def nuclei() -> Recipe:
    """Microscopy: a U-Net on the image's own grid, for outlines to the pixel, and images of many instruments.

    Crops are no larger than the smallest rescaled image, so that no crop is padded: brightness is stretched
    by what a crop shows.
    """
    # a small head on a large grid; pairs across touching nuclei count twice
    affinity = AffinityHeadConfig(distances=(1, 4, 10), width=16, classifier_width=8)
    recipe = _affinities(discriminative.nuclei(), affinity)
    method = replace(
        recipe.method,
        backbone=replace(SMALL_BACKBONE, stretch=True, finest_stride=1),
        decoder=DecoderConfig(kind="unet", width=16, separable=False),
        separate_decoders=False,
        affinity_loss=AffinityLossConfig(weight=0.1, touching_weight=2.0),
        tiling=TilingConfig(tile_px=896, context_px=182),  # 700 bytes a pixel, and overlaps of 384
    )
    # instruments differ in scale, direction, contrast and noise
    return replace(
        recipe,
        method=method,
        augmentation=Augmentation(
            scale=(0.625, 2.0),
            crop=(160, 160),
            quarter_turns=True,
            imaging=ImagingConfig(invert=0.1, gamma=0.3, blur=0.15, noise=0.2, jpeg=0.15),
        ),
        batch_size=8,
        schedule=Schedule(steps=2000, warmup=100, evaluate_every=1000),
    )


def cityscapes() -> Recipe:
    """Streets: long distances and weighted losses on a small backbone, crops of 512x1024; for a GPU."""
    affinity = AffinityHeadConfig(distances=(1, 4, 16, 32, 64))
    return _affinities(discriminative.cityscapes(), affinity, loss=HARD_LOSS, cut=_large_cut(2048))


def coco() -> Recipe:
    """Everyday photos: long distances and weighted losses on a small backbone, crops of 512; for a GPU."""
    affinity = AffinityHeadConfig(distances=(1, 4, 16, 32))
    return _affinities(discriminative.coco(), affinity, loss=HARD_LOSS, cut=_large_cut(4096))


_SHORT_TUNING = EndToEndConfig(form="exact", sharpness=1.0, memory=0.95, cost_dropout=0.0, ladder=50.0)
"""For a few hundred steps: the scales of the costs, which say when the cut joins, learn first.

At ten times these recipes' learning rate the loss on the training batches rises.
"""

_LAST_LAYERS = replace(_SHORT_TUNING, trained="last_two", ladder=0.0, cost_dropout=0.1)
"""The paper's choice of layers and its dropout, one rate: docs/through-the-cut.md says what it brings."""


def facades_end_to_end() -> Recipe:
    """Buildings: fine-tune the heads of `cops-facades` through the cut."""
    return _end_to_end(facades(), replace(_SHORT_TUNING, refine=True), steps=300, warmup=10, lr=1e-3)


def nuclei_end_to_end() -> Recipe:
    """Microscopy: fine-tune the heads of `cops-nuclei` through the cut."""
    return _end_to_end(nuclei(), _LAST_LAYERS, steps=400, warmup=10, lr=1e-3)


def cityscapes_end_to_end() -> Recipe:
    """Streets: fine-tune `cops-cityscapes` through the cut on the released surrogate; for a GPU."""
    settings = EndToEndConfig(weight=10.0, thing_area_scale=4.0, ladder=20.0, scale_free=False)
    recipe = _end_to_end(cityscapes(), settings, steps=12_000, warmup=600, lr=1e-3)
    return replace(recipe, batch_size=24, augmentation=Augmentation(scale=(0.5, 2.0), crop=(512, 1024)))


def coco_end_to_end() -> Recipe:
    """Everyday photos: fine-tune `cops-coco` through the cut on the released surrogate; for a GPU."""
    settings = EndToEndConfig(
        weight=100.0, lowest=1000.0, thing_area_scale=4.0, ladder=20.0, scale_free=False
    )
    return replace(_end_to_end(coco(), settings, steps=4000, warmup=200, lr=1e-4), batch_size=24)


def _affinities(
    recipe: Recipe,
    affinity: AffinityHeadConfig,
    *,
    loss: AffinityLossConfig = SHORT_LOSS,
    cut: CutConfig | None = None,
) -> Recipe:
    """The same run with an affinity head and a cut instead of embeddings and mean shift."""
    method = recipe.method
    return replace(
        recipe,
        method=CombinatorialConfig(
            **method.trunk,
            affinity=affinity,
            affinity_loss=loss,
            cut=cut or replace(CutConfig.of_thresholds(method.grouping), refine=True),
        ),
    )


def _end_to_end(recipe: Recipe, settings: EndToEndConfig, *, steps: int, warmup: int, lr: float) -> Recipe:
    """Fine-tuning: no decay of the weights, and an average over fewer steps than in pre-training."""
    return replace(
        recipe,
        method=replace(recipe.method, end_to_end=settings),
        optim=Optim(lr=lr, weight_decay=0.0),
        schedule=Schedule(steps=steps, warmup=warmup, evaluate_every=steps // 2),
        ema_decay=0.99,
    )


def _large_cut(min_stuff_px: int) -> CutConfig:
    return CutConfig(min_thing_px=200, min_stuff_px=min_stuff_px)
