"""One drawn scene, and the methods small enough to learn it in seconds."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from intarsia.data.targets import PanopticTargets, targets_of
from intarsia.decoding.merge import MergeConfig
from intarsia.methods.combinatorial import CombinatorialConfig, CombinatorialPanoptic
from intarsia.methods.discriminative import DiscriminativeConfig, DiscriminativeEmbedding
from intarsia.methods.hierarchical import HierarchicalConfig, HierarchicalEmbedding
from intarsia.methods.hierarchical_config import HierarchicalEmbeddingConfig, HierarchicalLossConfig
from intarsia.methods.method import AbstractMethod
from intarsia.methods.panoptic_deeplab import PanopticDeepLab, PanopticDeepLabConfig
from intarsia.methods.panoptic_fpn import PanopticFpn, PanopticFpnConfig
from intarsia.methods.semantic import SemanticLossConfig
from intarsia.methods.unified import UnifiedPanoptic
from intarsia.methods.unified_config import PyramidConfig, UnifiedConfig
from intarsia.nets import (
    AffinityHeadConfig,
    BackboneConfig,
    DecoderConfig,
    DetectionConfig,
    EmbeddingHeadConfig,
    SharedDecoderConfig,
)
from intarsia.nets.panoptic_head import AffinityConfig
from intarsia.panoptic import Categories, Category, PanopticMap, Segment

CATEGORIES = Categories(
    [
        Category(1, "window", True, (200, 180, 40)),
        Category(2, "door", True, (40, 90, 220)),
        Category(6, "facade", False, (60, 60, 60)),
        Category(7, "grass", False, (40, 160, 40)),
    ]
)


BACKBONE = BackboneConfig(name="lcnet_050", frozen_norm=True)
DECODER = DecoderConfig(width=16, skip_channels=(8, 8, 8), dropout=0.0, norm="group")


@dataclass(frozen=True)
class Scene:
    """Two windows and two doors, of 18x16 pixels each, on a facade over grass."""

    image: Tensor
    truth: PanopticMap
    targets: PanopticTargets


@pytest.fixture(scope="session")
def categories() -> Categories:
    return CATEGORIES


@pytest.fixture(scope="session")
def scene() -> Scene:
    ids = np.full((66, 70), 90, np.int32)
    ids[50:] = 91
    segments = [Segment(90, 6), Segment(91, 7)]
    for number, (row, column) in enumerate([(4, 8), (4, 40), (28, 8), (28, 40)], start=1):
        ids[row : row + 18, column : column + 16] = number
        segments.append(Segment(number, 1 + (number % 2)))
    truth = PanopticMap(ids, segments)
    colors = np.array([row.color for row in CATEGORIES], np.uint8)[truth.semantic(CATEGORIES)]
    image = torch.from_numpy(colors).permute(2, 0, 1).float() / 255
    return Scene(image, truth, targets_of(torch.from_numpy(ids), segments, CATEGORIES))


def discriminative() -> AbstractMethod:
    config = DiscriminativeConfig(
        backbone=BACKBONE,
        decoder=DECODER,
        semantic_loss=SemanticLossConfig(hardest=1.0),
        head_width=16,
        embedding=EmbeddingHeadConfig(dims=4),
    )
    return DiscriminativeEmbedding(config, CATEGORIES)


def deeplab() -> AbstractMethod:
    config = PanopticDeepLabConfig(
        backbone=BACKBONE,
        decoder=DECODER,
        semantic_loss=SemanticLossConfig(hardest=1.0),
        semantic_width=16,
        instance_width=16,
    )
    return PanopticDeepLab(config, CATEGORIES)


def combinatorial() -> AbstractMethod:
    config = CombinatorialConfig(
        backbone=BACKBONE,
        decoder=DECODER,
        semantic_loss=SemanticLossConfig(hardest=1.0),
        semantic_width=16,
        affinity=AffinityHeadConfig(distances=(1, 4), width=16, classifier_width=8),
    )
    return CombinatorialPanoptic(config, CATEGORIES)


def hierarchical() -> AbstractMethod:
    config = HierarchicalConfig(
        backbone=BACKBONE,
        decoder=DECODER,
        head_width=16,
        head_depth=1,
        embedding=HierarchicalEmbeddingConfig(features=4),
        loss=HierarchicalLossConfig(mean_momentum=0.5),  # for a training of 50 steps
    )
    return HierarchicalEmbedding(config, CATEGORIES)


DETECTION = DetectionConfig(
    anchor_scale=4.0,
    candidates=200,
    proposals=40,
    test_proposals=40,
    rpn_samples=4096,  # all anchors and all proposals, so that the losses do not depend on what is drawn
    roi_samples=4096,
    canonical_px=56,
    box_width=32,
    mask_width=8,
    mask_depth=1,
    max_detections=20,
)


def unified() -> AbstractMethod:
    config = UnifiedConfig(
        backbone=BACKBONE,
        pyramid=PyramidConfig(width=16),
        decoder=SharedDecoderConfig(width=8, depth=1, deformable=False),
        semantic_loss=SemanticLossConfig(hardest=1.0),
        detection=DETECTION,
        affinity=AffinityConfig(channels=8),
    )
    return UnifiedPanoptic(config, CATEGORIES)


def panoptic_fpn() -> AbstractMethod:
    config = PanopticFpnConfig(
        backbone=BACKBONE,
        pyramid_width=16,
        semantic_width=16,
        semantic_loss=SemanticLossConfig(hardest=1.0),
        detection=DETECTION,
        merge=MergeConfig(min_stuff_px=1),
    )
    return PanopticFpn(config, CATEGORIES)


@pytest.fixture(params=[discriminative, deeplab, combinatorial, hierarchical, unified, panoptic_fpn])
def method(request: pytest.FixtureRequest) -> AbstractMethod:
    torch.manual_seed(0)
    return request.param().eval()
