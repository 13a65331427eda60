"""Recipes for crossing sticks, where a box does not tell which of two objects is meant: minutes on a CPU."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from intarsia.data.transforms import Augmentation
from intarsia.decoding.cut import CutConfig
from intarsia.decoding.seeds import SeedDecodingConfig
from intarsia.methods.affinity import AffinityLossConfig
from intarsia.methods.combinatorial import CombinatorialConfig
from intarsia.methods.discriminative import DiscriminativeConfig, DiscriminativeLossConfig, MeanShiftConfig
from intarsia.methods.hierarchical import HierarchicalConfig
from intarsia.methods.hierarchical_config import HierarchicalEmbeddingConfig, HierarchicalLossConfig
from intarsia.methods.panoptic_fpn import PanopticFpnConfig
from intarsia.methods.semantic import SemanticLossConfig
from intarsia.nets.affinity_config import AffinityHeadConfig
from intarsia.nets.decoder_config import DecoderConfig
from intarsia.nets.heads import EmbeddingHeadConfig
from intarsia.recipes.discriminative import SMALL_BACKBONE
from intarsia.recipes.recipe import Optim, Recipe, Schedule
from intarsia.recipes.unified import SMALL_DETECTION

_SEMANTICS = SemanticLossConfig(small_thing_weight=1.0, lovasz_weight=1.0, resolution="grid")
_TRUNK: dict[str, Any] = {"backbone": SMALL_BACKBONE, "decoder": DecoderConfig(kind="mlp", width=64)}
_TWO_HEADS: dict[str, Any] = _TRUNK | {"semantic_depth": 0, "semantic_loss": _SEMANTICS}
_SIZES: dict[str, Any] = {"min_thing_px": 100, "min_stuff_px": 1}


def discriminative() -> Recipe:
    """Sticks by embeddings and a cut of them: De Brabandere et al.'s answer to occlusion."""
    return _run(
        DiscriminativeConfig(
            **_TWO_HEADS,
            head_width=64,
            embedding=EmbeddingHeadConfig(coordinates="added"),
            embedding_loss=DiscriminativeLossConfig(weight=1.0),
            grouping=MeanShiftConfig(kind="cut", bandwidth=1.5, **_SIZES),
        )
    )


def hle() -> Recipe:
    """Sticks by the hierarchical embedding and its seeds."""
    return _run(
        HierarchicalConfig(
            **_TRUNK,
            head_width=64,
            embedding=HierarchicalEmbeddingConfig(features=6, unit_px=64.0, start_radius_px=16.0),
            loss=HierarchicalLossConfig(cross_entropy_weight=1.0),
            decoding=SeedDecodingConfig(**_SIZES),
        )
    )


def cops() -> Recipe:
    """Sticks by affinities and the cut."""
    return _run(
        CombinatorialConfig(
            **_TWO_HEADS,
            semantic_width=64,
            affinity=AffinityHeadConfig(distances=(1, 4, 8, 16), width=64, classifier_width=16),
            affinity_loss=AffinityLossConfig(weight=0.5),
            cut=CutConfig(refine=True, **_SIZES),
        )
    )


def fpn() -> Recipe:
    """Sticks by boxes and masks in them (Panoptic FPN): the way that the others are compared with."""
    rules = PanopticFpnConfig().merge
    return _run(
        PanopticFpnConfig(
            backbone=SMALL_BACKBONE,
            pyramid_width=64,
            semantic_width=64,
            semantic_loss=_SEMANTICS,
            detection=replace(SMALL_DETECTION, anchor_scale=8.0, mask_loss="cross_entropy"),
            merge=replace(rules, min_score=0.5, min_stuff_px=1),
        )
    )


def _run(method: object) -> Recipe:
    """The same pictures, steps and rate for all four."""
    return Recipe(
        method=method,
        augmentation=Augmentation(scale=(0.8, 1.25), crop=(256, 256), quarter_turns=True, photometric=0.0),
        batch_size=4,
        workers=1,
        optim=Optim(lr=2e-3),
        schedule=Schedule(steps=250, warmup=25, evaluate_every=250),
        ema_decay=0.99,
    )
