"""From recipe to shipped model: train every seed, measure each on validation data, keep the best one.

    python -m tools.ship_models DATA [--runs DIR] [--seeds 3] [--compared RECIPE ...]

DATA holds the data sets `facades` and `nuclei`. Finished runs are not repeated, stopped ones are continued.
Writes src/intarsia/models/NAME (float16 safetensors, ONNX), docs/results.md and the table of README.md.
A model is trained in one run or in several, each from the best of the one before.
"""

from __future__ import annotations

import csv
import json
import statistics
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
import tyro

from intarsia.data.dataset import PanopticDataset
from intarsia.engine.series import train_or_resume
from intarsia.methods.load import load
from intarsia.methods.method import AbstractMethod
from intarsia.metrics import PanopticQuality
from intarsia.metrics.quality_report import QualityReport
from tools.share_weights import share_weights

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Run:
    """A recipe and what is changed in it."""

    recipe: str
    overrides: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """What is chosen for a trained model on training images after its last run.

    Attributes:
        dearer: What is added to the costs of pairs so many pixels apart, which Algorithm 2 then cuts.
        min_score: As in `Thresholds`.
        category_score: As there, of the first categories; the others are stuff.
        second_look: As in `Intake`.
        scales: As there.
    """

    dearer: Mapping[int, float] = field(default_factory=dict)
    min_score: float = 0.0
    category_score: tuple[float, ...] = ()
    second_look: float = 0.0
    scales: tuple[int, ...] = (1,)


_SCALES_FIRST = (
    "method.end_to_end.trained=heads",
    "method.end_to_end.ladder=50",
    "method.end_to_end.cost_dropout=0",
)
"""What a run through the cut of `nuclei` learns: heads alone, and the scales of the costs fastest."""

_DEEPER_NUCLEI = (
    "method.decoder.residuals=2",
    "method.affinity_loss.touching_weight=4",
    "method.affinity_loss.weight=0.4",
)
"""Of the last two runs of `nuclei`, see docs/decisions/0013-nuclei-trained-on.md."""

SHIPPED = {
    "facades": (
        Run("cops-facades", ("method.void_class=false",)),
        Run("cops-facades", ("optim.lr=1e-3", "schedule.steps=1100", "schedule.warmup=50")),
        Run(
            "cops-facades",
            (
                "schedule.steps=3600",
                "schedule.evaluate_every=900",
                "augmentation.rare_focus=0.7",
                "augmentation.rare_power=0.5",
                "augmentation.scale=0.5,2.0",
                "augmentation.photometric=0.8",
                "method.semantic_loss.small_thing_weight=3",
            ),
        ),
    ),
    "facades-embedding": (Run("discriminative-facades"),),
    "facades-hierarchy": (Run("hle-facades"),),
    "facades-unified": (Run("unified-facades", ("initial=facades", "schedule.steps=1000")),),
    "nuclei": (
        Run("cops-nuclei"),
        Run(
            "cops-nuclei",
            (
                "optim.lr=2e-3",
                "schedule.steps=6000",
                "schedule.warmup=100",
                "method.affinity_loss.touching_weight=4",
            ),
        ),
        Run("cops-nuclei-e2e", ("method.affinity_loss.touching_weight=4", *_SCALES_FIRST)),
        Run(
            "cops-nuclei",
            (
                "optim.lr=2e-3",
                "schedule.steps=3200",
                "schedule.warmup=100",
                "schedule.evaluate_every=800",
                *_DEEPER_NUCLEI,
            ),
        ),
        Run("cops-nuclei-e2e", (*_DEEPER_NUCLEI, *_SCALES_FIRST)),
    ),
}

CHOSEN = {
    "facades": Chosen(category_score=(0.926, 0.936, 0.936, 0.915, 0.913)),
    "facades-hierarchy": Chosen(category_score=(0.396, 0.42, 0.214, 0.181, 0.201)),
    "nuclei": Chosen(dearer={4: 0.5}, min_score=0.85, second_look=2.0, scales=(1, 2)),
}
"""See docs/decisions, 0013-nuclei-trained-on.md, 0014-doubt.md and 0015-two-scales.md."""

COMPARED = ("deeplab-facades", "discriminative-nuclei", "deeplab-nuclei")
MARKS = ("<!-- results:begin -->\n", "<!-- results:end -->")
INTRODUCTION = """# Results

PQ, SQ and RQ in percent, on the validation parts of two data sets: `building-facade-segmentation` in parts by
blocks of shots (80 images), and the 2018 Data Science Bowl, stage 1 (63 images); mean and standard deviation
where there are several seeds. Each seed's best model by validation PQ is measured. The cards of
[the models that ship](models.md) say which of these they are. `make models DATA=DIR` trains three seeds of
each recipe and writes this page anew."""


@dataclass(frozen=True)
class Measured:
    """A trained model: its folder, its numbers on validation (`QualityReport.to_json`), its time."""

    folder: Path
    numbers: dict[str, Any]
    minutes: float

    @property
    def pq(self) -> float:
        """Over all categories."""
        return self.numbers["All"]["pq"]


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
    chains = SHIPPED | {recipe: (Run(recipe),) for recipe in compared}
    for name, chain in sorted(chains.items(), key=lambda item: _data_of(item[1])):
        measured = [
            _measured(name, chain, data / _data_of(chain), runs / f"{name}-{seed}", seed)
            for seed in range(seeds)
        ]
        tables.append(_table(name, measured))
        rows.append(_row(name, chain, measured, hardware))
        if name in SHIPPED:
            _ship(max(measured, key=lambda run: run.pq), ROOT / "src" / "intarsia" / "models" / name)
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


def _data_of(chain: Sequence[Run]) -> str:
    """The data set that its recipes are of: what stands behind the method's name."""
    return chain[0].recipe.split("-")[1]


def _ship(run: Measured, folder: Path) -> None:
    """Write a model with its weights once; one that cannot leave torch has no ONNX file."""
    method = load(run.folder)
    exports = method.has_decoder and not method.needs_torch
    method.save(folder, half=True, export=exports)
    if exports:
        share_weights(folder)


def _row(name: str, chain: Sequence[Run], runs: list[Measured], hardware: str) -> str:
    groups = ("All", "Things", "Stuff")
    cells = [_mean_and_spread([run.numbers[group]["pq"] for run in runs]) for group in groups]
    minutes = statistics.mean(run.minutes for run in runs)
    is_plain = len(chain) == 1 and not chain[0].overrides
    command = f"`intarsia train {chain[0].recipe} data=DIR`" if is_plain else f"`{name}` as shipped"
    return f"| {command} | {' | '.join(cells)} | {len(runs)} | {hardware}, {minutes:.0f} min |"


def _measured(name: str, chain: Sequence[Run], data: Path, folder: Path, seed: int) -> Measured:
    """The numbers of one seed; what of its runs is not done is trained first, each from the one before."""
    initial: tuple[str, ...] = ()
    minutes, place = 0.0, folder
    for number, run in enumerate(chain):
        place = folder / str(number)
        train_or_resume(run.recipe, (f"data={data}", f"seed={seed}", *initial, *run.overrides), place)
        initial = (f"initial={place / 'best'}",)
        minutes += _minutes(place)
    best, kept = place / "best", place / "validation.json"
    if name in CHOSEN:
        method = _as_chosen(load(best), CHOSEN[name])
        best = place / "chosen"
        method.save(best)
    if not kept.is_file():
        val = PanopticDataset(data, split="val")
        report = _quality(load(best), val)
        kept.write_text(json.dumps(report.to_json(), indent=1))
    return Measured(best, json.loads(kept.read_text()), minutes)


def _quality(method: AbstractMethod, data: PanopticDataset) -> QualityReport:
    """Of what `predict` says, which may look at a picture again."""
    quality = PanopticQuality(data.categories)
    for sample in data:
        quality.update(method.predict(sample.image.movedim(0, 2).numpy()), sample.panoptic_map())
    return quality.compute()


def _as_chosen(method: Any, chosen: Chosen) -> Any:
    """The method that cuts, keeps and looks so."""
    if chosen.dearer:
        method.config = replace(
            method.config, cut=replace(method.config.cut, solver="contraction", small="void")
        )
        with torch.no_grad():
            for number, offset in enumerate(method.map_decoder.offsets):
                method.costs.affinity_offset[number] += chosen.dearer.get(max(map(abs, offset)), 0.0)
    scores = chosen.category_score
    scores += (0.0,) * (len(method.categories) - len(scores) if scores else 0)
    group = next(name for name in ("cut", "grouping", "decoding") if hasattr(method.config, name))
    thresholds = replace(getattr(method.config, group), min_score=chosen.min_score, category_score=scores)
    method.config = replace(method.config, **{group: thresholds})
    method.intake = replace(method.intake, second_look=chosen.second_look, scales=chosen.scales)
    return method


def _minutes(folder: Path) -> float:
    """Time of the training steps, without the evaluations between them."""
    with (folder / "metrics.csv").open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["s_per_step"]]
    return int(rows[-1]["step"]) * statistics.mean(float(row["s_per_step"]) for row in rows) / 60


def _table(name: str, runs: list[Measured]) -> str:
    """A table in Markdown: mean and spread over the seeds, in percent."""
    categories = load(runs[0].folder).categories
    rows = [(group, [run.numbers[group] for run in runs]) for group in ("All", "Things", "Stuff")]
    rows += [(row.name, [run.numbers["per_class"][str(row.id)] for run in runs]) for row in categories]
    lines = [f"## {name}, {len(runs)} seeds", "", "| | PQ | SQ | RQ |", "|---|---|---|---|"]
    for category, numbers in rows:
        cells = [_mean_and_spread([row[key] for row in numbers]) for key in ("pq", "sq", "rq")]
        lines.append(f"| {category} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _mean_and_spread(values: list[float | None]) -> str:
    known = [100 * value for value in values if value is not None]
    if not known:
        return "–"
    spread = f" ± {statistics.stdev(known):.1f}" if len(known) > 1 else ""
    return f"{statistics.mean(known):.1f}{spread}"


if __name__ == "__main__":
    tyro.cli(main, args=sys.argv[1:])
