"""Does a change of a recipe help on pictures of other sessions? Training images in folds, each held out once.

    python benchmarks/folds.py DATA RECIPE [CHANGES ...] [--folds 3] [--only 0 2] [--seed 0] --out RUNS

DATA is a COCO panoptic folder with `train/`, RECIPE and CHANGES are as `intarsia train` has them. A fold is a
block of neighbouring images, since neighbours are mostly of one session, and `val/` decides nothing. A row a
fold, then mean and deviation over the folds, of two networks: the running average of the weights, which a run
keeps, and the weights of its last step. PQ in percent; minutes of training. What was stopped goes on.
"""

from __future__ import annotations

import argparse
import csv
import json
import statistics
import time
from pathlib import Path
from typing import TypeAlias

import torch
from accelerate import Accelerator

from intarsia.data.dataset import PanopticDataset
from intarsia.engine.checkpoint import load_checkpoint
from intarsia.engine.run_folder import CHECKPOINT_FILE
from intarsia.engine.series import train_or_resume
from intarsia.engine.validate import validate
from intarsia.methods.load import load

NETWORKS = ("averaged", "of the last step")
PARTS = ("train", "val")
Row: TypeAlias = tuple[float, ...]


def main() -> None:
    """Read the command line; train, measure and print fold by fold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("recipe")
    parser.add_argument("changes", nargs="*")
    parser.add_argument("--folds", type=int, default=3)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of folds, from 0")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    chosen = range(options.folds) if options.only is None else options.only
    if options.folds < 2 or not set(chosen) <= set(range(options.folds)):
        parser.error("there are at least two folds, numbered from 0")
    rows: dict[str, list[Row]] = {name: [] for name in NETWORKS}
    print("| fold | weights | PQ | things | stuff | minutes |\n|---|---|---|---|---|---|")
    for number in chosen:
        name = f"{number}-of-{options.folds}"  # a fold of another division is another fold
        data, run = options.out / f"fold-{name}", options.out / f"run-{name}"
        write_fold(options.data / "train", data, number, options.folds)
        started = time.monotonic()
        train_or_resume(
            options.recipe, (f"data={data}", f"seed={options.seed}", "export=false", *options.changes), run
        )
        minutes = (time.monotonic() - started) / 60
        for weights, measured in zip(NETWORKS, (as_kept(run), of_last_step(run, data)), strict=True):
            rows[weights].append(measured)
            cells = " | ".join(f"{value:.1f}" for value in measured)
            print(f"| {number} | {weights} | {cells} | {minutes:.1f} |", flush=True)
    for name in NETWORKS:
        cells = " | ".join(mean_and_deviation(column) for column in zip(*rows[name], strict=True))
        print(f"| all | {name} | {cells} | |")


def write_fold(source: Path, folder: Path, number: int, count: int) -> None:
    """A data set whose `val` is one block of neighbouring images and whose `train` is all others."""
    whole = json.loads((source / "panoptic.json").read_text())
    order = sorted(image["id"] for image in whole["images"])
    held_out = set(order[number * len(order) // count : (number + 1) * len(order) // count])
    for part in PARTS:
        place = folder / part
        place.mkdir(parents=True, exist_ok=True)
        for name in ("images", "panoptic"):
            if not (place / name).exists():
                (place / name).symlink_to((source / name).resolve())
        kept = {
            "images": [row for row in whole["images"] if (row["id"] in held_out) == (part == "val")],
            "annotations": [
                row for row in whole["annotations"] if (row["image_id"] in held_out) == (part == "val")
            ],
        }
        (place / "panoptic.json").write_text(json.dumps(whole | kept))


def as_kept(run: Path) -> Row:
    """PQ of all, of things and of stuff, in percent, as the run has measured them at its end."""
    with (run / "metrics.csv").open(newline="") as lines:
        last = [row for row in csv.DictReader(lines) if row["pq"]][-1]
    return tuple(100 * float(last[name]) for name in ("pq", "pq_things", "pq_stuff"))


@torch.inference_mode()
def of_last_step(run: Path, data: Path) -> Row:
    """The same of the weights as they were at the last step."""
    method = load(run / "last")
    method.load_state_dict(load_checkpoint(run / CHECKPOINT_FILE)["model"])
    report = validate(method, PanopticDataset(data, split="val"), Accelerator(), num_pictures=0).report
    return tuple(100 * (group.pq or 0.0) for group in (report.all, report.things, report.stuff))


def mean_and_deviation(values: Row) -> str:
    """Over the folds, as tables have it."""
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    return f"{statistics.mean(values):.1f}{spread}"


if __name__ == "__main__":
    main()
