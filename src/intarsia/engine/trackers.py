"""Where a run's numbers go beside its own files: TensorBoard, Weights & Biases, MLflow, by accelerate."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from accelerate.state import PartialState
from accelerate.tracking import GeneralTracker, MLflowTracker, TensorBoardTracker, WandBTracker

from intarsia._check import fail
from intarsia._files import whole

__all__ = ["Trackers"]

PROJECT = "intarsia"
MLFLOW_FILE = "mlflow-run.txt"
"""In the run folder: the id under which MLflow goes on with a run that was stopped."""


class Trackers:
    """The services that a run reports to; a run that goes on, goes on there, too.

    Weights & Biases and MLflow are told by their own environment variables where to write, such as
    `WANDB_MODE=offline` and `MLFLOW_TRACKING_URI`.
    """

    def __init__(
        self, names: Sequence[str], folder: Path, settings: Mapping[str, Any], *, first_step: int
    ) -> None:
        """Begin, or go on after `first_step`.

        Args:
            names: Services, as `intarsia.recipes.recipe.LOGGERS` has them.
            folder: Of the run; its name is the run's.
            settings: The resolved recipe, a tree of plain values.
            first_step: Steps that were reported before.

        Raises:
            ValueError: A service's package is not installed.
        """
        PartialState()  # accelerate's trackers ask it which process this is
        self._trackers = [_tracker(name, folder, first_step) for name in names]
        for tracker in self._trackers:
            tracker.start()
            if not isinstance(tracker, TensorBoardTracker):  # it would make a run of its own for them
                tracker.store_init_configuration(dict(_leaves(settings)))
            if isinstance(tracker, MLflowTracker):
                with whole(folder / MLFLOW_FILE) as partial:  # half an id would be that of no run
                    partial.write_text(tracker.active_run.info.run_id)

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Report numbers of a step."""
        for tracker in self._trackers:
            tracker.log(dict(values), step=step)

    def finish(self) -> None:
        """Hand over what is not sent yet."""
        for tracker in self._trackers:
            tracker.finish()


def _leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str | float | None]]:
    """The leaves of a tree by their dotted names, lists as text."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", str(value) if isinstance(value, list) else value


def _tracker(name: str, folder: Path, first_step: int) -> GeneralTracker:
    if importlib.util.find_spec(name) is None:
        fail("logger", "one whose package is installed", f"{name!r}", hint=f"pip install {name}")
    if name == "tensorboard":
        return TensorBoardTracker(name, logging_dir=folder, purge_step=first_step + 1)
    if name == "wandb":
        id = hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:16]
        return WandBTracker(PROJECT, name=folder.name, dir=str(folder), id=id, resume="allow")
    before = folder / MLFLOW_FILE
    run_id = before.read_text() if before.is_file() else None
    return MLflowTracker(PROJECT, run_id=run_id, run_name=folder.name)
