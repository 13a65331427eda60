"""What tables show: near 100 where a method says the truth, and nothing where it has no such part."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch.nn.functional import one_hot

from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import evaluation_loader
from intarsia.data.targets import at_grid, targets_of
from intarsia.decoding.cut import CutConfig
from intarsia.decoding.detections import Detections
from intarsia.engine.measure import measure
from intarsia.errors import InputError
from intarsia.methods.combinatorial import CombinatorialConfig, CombinatorialPanoptic
from intarsia.methods.discriminative import DiscriminativeConfig, DiscriminativeEmbedding
from intarsia.methods.unified import UnifiedOutput, UnifiedPanoptic
from intarsia.methods.unified_config import PyramidConfig, UnifiedConfig
from intarsia.nets import BackboneConfig, DecoderConfig, DetectionConfig
from intarsia.nets.affinity_config import AffinityHeadConfig
from intarsia.nets.detector import true_masks
from intarsia.nets.panoptic_head import AffinityConfig
from intarsia.panoptic import PanopticMap
from intarsia.recipes.study import COLUMNS


class Oracle(UnifiedPanoptic):
    """Says the truth of each image in turn."""

    def __init__(self, data: PanopticDataset) -> None:
        config = UnifiedConfig(
            backbone=BackboneConfig(name="lcnet_050"),
            pyramid=PyramidConfig(width=8),
            detection=DetectionConfig(box_width=8, mask_width=8, proposals=4),
            affinity=AffinityConfig(channels=0),
        )
        super().__init__(config, data.categories)
        self.truths = [truth for batch in evaluation_loader(data) for truth in batch.truths]

    def forward(self, images: torch.Tensor) -> UnifiedOutput:
        truth: PanopticMap = self.truths.pop(0)
        targets = targets_of(torch.from_numpy(truth.ids.copy()), truth.segments, self.categories)
        semantic = at_grid(targets).semantic  # b h w
        logits = 20.0 * one_hot(semantic.clamp(max=len(self.categories) - 1), len(self.categories))
        boxes = targets.boxes[0]
        masks = true_masks(targets.instances, [boxes], [torch.arange(1, len(boxes) + 1)])
        scores = torch.ones(len(boxes))
        found = Detections(boxes, scores, targets.categories[0], masks * 20.0 - 10)
        return replace(
            super().forward(images[..., :32, :32]),
            semantic_logits=logits.permute(0, 3, 1, 2),
            detections=(found,),
        )


def test_perfect_detections_and_semantics_measure_near_100(streets):
    data = PanopticDataset(streets, split="val")
    numbers = measure(Oracle(data), data)
    assert numbers["PQ"] > 80
    assert numbers["APbox"] > 95
    assert numbers["APmask"] > 60
    assert numbers["IoU"] > 80
    assert numbers["IoUst"] > 80
    assert numbers["th as st"] < 10 > numbers["st as th"]
    assert numbers["recall apart"] > 70
    assert numbers["ms"] > 0


def test_what_a_method_has_no_part_for_is_not_measured(streets):
    data = PanopticDataset(streets, split="val")
    config = DiscriminativeConfig(backbone=BackboneConfig(name="lcnet_050"), decoder=DecoderConfig(width=8))
    method = DiscriminativeEmbedding(config, data.categories)
    numbers = measure(method, data, size="128x64")
    assert set(numbers) <= set(COLUMNS)
    assert {"APbox", "APmask"}.isdisjoint(numbers)
    assert numbers["params"] == pytest.approx(sum(p.numel() for p in method.parameters()) / 1e6)
    assert math.isnan(numbers["MB"])
    told = measure(method, data, oracle="semantics")
    assert told["mIoU"] > numbers["mIoU"]
    assert told["IoU"] < 50  # the branch itself is told nothing


def test_a_branch_that_answers_void_takes_neither_kind_for_the_other(streets):
    data = PanopticDataset(streets, split="val")
    config = CombinatorialConfig(
        backbone=BackboneConfig(name="lcnet_050"),
        decoder=DecoderConfig(width=8),
        affinity=AffinityHeadConfig(distances=(1, 2), width=8),
        cut=CutConfig(min_thing_px=1, min_stuff_px=1),
        void_class=True,
    )
    method = CombinatorialPanoptic(config, data.categories)
    last = [module for module in method.semantic_head.modules() if isinstance(module, torch.nn.Conv2d)][-1]
    assert last.bias is not None
    with torch.no_grad():
        last.bias[-1] = 1e4  # void everywhere
    numbers = measure(method, data)
    assert numbers["th as st"] == numbers["st as th"] == numbers["IoU"] == 0
    told = measure(method, data, oracle="semantics")
    assert told["mIoU"] > 50


def test_ap_of_one_category_is_that_of_the_report(streets):
    data = PanopticDataset(streets, split="val")
    alone = [measure(Oracle(data), data, category=category.name)["AP"] for category in data.categories.things]
    assert sum(alone) / len(alone) == pytest.approx(measure(Oracle(data), data)["AP"], abs=1e-6)
    with pytest.raises(InputError, match="`category` must be one of .*, got 'unicorn'"):
        measure(Oracle(data), data, category="unicorn")


def test_what_cannot_be_told_is_refused(streets):
    data = PanopticDataset(streets, split="val")
    with pytest.raises(InputError, match="`oracle` must be asked of a method that can be told"):
        measure(Oracle(data), data, oracle="semantics")
