"""Panoptic FPN: perfect tensors, what training needs, settings."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn.functional import one_hot

from intarsia.data.targets import at_grid
from intarsia.errors import InputError
from intarsia.methods.panoptic_fpn import PanopticFpn, PanopticFpnConfig
from intarsia.metrics import PanopticQuality
from intarsia.nets import DetectionConfig, true_detections
from tests.methods.conftest import panoptic_fpn


def test_perfect_tensors_give_the_true_segments(scene, categories):
    method = panoptic_fpn().eval()
    with torch.no_grad():
        output = method(scene.image[None])
    targets = scene.targets
    found = replace(
        true_detections(targets.boxes[0], targets.categories[0]), mask_logits=torch.full((4, 28, 28), 9.0)
    )
    logits = one_hot(at_grid(targets).semantic, 4).permute(0, 3, 1, 2) * 20.0
    perfect = replace(output, semantic_logits=logits, detections=(found,))
    [result] = method.decode(perfect, [scene.truth.size])
    quality = PanopticQuality(categories)
    quality.update(result, scene.truth)
    assert quality.compute().all.pq > 0.85


def test_training_looks_for_no_detections_and_reaches_every_parameter(scene):
    torch.manual_seed(0)
    method = panoptic_fpn().train()
    output = method(scene.image[None])
    assert output.detections == ()
    losses = method.losses(output, scene.targets)
    assert losses.keys() == {"semantic", "proposal_score", "proposal_box", "box_category", "box", "mask"}
    torch.stack(list(losses.values())).sum().backward()
    assert not [n for n, p in method.named_parameters() if p.requires_grad and p.grad is None]


def test_settings_that_cannot_be_are_refused():
    assert PanopticFpn.config_type is PanopticFpnConfig
    with pytest.raises(InputError, match="`detection.masks` must be true for the merge by rules, got false"):
        PanopticFpnConfig(detection=DetectionConfig(masks=False))
    with pytest.raises(InputError, match="`pyramid_width` must be at least 1, got 0"):
        PanopticFpnConfig(pyramid_width=0)
