"""COPS as Abbas and Swoboda 2021 publish it, and as their released code runs it, where the two differ.

docs/papers.md has each setting with the place that it comes from. What neither says is ours.
"""

from __future__ import annotations

from dataclasses import replace

from intarsia.data.transforms import Augmentation
from intarsia.decoding.cut import CutConfig
from intarsia.methods.affinity import AffinityLossConfig
from intarsia.methods.combinatorial import CombinatorialConfig
from intarsia.methods.end_to_end import EndToEndConfig
from intarsia.methods.semantic import SemanticLossConfig
from intarsia.nets.affinity_config import AffinityHeadConfig
from intarsia.nets.backbone import BackboneConfig
from intarsia.nets.decoder import DecoderConfig
from intarsia.recipes.recipe import Optim, Recipe, Schedule

_SHORT_SIDES = (512, 640, 704, 832, 896, 1024, 1152, 1216, 1344, 1408, 1536, 1664, 1728, 1856, 1920, 2048)
"""Of detectron2's Panoptic-DeepLab on Cityscapes, to which the paper refers."""


def cityscapes() -> Recipe:
    """Streets: semantics and affinities of COPS as published; one GPU of 48 GB, 8 days in the paper."""
    return Recipe(
        method=_method((1, 4, 16, 32, 64, 128), hardest=0.2, min_stuff_px=2048),
        augmentation=Augmentation(
            short_sides=_SHORT_SIDES, max_side=4096, crop=(512, 1024), flip=0.5, photometric=0.0
        ),
        batch_size=12,
        workers=8,
        optim=_adam(1e-3),
        schedule=Schedule(
            steps=250_000, warmup=1000, warmup_from=0.001, evaluate_every=10_000, checkpoint_every=1000
        ),
        ema_decay=0.0,
    )


def coco() -> Recipe:
    """Everyday photos: semantics and affinities of COPS as published; four GPUs, 11 days in the paper."""
    base = cityscapes()
    return replace(
        base,
        method=_method((1, 4, 16, 32, 64), hardest=1.0, min_stuff_px=4096),
        augmentation=Augmentation(
            short_sides=tuple(range(320, 961, 64)), max_side=960, crop=(640, 640), flip=0.5, photometric=0.0
        ),
        size="640x640",
        batch_size=48,
        schedule=replace(base.schedule, steps=240_000),
    )


def cityscapes_end_to_end() -> Recipe:
    """Streets: fine-tune `cops-cityscapes-paper` through the cut as published, on eq. (6)."""
    return _end_to_end(cityscapes(), weight=10.0, lr=1e-3, steps=12_000, short_sides=range(512, 2049, 32))


def coco_end_to_end() -> Recipe:
    """Everyday photos: fine-tune `cops-coco-paper` through the cut as published, on eq. (6)."""
    return _end_to_end(coco(), weight=100.0, lr=1e-4, steps=4000, short_sides=range(448, 769, 64))


def cityscapes_released() -> Recipe:
    """Streets: the distances, rate, length and lazy cut of COPS' released configuration."""
    return _release(cityscapes(), distances=(1, 4, 16, 32, 64))


def coco_released() -> Recipe:
    """Everyday photos: the distances, rate, length and lazy cut of COPS' released configuration."""
    return _release(coco(), distances=(1, 4, 16, 32))


def cityscapes_released_end_to_end() -> Recipe:
    """Streets: fine-tune `cops-cityscapes-released` with the released loss, layers and ladder."""
    recipe = _released_end_to_end(cityscapes_end_to_end(), cityscapes_released(), lowest=1.0)
    sizes = replace(recipe.augmentation, short_sides=_SHORT_SIDES)
    return replace(recipe, augmentation=sizes)


def coco_released_end_to_end() -> Recipe:
    """Everyday photos: fine-tune `cops-coco-released` with the released loss, layers and ladder."""
    return _released_end_to_end(coco_end_to_end(), coco_released(), lowest=1000.0)


def _method(distances: tuple[int, ...], *, hardest: float, min_stuff_px: int) -> CombinatorialConfig:
    return CombinatorialConfig(
        # a ResNet-50 with a deep stem, a DeepLabV3+ decoder for each head
        backbone=BackboneConfig(
            name="resnet50s", pretrained=True, output_stride=16, multi_grid=(1, 2, 4), frozen_norm=False
        ),
        decoder=DecoderConfig(
            kind="deeplab", width=256, dilations=(6, 12, 18), skip_channels=(64, 64, 32), separable=True
        ),
        separate_decoders=True,
        plain_heads=True,
        semantic_width=256,
        semantic_depth=2,
        affinity=AffinityHeadConfig(distances=distances, width=256, classifier_widths=_widths(distances)),
        # the hardest pixels and pairs count, and small things count more
        semantic_loss=SemanticLossConfig(
            weight=1.0, hardest=hardest, small_thing_px=4096, small_thing_weight=3.0, resolution="pixels"
        ),
        affinity_loss=AffinityLossConfig(
            weight=0.25, hardest=0.25, thing_weight=4.0, small_thing_weight=3.0, small_thing_px=4096
        ),
        # Algorithm 2, stuff and things below their sizes to void
        cut=CutConfig(
            solver="contraction",
            upsampling="nearest",
            small="void",
            score="costs",
            min_thing_px=200,
            min_stuff_px=min_stuff_px,
        ),
    )


def _widths(distances: tuple[int, ...]) -> tuple[int, ...]:
    """Figure 6 for each direction: 64 and 32 channels for neighbours, 128 and 64 for longer pairs, by two."""
    return tuple(32 if distance == 1 else 64 for distance in distances)


def _adam(lr: float) -> Optim:
    return Optim(kind="adam", lr=lr, backbone_lr_factor=1.0, weight_decay=0.0, clip_norm=0.0)


def _end_to_end(recipe: Recipe, *, weight: float, lr: float, steps: int, short_sides: range) -> Recipe:
    # eq. (6) behind five cuts; the last two layers learn
    settings = EndToEndConfig(
        loss="surrogate",
        weight=weight,
        form="paper",
        sharpness=4.0,
        memory=0.0,
        num_samples=5,
        lowest=1.0,
        highest=5000.0,
        # gradients, costs and areas as published; what learns
        scale_free=False,
        cost_dropout=0.1,
        min_size=1,
        thing_area_scale=1.0,
        trained="last_two",
        frozen_norms="all",
        ladder=0.0,
    )
    # from the weights of the first run, in larger batches
    return replace(
        recipe,
        method=replace(recipe.method, end_to_end=settings),
        augmentation=replace(recipe.augmentation, short_sides=tuple(short_sides)),
        batch_size=24,
        optim=_adam(lr),
        schedule=Schedule(steps=steps, warmup=500, warmup_from=0.001, evaluate_every=1000),
    )


def _release(recipe: Recipe, *, distances: tuple[int, ...]) -> Recipe:
    affinity = replace(recipe.method.affinity, distances=distances, classifier_widths=_widths(distances))
    cut = replace(recipe.method.cut, solver="lazy contraction", score="released")
    return replace(
        recipe,
        method=replace(recipe.method, affinity=affinity, cut=cut),
        optim=_adam(1e-4),
        schedule=replace(recipe.schedule, steps=50_000),
    )


def _released_end_to_end(paper_recipe: Recipe, released_recipe: Recipe, *, lowest: float) -> Recipe:
    settings = replace(
        paper_recipe.method.end_to_end,
        form="released",
        lowest=lowest,
        min_size=3,
        thing_area_scale=4.0,
        trained="heads",
        ladder=20.0,
    )
    return replace(
        paper_recipe,
        method=replace(released_recipe.method, end_to_end=settings),
        schedule=replace(paper_recipe.schedule, steps=20_000),
    )
