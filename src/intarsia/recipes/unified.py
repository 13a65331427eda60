"""Recipes of unified training and inference (Li, Qi, Torr 2020), and of Panoptic FPN on the same schedule.

The models of the paper's Table 1 are a recipe and a few overrides: `MODELS`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal

from intarsia.configs import override
from intarsia.data.transforms import Augmentation
from intarsia.methods.panoptic_fpn import PanopticFpnConfig
from intarsia.methods.semantic import SemanticLossConfig
from intarsia.methods.unified_config import InferenceConfig, PyramidConfig, UnifiedConfig
from intarsia.nets.backbone import BackboneConfig
from intarsia.nets.detection_heads import DetectionConfig
from intarsia.nets.panoptic_head import AffinityConfig, MatchingConfig, PotentialConfig
from intarsia.nets.shared_decoder import SharedDecoderConfig
from intarsia.recipes.discriminative import SMALL_BACKBONE
from intarsia.recipes.recipe import Optim, Recipe, Schedule

ModelName = Literal["A", "B", "C1", "C2", "D1", "D2"]

_BOXES_ALONE = "method.detection.masks=false"
_NOT_END_TO_END = ("method.affinity.channels=0", "method.matching.weight=0.0")
_BY_RULES = "method.inference.rule=merge"

MODELS: dict[ModelName, tuple[str, ...]] = {
    "A": (_BOXES_ALONE, *_NOT_END_TO_END),
    "B": (_BOXES_ALONE,),
    "C1": (*_NOT_END_TO_END, _BY_RULES),
    "C2": _NOT_END_TO_END,
    "D1": (_BY_RULES,),
    "D2": (),
}
"""What makes a recipe of this page the models of the paper's Table 1: `intarsia train unified-facades` and
these.

A and B have boxes alone, the others masks; B, D1 and D2 have affinities and the panoptic matching loss; C1
and D1 merge by rules, the others take the argmax. C1 and C2, D1 and D2 are trained alike.
"""

SMALL_DETECTION = DetectionConfig(
    anchor_scale=4.0,
    candidates=400,
    proposals=120,
    test_proposals=400,
    rpn_samples=128,
    roi_samples=96,
    canonical_px=112,
    box_width=256,
    mask_width=48,
    mask_depth=2,
    max_detections=200,
)
"""Small heads, and anchors from 16 px on: what a CPU can train, for things of some ten pixels."""


def facades() -> Recipe:
    """Buildings: model D2 (boxes, masks, affinities, end to end), small enough for a CPU."""
    return Recipe(
        method=UnifiedConfig(
            backbone=SMALL_BACKBONE,
            pyramid=PyramidConfig(width=64),
            decoder=SharedDecoderConfig(width=64, depth=2, deformable=False),
            semantic_loss=SemanticLossConfig(
                hardest=1.0, small_thing_weight=1.0, lovasz_weight=1.0, resolution="grid"
            ),
            detection=SMALL_DETECTION,
            affinity=AffinityConfig(channels=64),
            matching=MatchingConfig(max_detections=30),
            inference=InferenceConfig(min_stuff_px=1024),
        ),
        augmentation=Augmentation(scale=(0.6, 1.4), crop=(256, 256), rare_focus=0.3),
        batch_size=4,
        workers=1,
        optim=Optim(lr=1e-3),
        schedule=Schedule(steps=2000, evaluate_every=500),
    )


def nuclei() -> Recipe:
    """Microscopy: the same on a grid twice as fine, with smaller anchors."""
    base = facades()
    return replace(
        base,
        method=replace(
            base.method,
            backbone=replace(SMALL_BACKBONE, stretch=True, zoom=2),
            detection=replace(SMALL_DETECTION, canonical_px=56),
            inference=InferenceConfig(min_stuff_px=1),
        ),
        augmentation=Augmentation(scale=(0.6, 1.6), crop=(128, 128), quarter_turns=True),
        schedule=Schedule(steps=800, warmup=100, evaluate_every=400),
    )


def cityscapes() -> Recipe:
    """Streets: ResNet-50, AdamW and a polynomial schedule; for GPUs.

    `unified-cityscapes-paper` has the published schedule.
    """
    return Recipe(
        method=UnifiedConfig(
            backbone=BackboneConfig(name="resnet50", pretrained=True, frozen_norm=True, frozen_levels=1),
            decoder=SharedDecoderConfig(depth=2),
            semantic_loss=SemanticLossConfig(weight=0.0, lovasz_weight=1.0),
            detection=DetectionConfig(weight=0.25),
            potential=PotentialConfig(variant="B"),
            matching=MatchingConfig(weight=1.0),
            inference=InferenceConfig(min_score=0.5, min_stuff_px=2048),
        ),
        augmentation=Augmentation(scale=(0.5, 2.0), crop=(512, 1024)),
        batch_size=8,
        workers=8,
        optim=Optim(lr=2e-4, backbone_lr_factor=0.1),
        schedule=Schedule(steps=65_000, warmup=500, evaluate_every=5000, checkpoint_every=1000),
    )


def coco() -> Recipe:
    """Everyday photos: ResNet-50, AdamW, crops of 640x640; for GPUs.

    `unified-coco-paper` has the published schedule and image sizes.
    """
    base = cityscapes()
    return replace(
        base,
        method=replace(
            base.method,
            decoder=SharedDecoderConfig(depth=3),
            semantic_loss=SemanticLossConfig(weight=0.2, small_thing_weight=1.0),
            detection=DetectionConfig(weight=1.0),
            potential=PotentialConfig(variant="C"),
            matching=MatchingConfig(weight=0.1),
            inference=InferenceConfig(min_score=0.75, min_stuff_px=4096),
        ),
        augmentation=Augmentation(scale=(0.7, 1.5), crop=(640, 640)),
        batch_size=4,
        schedule=Schedule(steps=200_000, warmup=1000, evaluate_every=10_000, checkpoint_every=1000),
    )


def model(recipe: Recipe, name: ModelName) -> Recipe:
    """A row of the paper's Table 1: the recipe of model D2 with the parts that the row has.

    Example:
        >>> model(facades(), "A").method.detection.masks
        False
    """
    return override(recipe, MODELS[name])


def fpn_facades() -> Recipe:
    """Buildings: Panoptic FPN on the data and schedule of `unified-facades`."""
    return _baseline(facades())


def fpn_nuclei() -> Recipe:
    """Microscopy: Panoptic FPN on the data and schedule of `unified-nuclei`."""
    return _baseline(nuclei())


def fpn_cityscapes() -> Recipe:
    """Streets: Panoptic FPN on the data and schedule of `unified-cityscapes`."""
    return _baseline(cityscapes())


def fpn_coco() -> Recipe:
    """Everyday photos: Panoptic FPN on the data and schedule of `unified-coco`."""
    return _baseline(coco())


def _baseline(recipe: Recipe) -> Recipe:
    """The same run with Panoptic FPN's semantic branch, losses and rules, on the same pyramid."""
    method = recipe.method
    plain = PanopticFpnConfig()
    small = method.detection.box_width < plain.detection.box_width
    return replace(
        recipe,
        method=PanopticFpnConfig(
            backbone=method.backbone,
            pyramid_width=method.pyramid.width,
            semantic_width=64 if small else plain.semantic_width,
            semantic_loss=method.semantic_loss if small else plain.semantic_loss,
            detection=replace(method.detection, weight=1.0, mask_loss="cross_entropy"),
            merge=replace(
                plain.merge,
                min_score=method.inference.min_score if small else plain.merge.min_score,
                min_stuff_px=method.inference.min_stuff_px,
            ),
        ),
    )
