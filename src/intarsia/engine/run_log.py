"""What a run shows and writes while it goes: progress, metrics.csv, trackers, curves, pictures."""

from __future__ import annotations

import time
from pathlib import Path
from types import TracebackType

import numpy as np
from PIL import Image
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from torch import Tensor

from intarsia._files import whole
from intarsia.configs import to_dict
from intarsia.draw import contact_sheet
from intarsia.engine.run_folder import METRICS_FILE, MetricsFile, draw_curves
from intarsia.engine.trackers import Trackers
from intarsia.engine.validate import Validation
from intarsia.recipes.recipe import Recipe


class RunLog:
    """Keeps a person informed; on processes other than the main one it does nothing."""

    def __init__(self, folder: Path, recipe: Recipe, *, first_step: int, active: bool) -> None:
        """Continue the logs of a run after `first_step`.

        Raises:
            ValueError: A tracker of the recipe is not installed.
        """
        self.folder, self.schedule, self.active = folder, recipe.schedule, active
        self.first_step, self.started = first_step, time.monotonic()
        self.loss, self.pq = float("nan"), float("nan")
        self.console = Console()
        if not active:
            return
        self.metrics = MetricsFile(folder / METRICS_FILE, up_to_step=first_step)
        self.trackers = Trackers(recipe.logger, folder, to_dict(recipe), first_step=first_step)
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=self.console,
            disable=not self.console.is_terminal,
        )
        self.task = self.progress.add_task("training", total=recipe.schedule.steps, completed=first_step)

    def __enter__(self) -> RunLog:
        if self.active:
            self.progress.start()
            self.say(
                f"Run folder: {self.folder}"
                + (f", continued at step {self.first_step}" if self.first_step else "")
            )
        self.started = time.monotonic()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.active:
            self.progress.stop()
            self.trackers.finish()

    def say(self, sentence: str) -> None:
        """Print a line without disturbing the bar."""
        if self.active:
            self.progress.console.print(sentence, highlight=False, markup=False, soft_wrap=True)

    def step(self, step: int, terms: dict[str, Tensor], *, lr: float) -> None:
        """Count a step; every `log_every` steps write its numbers."""
        if not self.active:
            return
        self.progress.update(self.task, completed=step)
        if step % self.schedule.log_every and step != self.schedule.steps:
            return
        values = {f"loss/{name}": float(value) for name, value in terms.items()}
        self.loss = sum(values.values())
        seconds = (time.monotonic() - self.started) / (step - self.first_step)
        self.metrics.add({"step": step, "lr": lr, "s_per_step": seconds, "loss": self.loss, **values})
        self.trackers.log({"loss": self.loss, "lr": lr, **values}, step)
        self.progress.update(self.task, description=f"loss {self.loss:.3f} PQ {100 * self.pq:.1f}")
        if not self.console.is_terminal:
            left = f"{seconds * (self.schedule.steps - step) / 60:.0f} min left"
            self.say(f"step {step}/{self.schedule.steps} loss {self.loss:.4f} {seconds:.2f} s/step, {left}")

    def validation(self, step: int, result: Validation) -> None:
        """Write a validation's numbers, curves and pictures."""
        if not self.active:
            return
        report = result.report
        numbers = {
            "pq": report.all.pq, "sq": report.all.sq, "rq": report.all.rq,
            "pq_things": report.things.pq, "pq_stuff": report.stuff.pq,
        }  # fmt: skip
        numbers = {name: float(value) for name, value in numbers.items() if value is not None}
        self.pq = numbers.get("pq", 0.0)
        self.metrics.add({"step": step, **numbers})
        self.trackers.log({f"validation/{name}": value for name, value in numbers.items()}, step)
        draw_curves(self.metrics, self.folder / "curves.png")
        self._write(self.folder / "pictures" / f"step-{step:07d}.jpg", result.pictures)
        text = ", ".join(f"{name} {100 * value:.1f}" for name, value in numbers.items())
        self.say(f"step {step}: {text} ({result.seconds:.0f} s)")

    def _write(self, path: Path, pictures: dict[str, np.ndarray]) -> None:
        if pictures:
            path.parent.mkdir(exist_ok=True)
            sheet = contact_sheet(list(pictures.values()), list(pictures), columns=1)
            with whole(path) as partial:
                Image.fromarray(sheet).save(partial, quality=88)
