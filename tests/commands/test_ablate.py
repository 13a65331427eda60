"""Ablation studies: expectations, what is refused, and one study with a few steps."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from accelerate import Accelerator

import intarsia
from intarsia.configs import override
from intarsia.data.dataset import PanopticDataset
from intarsia.engine.validate import validate
from intarsia.errors import InputError
from intarsia.recipes.ablation import Study, Variant
from intarsia.recipes.find import find_recipe, find_study
from tests.engine.tiny import OVERRIDES


def test_expectations_are_about_one_point_of_pq():
    worse, at_most, same = (Variant("x", "", (), f"things {r}") for r in ("<", "<=", "="))
    assert [worse.holds(value, unchanged=0.5) for value in (0.48, 0.495, 0.55)] == [True, False, False]
    assert [at_most.holds(value, unchanged=0.5) for value in (0.48, 0.505, 0.55)] == [True, True, False]
    assert [same.holds(value, unchanged=0.5) for value in (0.48, 0.505, 0.55)] == [False, True, False]


def test_every_change_of_the_shipped_study_is_one_of_the_recipe():
    study = find_study("hle-ablations")
    base = override(find_recipe(study.recipe), study.overrides)
    changed = [override(base, variant.overrides) for variant in study.variants]
    assert all(tree != base for tree in changed)
    assert {variant.id[:2] for variant in study.variants} == {f"H{n}" for n in range(1, 10)}
    assert next(v.id for v in study.variants if not v.trained) == "H9-s3"


def two_variants() -> Study:
    """A study of somebody else, found as `file.py:function`."""
    return Study(
        recipe="hle-facades",
        overrides=OVERRIDES,
        variants=(
            Variant("far", "other seeds", ("method.decoding.seed_threshold=0.9",), "all =", trained=False),
            Variant("bce", "cross-entropy", ("method.loss.instance_loss=bce",), "things <"),
        ),
    )


@pytest.mark.slow
def test_a_study_is_one_table_and_goes_on_where_it_was_stopped(streets, tmp_path, capsys):
    def run(**options):
        name = f"{Path(__file__)}:two_variants"
        return intarsia.ablate(name, (f"data={streets}",), out=str(tmp_path), **options)

    assert [outcome.id for outcome in run(only="far")] == ["base", "far"]
    written = (tmp_path / "base" / "checkpoint.pt").stat().st_mtime_ns
    outcomes = run()
    assert [outcome.id for outcome in outcomes] == ["base", "far", "bce"]
    assert outcomes[0].holds is None
    model = intarsia.load(tmp_path / "base" / "last")
    report = validate(model, PanopticDataset(streets, split="val"), Accelerator()).report
    found = (outcomes[0].all, outcomes[0].things, outcomes[0].stuff)
    measured = [group.pq or 0.0 for group in (report.all, report.things, report.stuff)]
    assert found == pytest.approx(measured, abs=1e-5)
    assert isinstance(outcomes[2].holds, bool)
    assert written <= (tmp_path / "base" / "checkpoint.pt").stat().st_mtime_ns
    assert len((tmp_path / "table.md").read_text().splitlines()) == 5
    assert json.loads((tmp_path / "table.json").read_text())[2]["change"] == "cross-entropy"
    assert "cross-entropy" in capsys.readouterr().out


def test_mistakes_are_told(tmp_path):
    with pytest.raises(InputError, match="`study` must be a shipped study or module:function, got 'hle'"):
        intarsia.ablate("hle")
    with pytest.raises(InputError, match="`only` must be ids of the study, got 'H99'"):
        intarsia.ablate("hle-ablations", only="H2,H99", out=str(tmp_path))
    with pytest.raises(InputError, match='`expected` must be a group of PQ and "<", "<=" or "="'):
        Variant("x", "", (), "things >")
    with pytest.raises(InputError, match="`variants` must be of different ids, got a, a"):
        Study("hle-facades", (), (Variant("a", "", (), "all ="), Variant("a", "", (), "all =")))
