"""From recipe to shipped model: train every seed, measure each on validation data, keep the best one.

    python tools/ship_models.py DATA [--runs DIR] [--seeds 3] [--compared RECIPE ...]

DATA holds the data sets `facades` and `nuclei`. Finished runs are not repeated, stopped ones are continued.
Writes src/intarsia/models/NAME (float16 safetensors, ONNX), docs/results.md and the table of README.md.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from accelerate import Accelerator

from intarsia.data.dataset import PanopticDataset
from intarsia.engine.series import train_or_resume
from intarsia.engine.validate import validate
from intarsia.methods.load import load

ROOT = Path(__file__).parents[1]
SHIPPED = {
    "facades": "cops-facades",
    "facades-embedding": "discriminative-facades",
    "nuclei": "cops-nuclei",
}
COMPARED = ("deeplab-facades", "hle-facades", "discriminative-nuclei", "deeplab-nuclei")
MARKS = ("<!-- results:begin -->\n", "<!-- results:end -->")
INTRODUCTION = """# Results

PQ, SQ and RQ in percent, on the validation parts of two data sets: `building-facade-segmentation` in parts by
blocks of shots (80 images), and the 2018 Data Science Bowl, stage 1 (63 images); mean and standard deviation
where there are several seeds. Each seed's best model by validation PQ is measured. The cards of
[the models that ship](models.md) say which of these they are. `make models DATA=DIR` trains three seeds of
each recipe and writes this page anew."""


@dataclass(frozen=True)
class Measured:
    """One finished run: its folder and its numbers on validation data, as `QualityReport.to_json`."""

    folder: Path
    numbers: dict[str, Any]

    @property
    def pq(self) -> float:
        """Over all categories."""
        return self.numbers["All"]["pq"]

    @property
    def minutes(self) -> float:
        """Time of the training steps, without the evaluations between them."""
        with (self.folder / "metrics.csv").open(newline="") as lines:
            rows = [row for row in csv.DictReader(lines) if row["s_per_step"]]
        return int(rows[-1]["step"]) * statistics.mean(float(row["s_per_step"]) for row in rows) / 60


def main(
    data: tyro.conf.Positional[Path],
    /,
    runs: Path = Path("runs/models"),
    seeds: int = 3,
    compared: tuple[str, ...] = COMPARED,
    hardware: str = "one CPU core",
) -> None:
    """Train, measure, choose, write.

    Args:
        data: The folder with the data sets `facades` and `nuclei`.
        runs: Where the runs are kept.
        seeds: How many runs of each recipe.
        compared: Recipes of the same data sets to train and measure beside the shipped ones.
        hardware: What the table says the runs were trained on.
    """
    tables, rows = [], []
    name_of = {recipe: name for name, recipe in SHIPPED.items()}
    for recipe in sorted({*name_of, *compared}, key=lambda recipe: recipe.partition("-")[::-1]):
        folder = data / recipe.partition("-")[2]
        measured = [_measured(recipe, folder, runs / f"{recipe}-{seed}", seed) for seed in range(seeds)]
        tables.append(_table(recipe, measured))
        rows.append(_row(recipe, measured, hardware))
        if recipe in name_of:
            best = max(measured, key=lambda run: run.pq)
            shipped = ROOT / "src" / "intarsia" / "models" / name_of[recipe]
            load(best.folder / "best").save(shipped, half=True, export=True)
    (ROOT / "docs" / "results.md").write_text("\n\n".join([INTRODUCTION, *tables]) + "\n")
    _write_readme(rows)
    print("\n\n".join(tables))


def _write_readme(rows: Sequence[str]) -> None:
    """Put the rows between README's marks; what stands after its table stays."""
    readme = ROOT / "README.md"
    before, begin, rest = readme.read_text().partition(MARKS[0])
    old, end, after = rest.partition(MARKS[1])
    remarks = "\n".join(line for line in old.splitlines() if not line.startswith("|"))
    head = ["| command | PQ | things | stuff | seeds | hardware, time of one |", "|---|---|---|---|---|---|"]
    table = "\n".join([*head, *rows])
    readme.write_text(f"{before}{begin}{table}\n{remarks}\n{end}{after}")


def _row(recipe: str, runs: list[Measured], hardware: str) -> str:
    groups = ("All", "Things", "Stuff")
    cells = [_mean_and_spread([run.numbers[group]["pq"] for run in runs]) for group in groups]
    minutes = statistics.mean(run.minutes for run in runs)
    command = f"`intarsia train {recipe} data=DIR`"
    return f"| {command} | {' | '.join(cells)} | {len(runs)} | {hardware}, {minutes:.0f} min |"


def _measured(recipe: str, data: Path, folder: Path, seed: int) -> Measured:
    """The numbers of one seed; trains it first, or goes on, where that is not done."""
    train_or_resume(recipe, (f"data={data}", f"seed={seed}"), folder)
    kept = folder / "validation.json"
    if kept.is_file():
        return Measured(folder, json.loads(kept.read_text()))
    report = validate(
        load(folder / "best"), PanopticDataset(data, split="val"), Accelerator(), num_pictures=0
    ).report
    kept.write_text(json.dumps(report.to_json(), indent=1))
    return Measured(folder, report.to_json())


def _table(recipe: str, runs: list[Measured]) -> str:
    """A table in Markdown: mean and spread over the seeds, in percent."""
    categories = load(runs[0].folder / "best").categories
    rows = [(group, [run.numbers[group] for run in runs]) for group in ("All", "Things", "Stuff")]
    rows += [(row.name, [run.numbers["per_class"][str(row.id)] for run in runs]) for row in categories]
    lines = [f"## {recipe}, {len(runs)} seeds", "", "| | PQ | SQ | RQ |", "|---|---|---|---|"]
    for name, numbers in rows:
        cells = [_mean_and_spread([one[key] for one in numbers]) for key in ("pq", "sq", "rq")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean_and_spread(values: list[float | None]) -> str:
    known = [100 * value for value in values if value is not None]
    if not known:
        return "–"
    spread = f" ± {statistics.stdev(known):.1f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.1f}{spread}"


if __name__ == "__main__":
    tyro.cli(main, args=sys.argv[1:])
