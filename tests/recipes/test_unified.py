"""Recipes of unified panoptic segmentation: the paper's settings, its models, and its tables."""

from __future__ import annotations

from typing import get_args

import pytest

from intarsia.configs import override
from intarsia.methods.panoptic_fpn import PanopticFpnConfig
from intarsia.recipes import unified
from intarsia.recipes.find import find_recipe
from intarsia.recipes.unified import MODELS
from intarsia.recipes.unified_tables import TABLES, DataName, table


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


@pytest.mark.parametrize("data", get_args(DataName))
@pytest.mark.parametrize("name", TABLES)
def test_every_row_is_a_recipe_that_exists_and_every_claim_is_about_rows(name, data):
    found = table(name, data)
    rows = {row.name for row in found.rows}
    assert len(rows) == len(found.rows)
    trained: dict[str, object] = {}
    for row in found.rows:
        tree = override(find_recipe(row.recipe), row.changes)
        assert trained.setdefault(row.run, tree) == tree  # rows of one run are trained alike
        assert override(tree, row.decoding).method.backbone == tree.method.backbone
        assert set(row.paper) <= set(found.columns)
    assert found.claims
    assert all(
        {claim.better, claim.worse} <= rows and claim.column in found.columns for claim in found.claims
    )


def test_rows_of_two_tables_share_their_networks():
    runs = {name: {row.run for row in table(name, "facades").rows} for name in TABLES}
    assert runs == {
        "1": {"A", "B", "C", "D"},
        "F": {"D", "D-variant-C"},
        "H": {"B", "B-true-boxes"},
        "I": {"fpn", "D"},
    }
    assert set(MODELS) == {row.name for row in table("1", "facades").rows}


@pytest.mark.parametrize("data", get_args(DataName))
def test_panoptic_fpn_trains_on_the_same_backbone_and_schedule(data):
    ours, baseline = find_recipe(f"unified-{data}"), find_recipe(f"fpn-{data}")
    assert isinstance(baseline.method, PanopticFpnConfig)
    assert baseline.method.backbone == ours.method.backbone
    assert baseline.schedule == ours.schedule
    assert baseline.augmentation == ours.augmentation
