"""An ablation study: each variant trained and measured like the unchanged recipe, one table at the end."""

from __future__ import annotations

import dataclasses
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from intarsia._check import fail, nearest
from intarsia.configs import override
from intarsia.engine.run_folder import METRICS_FILE, MetricsFile, load_recipe
from intarsia.engine.series import train_or_resume
from intarsia.engine.train import accelerator_of, data_of
from intarsia.engine.validate import validate
from intarsia.methods.load import load
from intarsia.recipes.ablation import Study, Variant
from intarsia.recipes.find import find_study

__all__ = ["Outcome", "ablate"]


@dataclass(frozen=True)
class Outcome:
    """What one run came to; `holds` is None for the unchanged recipe."""

    id: str
    change: str
    all: float
    things: float
    stuff: float
    expected: str
    holds: bool | None


def ablate(
    study: Annotated[str, tyro.conf.Positional],
    overrides: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    *,
    out: str = "ablations",
    only: str = "",
) -> list[Outcome]:
    """Train a recipe and its variants, write OUT/table.md with what came out against what was expected.

    Runs that are finished are not run again, so a study that was stopped goes on. The unchanged recipe is
    always part of it. A difference of PQ below 1 point counts as none.

    Args:
        study: `hle-ablations`, or `module:function` of your own.
        overrides: Leaves of the recipe's tree for all runs, such as `data=DIR schedule.steps=300`.
        out: The folder of the runs and of the table.
        only: Ids of the variants to run, with commas between; all by default.

    Returns:
        An outcome for the unchanged recipe and for each variant, in order.

    Raises:
        ValueError: The study, an id or a key is wrong, a training fails, or `out` has runs with other
            settings.
    """
    found = find_study(study)
    chosen = _chosen(found, only)
    folder = Path(out)
    general = (*found.overrides, *overrides)
    outcomes = [_measured(Variant("base", "unchanged", (), "all ="), found, general, folder, None)]
    for variant in chosen:
        outcomes.append(_measured(variant, found, general, folder, outcomes[0]))
        _write(folder, outcomes)
    _write(folder, outcomes)
    Console(width=120).print(_table(outcomes))
    return outcomes


def _chosen(study: Study, only: str) -> list[Variant]:
    known = {variant.id: variant for variant in study.variants}
    wanted = [part.strip() for part in only.split(",") if part.strip()] or list(known)
    for name in wanted:
        if name not in known:
            fail("only", "ids of the study", repr(name), hint=nearest(name, known))
    return [known[name] for name in wanted]


def _measured(
    variant: Variant, study: Study, general: tuple[str, ...], folder: Path, unchanged: Outcome | None
) -> Outcome:
    run = folder / (variant.id if variant.trained else "base")
    train_or_resume(study.recipe, (*general, *(variant.overrides if variant.trained else ())), run)
    values = _last_validation(run) if variant.trained else _decoded_otherwise(run, variant)
    holds = None
    if unchanged is not None:
        holds = variant.holds(values[variant.group], unchanged=getattr(unchanged, variant.group))
    expected = "" if unchanged is None else variant.expected
    return Outcome(variant.id, variant.change, **values, expected=expected, holds=holds)


def _last_validation(run: Path) -> dict[str, float]:
    """PQ of the run's last model, as its training measured it; 0 of a group that the data do not have."""
    metrics = MetricsFile(run / METRICS_FILE, up_to_step=sys.maxsize)
    columns = {"all": "pq", "things": "pq_things", "stuff": "pq_stuff"}
    return {name: [0.0, *metrics.series(column)[1]][-1] for name, column in columns.items()}


def _decoded_otherwise(run: Path, variant: Variant) -> dict[str, float]:
    """PQ of the run's last model with other settings of its decoding."""
    _, _, recipe = load_recipe(run)
    method = load(run / "last")
    changed = override(dataclasses.replace(recipe, method=method.config), variant.overrides)
    method.config = changed.method
    accelerator = accelerator_of(recipe)
    report = validate(method.to(accelerator.device), data_of(recipe)[1], accelerator, size=recipe.size).report
    return {name: getattr(report, name).pq or 0.0 for name in ("all", "things", "stuff")}


def _write(folder: Path, outcomes: list[Outcome]) -> None:
    rows = [
        "| id | change | PQ | PQ things | PQ stuff | expected | holds |",
        "|---|---|---|---|---|---|---|",
        *("| " + " | ".join(_cells(outcome)) + " |" for outcome in outcomes),
    ]
    content: list[dict[str, Any]] = [dataclasses.asdict(outcome) for outcome in outcomes]
    for name, text in (("table.md", "\n".join(rows) + "\n"), ("table.json", json.dumps(content, indent=1))):
        partial = folder / (name + ".partial")
        partial.write_text(text)
        partial.replace(folder / name)


def _cells(outcome: Outcome) -> list[str]:
    numbers = [f"{100 * value:.1f}" for value in (outcome.all, outcome.things, outcome.stuff)]
    said = {None: "", True: "yes", False: "no"}[outcome.holds]
    return [outcome.id, outcome.change, *numbers, outcome.expected, said]


def _table(outcomes: list[Outcome]) -> Table:
    table = Table("id", "change", "PQ", "PQ things", "PQ stuff", "expected", "holds")
    for outcome in outcomes:
        table.add_row(*_cells(outcome))
    return table
