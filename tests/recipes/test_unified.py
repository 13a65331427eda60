"""Recipes of unified panoptic segmentation: the weights and the models of Table 1."""

from __future__ import annotations

import pytest

from intarsia.methods.panoptic_fpn import PanopticFpnConfig
from intarsia.recipes import unified
from intarsia.recipes.find import find_recipe


def test_the_weights_and_variants_are_the_paper_s():
    """Detection, semantics and panoptic loss: 0.25, 1, 1 for Cityscapes; 1, 0.2, 0.1 for COCO."""
    cityscapes, coco = unified.cityscapes().method, unified.coco().method
    semantic = cityscapes.semantic_loss.lovasz_weight
    weights = (cityscapes.detection.weight, semantic, cityscapes.matching.weight)
    assert weights == (0.25, 1.0, 1.0)
    assert (coco.detection.weight, coco.semantic_loss.weight, coco.matching.weight) == (1.0, 0.2, 0.1)
    assert (cityscapes.potential.variant, coco.potential.variant) == ("B", "C")
    assert (cityscapes.inference.min_score, coco.inference.min_score) == (0.5, 0.75)
    assert cityscapes.affinity.channels == coco.affinity.channels == 128


@pytest.mark.parametrize(
    ("name", "masks", "affinities", "end_to_end", "rule"),
    [
        ("A", False, False, False, "argmax"),
        ("B", False, True, True, "argmax"),
        ("C1", True, False, False, "merge"),
        ("C2", True, False, False, "argmax"),
        ("D1", True, True, True, "merge"),
        ("D2", True, True, True, "argmax"),
    ],
)
def test_the_models_are_the_rows_of_table_1(name, masks, affinities, end_to_end, rule):
    method = unified.model(unified.facades(), name).method
    assert method.detection.masks == masks
    assert (method.affinity.channels > 0) == affinities
    assert (method.matching.weight > 0) == end_to_end
    assert method.inference.rule == rule


@pytest.mark.parametrize("data", ["facades", "nuclei", "cityscapes", "coco"])
def test_panoptic_fpn_trains_on_the_same_backbone_and_schedule(data):
    ours, baseline = find_recipe(f"unified-{data}"), find_recipe(f"fpn-{data}")
    assert isinstance(baseline.method, PanopticFpnConfig)
    assert baseline.method.backbone == ours.method.backbone
    assert baseline.schedule == ours.schedule
    assert baseline.augmentation == ours.augmentation
