"""Unified training and inference as Li, Qi and Torr 2020 publish it.

docs/papers.md has each setting with the place that it comes from. What the paper leaves open is ours there.
"""

from __future__ import annotations

from dataclasses import replace

from intarsia.data.transforms import Augmentation
from intarsia.methods.semantic import SemanticLossConfig
from intarsia.methods.unified_config import InferenceConfig, PyramidConfig, UnifiedConfig
from intarsia.nets.backbone import BackboneConfig
from intarsia.nets.detection_heads import DetectionConfig
from intarsia.nets.panoptic_head import AffinityConfig, MatchingConfig, PotentialConfig
from intarsia.nets.shared_decoder import SharedDecoderConfig
from intarsia.recipes.recipe import Optim, Recipe, Schedule


def cityscapes() -> Recipe:
    """Streets: model D2 as published; four GPUs of 32 GB in the paper."""
    return Recipe(
        method=UnifiedConfig(
            backbone=BackboneConfig(name="resnet50", pretrained=True, frozen_norm=True, frozen_levels=1),
            pyramid=PyramidConfig(width=256, top_context="squeeze"),
            decoder=SharedDecoderConfig(width=128, depth=2, deformable=True),
            semantic_loss=SemanticLossConfig(weight=0.0, lovasz_weight=1.0, resolution="pixels"),
            # boxes and masks, then P: variant B with 128 features an affinity
            detection=DetectionConfig(masks=True, weight=0.25, mask_loss="lovasz"),
            potential=PotentialConfig(variant="B"),
            affinity=AffinityConfig(channels=128),
            matching=MatchingConfig(weight=1.0, detections="predicted", min_iou=0.5),
            inference=InferenceConfig(rule="argmax", min_score=0.5, min_stuff_px=2048),
        ),
        augmentation=Augmentation(scale=(0.5, 2.0), crop=(512, 1024), flip=0.5, photometric=0.3),
        batch_size=32,
        workers=8,
        # SGD with two drops, from a third of the rate
        optim=Optim(
            kind="sgd", lr=0.01, momentum=0.9, backbone_lr_factor=1.0, weight_decay=1e-4, clip_norm=0.0
        ),
        schedule=Schedule(
            steps=65_000,
            warmup=500,
            warmup_from=1 / 3,
            decay="drops",
            drops=(40_000, 55_000),
            evaluate_every=5000,
            checkpoint_every=1000,
        ),
        ema_decay=0.0,
    )


def coco() -> Recipe:
    """Everyday photos: model D2 as published, whole images with a shorter side of 800."""
    base = cityscapes()
    return replace(
        base,
        method=replace(
            base.method,
            decoder=SharedDecoderConfig(width=128, depth=3, deformable=True),
            semantic_loss=SemanticLossConfig(
                weight=0.2, hardest=1.0, small_thing_weight=1.0, resolution="pixels"
            ),
            detection=replace(base.method.detection, weight=1.0),
            potential=PotentialConfig(variant="C"),
            matching=replace(base.method.matching, weight=0.1),
            inference=InferenceConfig(rule="argmax", min_score=0.75, min_stuff_px=4096),
        ),
        augmentation=Augmentation(short_sides=(800,), max_side=1333, crop=(), flip=0.5, photometric=0.0),
        size="800/1333",
        batch_size=16,
        optim=replace(base.optim, lr=0.02),
        schedule=replace(base.schedule, steps=200_000, drops=(150_000, 190_000), evaluate_every=10_000),
    )
