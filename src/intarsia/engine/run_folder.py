"""A run's folder: the resolved recipe, numbers, curves, pictures, models."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from intarsia._check import fail
from intarsia._files import whole
from intarsia._version import __version__
from intarsia.configs import from_dict, merge, to_dict
from intarsia.methods.load import METHODS
from intarsia.methods.method import AbstractMethod
from intarsia.methods.model_folder import recorded_name
from intarsia.recipes.recipe import Recipe

RECIPE_FILE = "recipe.json"
METRICS_FILE = "metrics.csv"
CHECKPOINT_FILE = "checkpoint.pt"


def save_recipe(folder: Path, name: str, recipe: Recipe, cls: type[AbstractMethod]) -> None:
    """Write the resolved tree with the name it came from, what it trains, and the version."""
    content = {
        "recipe": name,
        "method": recorded_name(cls),
        "version": __version__,
        "tree": to_dict(recipe),
    }
    with whole(folder / RECIPE_FILE) as partial:
        partial.write_text(json.dumps(content, indent=2) + "\n")


def load_recipe(
    folder: Path, *, stranger: type[AbstractMethod] | None = None
) -> tuple[str, type[AbstractMethod], Recipe]:
    """A run as it was started: the recipe's name, what it trains, and every leaf.

    The tree is rebuilt from the file alone; the function that the recipe came from is not called again.

    Args:
        folder: Of the run.
        stranger: The class of a run whose method does not ship.

    Raises:
        ValueError: The file is broken, names what this version does not know, or is of a method that neither
            ships nor is given.
    """
    path = folder / RECIPE_FILE
    try:
        content = json.loads(path.read_text())
        name, method_name, tree = content["recipe"], content["method"], dict(content["tree"])
        settings = tree.pop("method")
    except (OSError, ValueError, KeyError, TypeError) as error:
        fail(str(path), "the recipe of a run", f"{type(error).__name__}: {error}")
    cls = _class_of(method_name, stranger, path)
    return name, cls, merge(Recipe(method=from_dict(cls.config_type, settings)), tree)


def _class_of(name: str, stranger: type[AbstractMethod] | None, path: Path) -> type[AbstractMethod]:
    short = name.rpartition(":")[2]
    if stranger is not None and stranger.__name__ != short:
        fail("method", f"{short}, of which {path} is", stranger.__name__)
    if stranger is not None:
        return stranger
    if name not in METHODS:
        hint = f"If its file is yours or one that you trust: --method FILE.py:{short}."
        fail(str(path), "a run of a method that ships", name, hint=hint)
    return METHODS[name]


class MetricsFile:
    """Rows of numbers, one a logged step; a row may be added to while it is the last."""

    def __init__(self, path: Path, *, up_to_step: int) -> None:
        """Continue the file after a step: later rows, of work that was lost, are dropped."""
        self.path = path
        self.rows: list[dict[str, str]] = []
        if path.is_file():
            with path.open(newline="") as lines:
                self.rows = [row for row in csv.DictReader(lines) if int(row["step"]) <= up_to_step]
        self.columns = list(dict.fromkeys(key for row in self.rows for key in row))
        self._write_all()

    def add(self, row: Mapping[str, float | int]) -> None:
        """Append a row, or join it to the last one if that has the same step."""
        text = {key: f"{value:.6g}" if isinstance(value, float) else str(value) for key, value in row.items()}
        joins = bool(self.rows) and self.rows[-1]["step"] == text["step"]
        new_columns = [key for key in text if key not in self.columns]
        self.columns += new_columns
        if joins:
            self.rows[-1] |= text
        else:
            self.rows.append(text)
        if joins or new_columns:
            self._write_all()
        else:
            with self.path.open("a", newline="") as lines:
                csv.DictWriter(lines, self.columns, restval="").writerow(text)

    def _write_all(self) -> None:
        with whole(self.path) as partial, partial.open("w", newline="") as lines:
            writer = csv.DictWriter(lines, self.columns, restval="")
            writer.writeheader()
            writer.writerows(self.rows)

    def series(self, column: str) -> tuple[list[int], list[float]]:
        """Steps and values of a column where it has any."""
        points = [(int(row["step"]), float(row[column])) for row in self.rows if row.get(column)]
        return [step for step, _ in points], [value for _, value in points]


def draw_curves(metrics: MetricsFile, path: Path) -> None:
    """Plot the losses and the panoptic quality over the steps."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    losses, quality = figure.subplots(1, 2)
    for column in metrics.columns:
        if column == "loss" or column.startswith("loss/"):
            losses.plot(*metrics.series(column), label=column, linewidth=2 if column == "loss" else 1)
        if column.startswith("pq"):
            quality.plot(*metrics.series(column), label=column, marker="o", markersize=3)
    # a run of two steps may have no loss above 0, which no logarithm shows
    has_positive = any(value > 0 for line in losses.get_lines() for value in line.get_ydata())
    losses.set(xlabel="step", ylabel="loss", yscale="log" if has_positive else "linear")
    quality.set(xlabel="step", ylabel="PQ (validation)")
    for axes in (losses, quality):
        axes.grid(alpha=0.3)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    with whole(path) as partial:
        figure.savefig(partial, dpi=110)
