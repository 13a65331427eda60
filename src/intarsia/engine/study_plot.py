"""A study as a picture: recall by how much boxes overlap, or accuracy over time."""

from __future__ import annotations

import statistics
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from intarsia._files import whole
from intarsia.engine.run_folder import METRICS_FILE, MetricsFile
from intarsia.engine.study_runs import StudyRuns
from intarsia.engine.study_table import Numbers, StudyResult
from intarsia.recipes.study import CROWDING

if TYPE_CHECKING:  # it takes a second
    from matplotlib.axes import Axes

__all__ = ["draw_study"]


def draw_study(result: StudyResult, runs: StudyRuns, path: Path) -> None:
    """Write the picture that the study asks for.

    Args:
        result: Of a study with a plot.
        runs: Where its networks were trained.
        path: Where the PNG goes.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    if result.study.plot == "losses":
        _draw_losses(result, runs, axes)
    else:
        (_draw_recall if result.study.plot == "recall" else _draw_speed)(result, axes)
    axes.grid(alpha=0.3)
    with whole(path) as partial:
        figure.savefig(partial, dpi=110)


def _draw_recall(result: StudyResult, axes: Axes) -> None:
    """A group of bars for each range of overlap, a bar for each row."""
    num = len(result.numbers)
    for n, (name, seeds) in enumerate(result.numbers.items()):
        heights = [_mean(seeds, column) for column in CROWDING]
        places = [group + (n - (num - 1) / 2) * 0.8 / num for group in range(len(CROWDING))]
        axes.bar(places, heights, width=0.8 / num, label=name)
    axes.set_xticks(range(len(CROWDING)), ["below 0.2", "0.2 to 0.4", "above 0.4"])
    axes.set(xlabel="IoU of the box with another's", ylabel="recall in percent")
    axes.legend(fontsize=8)


def _draw_speed(result: StudyResult, axes: Axes) -> None:
    """AP over milliseconds, one line a network, a point for each image size; hollow with an oracle's help."""
    lines: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for row in result.study.rows:
        if row.name in result.numbers:
            seeds = result.numbers[row.name]
            point = _mean(seeds, "ms"), _mean(seeds, "AP")
            lines.setdefault((row.name.partition(" ")[0], row.oracle), []).append(point)
    # a network keeps its colour, so that both its lines are read together
    networks = sorted({network for network, _ in lines})
    for (network, oracle), points in sorted(lines.items()):
        color = f"C{networks.index(network)}"
        axes.plot(
            *zip(*sorted(points), strict=True),
            "o--" if oracle else "o-",
            color=color,
            markerfacecolor="white" if oracle else color,
            label=None if oracle else network,
        )
    # one entry of the legend for all hollow points
    if any(oracle for _, oracle in lines):
        axes.plot([], [], "o--", color="gray", markerfacecolor="white", label="with true semantics")
    axes.set(xlabel="ms of the network, an image", ylabel="AP in percent", xscale="log")
    for ticks in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        ticks("{x:.0f}")
    axes.legend(fontsize=8)


def _draw_losses(result: StudyResult, runs: StudyRuns, axes: Axes) -> None:
    """Batches differ more than models, so each run is compared with the last row on the same batches.

    Source: Figure 4 of Abbas and Swoboda 2021 (COPS), which has the losses themselves.
    """
    *rows, still = [row for row in result.study.rows if row.starts_from and row.name in result.numbers]
    for row in rows:
        gains, steps = [], []
        for seed in range(len(result.numbers[row.name])):
            steps, losses = _losses(runs.folder(row, seed))
            gains.append(np.subtract(losses, _losses(runs.folder(still, seed))[1]))
        axes.plot(steps, np.mean(gains, axis=0), label=row.name)
        axes.fill_between(steps, np.min(gains, axis=0), np.max(gains, axis=0), alpha=0.15)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="step", ylabel=f"loss, less that of {still.name}")
    if rows:
        axes.legend(fontsize=8)


def _losses(folder: Path) -> tuple[list[int], list[float]]:
    """Steps and losses of a run."""
    return MetricsFile(folder / METRICS_FILE, up_to_step=sys.maxsize).series("loss")


def _mean(seeds: Numbers, column: str) -> float:
    return statistics.mean(numbers[column] for numbers in seeds)
