"""A run of a series is begun once, goes on where it was stopped, and is never mistaken for another one."""

from __future__ import annotations

from pathlib import Path

import pytest

from intarsia.configs import override
from intarsia.engine import series
from intarsia.engine.run_folder import save_recipe
from intarsia.engine.run_request import RunRequest
from intarsia.engine.series import train_or_resume
from intarsia.errors import InputError
from intarsia.methods.discriminative import DiscriminativeEmbedding
from intarsia.recipes.find import find_recipe
from tests.engine.tiny import OVERRIDES, losses_of

RECIPE = "discriminative-facades"


@pytest.fixture
def asked(streets: Path) -> tuple[str, ...]:
    return (*OVERRIDES, f"data={streets}")


@pytest.fixture
def begun(tmp_path: Path, asked: tuple[str, ...]) -> Path:
    (tmp_path / "run").mkdir()
    tree = override(find_recipe(RECIPE), asked)
    save_recipe(tmp_path / "run", RECIPE, tree, DiscriminativeEmbedding)
    return tmp_path / "run"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[RunRequest]:
    requests: list[RunRequest] = []
    monkeypatch.setattr(series, "run_to_the_end", requests.append)
    return requests


def test_a_run_with_other_settings_is_refused_by_their_names(begun: Path, asked, runs: list[RunRequest]):
    sentence = "run` must be a run with the settings asked for, got others of batch_size, schedule.steps"
    with pytest.raises(InputError, match=sentence):
        train_or_resume(RECIPE, (*asked, "schedule.steps=9", "batch_size=3"), begun)
    assert not runs


def test_the_machine_and_the_decoding_may_differ(begun: Path, asked, runs: list[RunRequest]):
    others = ("threads=2", "workers=3", "device=auto", "method.grouping.bandwidth=2.5")
    assert train_or_resume(RECIPE, (*asked, *others), begun, decoding=("method.grouping",)) == begun
    assert [(run.folder, run.is_new, run.tree.workers) for run in runs] == [(begun, False, 0)]
    with pytest.raises(InputError, match=r"got others of method\.grouping\.bandwidth\."):
        train_or_resume(RECIPE, (*asked, *others), begun)


def test_what_is_done_is_not_touched(streets: Path, tmp_path: Path):
    overrides = (*OVERRIDES, f"data={streets}", "schedule.steps=2", "schedule.evaluate_every=2")
    folder = train_or_resume(RECIPE, overrides, tmp_path / "run")
    assert 2 in losses_of(folder)
    before = times_of(folder)
    assert train_or_resume(RECIPE, overrides, folder) == folder
    assert times_of(folder) == before


def times_of(folder: Path) -> dict[Path, int]:
    """When each file was written."""
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
