"""The tables of combinatorial panoptic segmentation: what does training through the cut bring, and why?

    python benchmarks/combinatorial_results.py --data DIR [--recipe cops-facades] [--seeds 0 1 2]
        [--out runs/tables] [--first key=value ...] [--second key=value ...] [--only ROW ...]

Trains what is not there yet (a run that was stopped goes on), measures every model on the validation
part and writes OUT/results.md, OUT/results.json and OUT/samples.png. Rows, the mean over the seeds and
their standard deviation: affinities and semantics by themselves; fine-tuned through the cut; the same
without learning anything, to compare losses on the same batches; with one lambda, with separate losses, with
the surrogate of the released code, with the losses of the first run, which do not see the cut, with a
surrogate of each batch alone, with costs that may shrink, through the refined cut (as facades do anyway),
and without the ladder of learning rates; other distances. Of the first two also with a semantic oracle, and
with Algorithm 2 before the local search, refreshed in full and lazily as in the code of the authors. --first
and --second are overrides of the two recipes, such as schedule.steps=300.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

import intarsia
from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import evaluation_loader
from intarsia.data.targets import collate
from intarsia.decoding.cut import CutConfig
from intarsia.engine.series import train_or_resume
from intarsia.methods import CombinatorialPanoptic
from intarsia.metrics import CocoAP, PanopticQuality, SemanticIoU
from intarsia.recipes.find import find_recipe

Numbers = dict[str, float]
MEASURES = ("PQ", "PQ things", "PQ stuff", "AP", "mIoU")


@dataclass(frozen=True)
class Row:
    """A model: how it is trained, from which it starts, and how else it is decoded."""

    name: str
    overrides: tuple[str, ...] = ()
    starts_from: str = ""
    decodings: tuple[str, ...] = ("",)


DECODINGS = ("", "semantic oracle", "contraction", "lazy contraction")
BASELINE, TUNED, STILL = "baseline", "end to end", "nothing learned"
ROWS = (
    Row(BASELINE, decodings=DECODINGS),
    Row(TUNED, starts_from=BASELINE, decodings=DECODINGS),
    Row(STILL, ("optim.lr=1e-12",), BASELINE),
    Row("one lambda", ("method.end_to_end.num_samples=1",), BASELINE),
    Row("separate losses", ("method.end_to_end.loss=separate",), BASELINE),
    Row(
        "released surrogate",
        (
            "method.end_to_end.form=released",
            "method.end_to_end.sharpness=4",
            "method.end_to_end.memory=0",
        ),
        BASELINE,
    ),
    Row(
        "losses of the first run",
        ("method.end_to_end.weight=1e-9", "method.end_to_end.pretraining_weight=1"),
        BASELINE,
    ),
    Row("no memory", ("method.end_to_end.memory=0",), BASELINE),
    Row("costs may shrink", ("method.end_to_end.scale_free=false",), BASELINE),
    Row("refined cut", ("method.end_to_end.refine=true",), BASELINE),
    Row("one learning rate", ("method.end_to_end.ladder=0", "optim.lr=2e-4"), BASELINE),
    Row("distances 1, 3, 6, 12", ("method.affinity.distances=1,3,6,12",)),
)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", default="cops-facades")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--out", type=Path, default=Path("runs/tables"))
    parser.add_argument("--first", nargs="*", default=[])
    parser.add_argument("--second", nargs="*", default=[])
    parser.add_argument("--only", nargs="*", default=[])
    options = parser.parse_args(arguments)
    rows = [row for row in ROWS if not options.only or row.name in options.only]
    found: dict[str, list[Numbers]] = {}
    for seed in options.seeds:
        for row in rows:
            folder = run_of(row, seed, options)
            for decoding in row.decodings:
                name = f"{row.name}, {decoding}" if decoding else row.name
                found.setdefault(name, []).append(measured_once(folder, decoding, options))
    write(found, options)
    draw_losses(options)


def run_of(row: Row, seed: int, options: argparse.Namespace) -> Path:
    """The run folder of a row, trained to its end."""
    overrides = [f"data={options.data}", f"seed={seed}"]
    recipe = options.recipe
    if row.starts_from:
        start = next(one for one in ROWS if one.name == row.starts_from)
        overrides += [f"initial={run_of(start, seed, options) / 'best'}", *options.second]
        recipe += "-e2e"
    else:
        overrides += options.first
    overrides += row.overrides  # last: what makes the row wins
    return train_or_resume(recipe, overrides, folder_of(row.name, seed, options))


def folder_of(name: str, seed: int, options: argparse.Namespace) -> Path:
    """Where the run of a row with this name is."""
    return options.out / options.recipe / f"{name.replace(' ', '-').replace(',', '')}-{seed}"


def measured_once(folder: Path, decoding: str, options: argparse.Namespace) -> Numbers:
    """The measures of a run's best model, decoded as the second recipe does; kept beside it."""
    kept = folder / f"measures-{decoding.replace(' ', '-') or 'cut'}.json"
    if not kept.is_file():
        method = intarsia.load(folder / "best")
        assert isinstance(method, CombinatorialPanoptic)
        cut = find_recipe(f"{options.recipe}-e2e").method.cut
        method.config = replace(method.config, cut=cut)
        kept.write_text(json.dumps(measured(method, options.data, decoding)))
    return json.loads(kept.read_text())


@torch.inference_mode()
def measured(method: CombinatorialPanoptic, data: str, decoding: str) -> Numbers:
    """PQ, AP and mIoU of panoptic maps, in percent."""
    if "contraction" in decoding:
        cut: CutConfig = replace(method.config.cut, solver=decoding, small="void")
        method.config = replace(method.config, cut=cut)
    dataset = PanopticDataset(data, split="val")
    quality, ap = PanopticQuality(dataset.categories), CocoAP(dataset.categories)
    iou = SemanticIoU(dataset.categories)
    for number, batch in enumerate(evaluation_loader(dataset)):
        output = method(batch.images)
        if decoding == "semantic oracle":
            targets = collate([dataset[number]], dataset.categories).targets
            maps = method.decode_with_oracle(output, batch.sizes, targets, semantics=True)
        else:
            maps = method.decode(output, batch.sizes)
        for prediction, truth in zip(maps, batch.truths, strict=True):
            for tally in (quality, ap, iou):
                tally.update(prediction, truth)
    report = quality.compute()
    values = (report.all.pq, report.things.pq, report.stuff.pq, ap.compute().ap, iou.compute().miou)
    return {
        name: 100 * float(np.nan_to_num(value or 0.0)) for name, value in zip(MEASURES, values, strict=True)
    }


def write(found: dict[str, list[Numbers]], options: argparse.Namespace) -> None:
    """The table, as text and as numbers."""
    lines = [f"| {options.recipe} | " + " | ".join(MEASURES) + " |", "|---" * (len(MEASURES) + 1) + "|"]
    for name, seeds in found.items():
        cells = []
        for measure in MEASURES:
            values = [numbers[measure] for numbers in seeds]
            spread = f" ± {np.std(values, ddof=1):.1f}" if len(values) > 1 else ""
            cells.append(f"{np.mean(values):.1f}{spread}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    text = "\n".join(lines)
    print(text)
    (options.out / "results.md").write_text(text + "\n")
    (options.out / "results.json").write_text(json.dumps(found, indent=1) + "\n")


def draw_losses(options: argparse.Namespace) -> None:
    """What learning takes from the loss with one lambda and with several: figure 4 of the paper.

    Batches differ more than models, so each run is compared with one that learns nothing on the same batches.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, label in ((TUNED, "several lambdas"), ("one lambda", "one lambda")):
        gains, steps = [], []
        for seed in options.seeds:
            run, still = (folder_of(row, seed, options) / "metrics.csv" for row in (name, STILL))
            if run.is_file() and still.is_file():
                steps, losses = losses_of(run)
                gains.append(np.subtract(losses, losses_of(still)[1]))
        if gains:
            counted = f"{len(gains)} seed" + "s" * (len(gains) > 1)
            axes.plot(steps, np.mean(gains, axis=0), label=f"{label}, {counted}")
            axes.fill_between(steps, np.min(gains, axis=0), np.max(gains, axis=0), alpha=0.15)
    axes.axhline(0, color="black", linewidth=0.8)
    axes.set(xlabel="step", ylabel="loss through the cut, less the loss without learning")
    axes.grid(alpha=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    figure.savefig(options.out / "samples.png", dpi=110)


def losses_of(path: Path) -> tuple[list[int], list[float]]:
    """Steps and losses of a run."""
    with path.open(newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["loss"]]
    return [int(row["step"]) for row in rows], [float(row["loss"]) for row in rows]


if __name__ == "__main__":
    main()
