"""Studies: every row is a recipe that exists, and networks are shared where they are alike."""

from __future__ import annotations

import pytest

from intarsia.configs import override
from intarsia.errors import InputError
from intarsia.recipes.find import STUDIES, find_recipe, find_study
from intarsia.recipes.study import Claim, Row, Study
from intarsia.recipes.unified import MODELS

PLACES = [
    (name, on)
    for name in STUDIES
    for on in (["sticks"] if name == "sticks" else ["facades", "nuclei", "cityscapes", "coco"])
]


@pytest.mark.parametrize(("name", "on"), PLACES)
def test_every_row_is_a_recipe_that_exists_and_rows_of_one_run_are_trained_alike(name, on):
    study = find_study(name, on)
    runs: dict[tuple[str, str], object] = {}
    for row in study.rows:
        tree = override(find_recipe(row.recipe), (*study.overrides, *row.overrides))
        assert runs.setdefault((row.recipe, row.run), tree) == tree
        assert override(tree, row.decoding).method.backbone == tree.method.backbone
        assert set(row.paper) <= set(study.columns)
        if row.starts_from:
            assert study.row(row.starts_from).recipe == row.recipe.removesuffix("-e2e")


def test_the_tables_of_one_paper_share_their_networks():
    """D is in Tables 1, F, G, I and J of Li et al., B in 1, H and J."""
    runs = {
        name: {(row.recipe, row.run) for row in find_study(f"unified-{name}", "facades").rows}
        for name in "1FGHIJ"
    }
    trained = {
        name: {run for recipe, run in rows if recipe == "unified-facades"} for name, rows in runs.items()
    }
    assert trained["1"] == {"A", "B", "C", "D"}
    assert trained["F"] == {"D", "D-variant-C"}
    assert trained["H"] == {"B", "B-true-boxes"}
    assert trained["G"] == trained["I"] == {"D"}
    assert trained["J"] == {"B", "D"}
    assert ("fpn-facades", "base") in runs["I"]
    assert set(MODELS) == {row.name for row in find_study("unified-1", "facades").rows}


def test_the_six_seeds_of_table_5_start_from_one_baseline():
    study = find_study("cops-5", "cityscapes")
    tuned = [row for row in study.rows if row.starts_from]
    assert [row.overrides for row in tuned] == [(f"seed={n}",) for n in range(6)]
    assert {row.starts_from for row in tuned} == {"baseline"}
    assert [row.paper["PQ"] for row in tuned] == [61.41, 62.01, 61.77, 61.33, 61.91, 62.07]
    assert study.seeds == 1


def test_each_question_of_the_hierarchical_study_is_there():
    rows = find_study("hle", "facades").rows
    trees = [override(find_recipe(row.recipe), (*row.overrides, *row.decoding)) for row in rows]
    assert all(tree != trees[0] for tree in trees[1:])
    names = {row.name.partition("-")[0].rstrip("abc") for row in rows}
    assert names == {"base", *(f"H{n}" for n in range(1, 11))}


def test_a_claim_has_a_margin():
    claims = [Claim("a", relation, "b") for relation in (">", ">=", "=")]
    outcomes = {
        difference: [claim.holds(50 + difference, 50.0, margin=1.0) for claim in claims]
        for difference in (2.0, 0.5, -0.5, -2.0)
    }
    assert outcomes == {
        2.0: [True, True, False],
        0.5: [False, True, True],
        -0.5: [False, True, True],
        -2.0: [False, False, False],
    }


def row(name: str, starts_from: str = "") -> Row:
    return Row(name=name, recipe="cops-facades", run=name, starts_from=starts_from)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rows": (row("a"), row("a"))}, "`rows` must be one or more of different names, got a, a"),
        ({"rows": ()}, "`rows` must be one or more"),
        ({"rows": (row("a"),), "columns": ("PX",)}, "`columns` must be some of"),
        ({"rows": (row("a"),), "claims": (Claim("a", ">", "b"),)}, "about the rows a, got 'b'"),
        ({"rows": (row("a", "c"),)}, "about the rows a, got 'c'"),
    ],
)
def test_a_study_that_cannot_be_is_refused(settings, message):
    with pytest.raises(InputError, match=message):
        Study(**({"title": "x", "columns": ("PQ",)} | settings))


def test_sticks_are_about_sticks_alone():
    with pytest.raises(InputError, match='`on` must be "sticks" for this study'):
        find_study("sticks", "facades")
