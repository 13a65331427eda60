"""What TensorBoard, Weights & Biases and MLflow are told is what the run folder says."""

from __future__ import annotations

import csv
import importlib.util
from pathlib import Path

import pytest

import intarsia
from intarsia.engine.trackers import Trackers
from intarsia.errors import InputError
from tests.engine.tiny import OVERRIDES

pytestmark = pytest.mark.filterwarnings("ignore")  # the services' own


def tensorboard_scalars(folder: Path) -> dict[str, dict[int, float]]:
    """What TensorBoard itself reads from a folder of events."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    tags = events.Tags()["scalars"]
    return {tag: {event.step: event.value for event in events.Scalars(tag)} for tag in tags}


def test_tensorboard_reads_the_numbers_of_the_run_folder(streets: Path, tmp_path: Path):
    overrides = (f"data={streets}", *OVERRIDES, "schedule.steps=3", "logger=tensorboard")
    intarsia.train("discriminative-facades", overrides, out=str(tmp_path / "run"))
    told = tensorboard_scalars(tmp_path / "run" / "tensorboard")
    with (tmp_path / "run" / "metrics.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    losses = {int(row["step"]): float(row["loss"]) for row in rows if row["loss"]}
    quality = {int(row["step"]): float(row["pq"]) for row in rows if row["pq"]}
    assert told["loss"] == pytest.approx(losses, rel=1e-5)  # the CSV has six digits
    assert told["validation/pq"] == pytest.approx(quality, rel=1e-5)
    assert set(losses) == {1, 2, 3}


def test_a_run_that_goes_on_takes_back_what_came_after_its_checkpoint(tmp_path: Path):
    for first_step, value in ((0, 1.0), (2, 7.0)):
        trackers = Trackers(("tensorboard",), tmp_path, {}, first_step=first_step)
        for step in range(first_step + 1, 5):
            trackers.log({"loss": value}, step)
        trackers.finish()
    assert tensorboard_scalars(tmp_path / "tensorboard")["loss"] == {1: 1.0, 2: 1.0, 3: 7.0, 4: 7.0}


def test_mlflow_has_the_settings_and_goes_on_with_the_same_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(f"file://{tmp_path}/mlruns")
    for first_step in (0, 2):
        settings = {"optim": {"lr": 0.5}, "losses": ["a", "b"]}
        trackers = Trackers(("mlflow",), tmp_path, settings, first_step=first_step)
        trackers.log({"loss": 3.0 + first_step}, first_step + 1)
        trackers.finish()
    (run,) = mlflow.search_runs(search_all_experiments=True, output_format="list")
    assert run.data.params == {"optim.lr": "0.5", "losses": "['a', 'b']"}
    history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "loss")
    assert [(metric.step, metric.value) for metric in history] == [(1, 3.0), (3, 5.0)]


@pytest.mark.skipif(importlib.util.find_spec("wandb") is None, reason="needs wandb")
def test_wandb_writes_where_there_is_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    trackers = Trackers(("wandb",), tmp_path, {"seed": 3}, first_step=0)
    trackers.log({"loss": 2.0}, 1)
    trackers.finish()
    assert list(tmp_path.glob("wandb/offline-run-*/*.wandb"))


def test_a_tracker_that_nobody_knows_or_that_is_not_installed_is_refused(
    streets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    known = "`logger` must be made of tensorboard, wandb, mlflow, got 'wandbb'. Did you mean `wandb`?"
    with pytest.raises(InputError, match=known):
        intarsia.train("discriminative-facades", (f"data={streets}", "logger=wandbb"), out=str(tmp_path))
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    absent = "`logger` must be one whose package is installed, got 'mlflow'. pip install mlflow"
    with pytest.raises(InputError, match=absent):
        Trackers(("mlflow",), tmp_path, {}, first_step=0)
