"""A run of a series is begun once, goes on where it was stopped, and is never mistaken for another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from intarsia.configs import override
from intarsia.engine import trained_run
from intarsia.engine.run_folder import save_recipe
from intarsia.engine.trained_run import trained
from intarsia.errors import InputError
from intarsia.recipes.find import find_recipe
from tests.engine.tiny import OVERRIDES, losses_of

RECIPE = "discriminative-facades"


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    save_recipe(tmp_path / "run", RECIPE, override(find_recipe(RECIPE), OVERRIDES))
    return tmp_path / "run"


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple]:
    found: list[tuple] = []
    monkeypatch.setattr(trained_run, "train", lambda *arguments, **_: found.append(arguments))
    return found


def test_a_run_with_other_settings_is_refused_by_their_names(begun: Path, calls: list[tuple]):
    sentence = "run` must be a run with the settings asked for, got others of batch_size, schedule.steps"
    with pytest.raises(InputError, match=sentence):
        trained(RECIPE, (*OVERRIDES, "schedule.steps=9", "batch_size=3"), begun)
    assert not calls


def test_the_machine_and_the_decoding_may_differ(begun: Path, calls: list[tuple]):
    others = ("threads=2", "workers=3", "device=auto", "method.grouping.bandwidth=2.5")
    assert trained(RECIPE, (*OVERRIDES, *others), begun, decoding=("method.grouping",)) == begun
    assert calls == [(str(begun),)]
    with pytest.raises(InputError, match=r"got others of method\.grouping\.bandwidth\."):
        trained(RECIPE, (*OVERRIDES, *others), begun)


def test_what_is_done_is_not_touched(streets: Path, tmp_path: Path):
    overrides = (*OVERRIDES, f"data={streets}", "schedule.steps=2", "schedule.evaluate_every=2")
    folder = trained(RECIPE, overrides, tmp_path / "run")
    assert 2 in losses_of(folder)
    before = times_of(folder)
    assert trained(RECIPE, overrides, folder) == folder
    assert times_of(folder) == before


def times_of(folder: Path) -> dict[Path, int]:
    """When each file was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
