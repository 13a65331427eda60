"""A data set and a recipe small enough to train in a test."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

from intarsia.recipes.find import find_recipe
from intarsia.recipes.recipe import Recipe

OVERRIDES = (
    "method.backbone.name=lcnet_050",
    "method.backbone.pretrained=false",
    "augmentation.crop=64,64",
    "batch_size=2",
    "workers=0",
    "threads=1",
    "export=false",
    "device=cpu",
    "schedule.steps=6",
    "schedule.warmup=2",
    "schedule.evaluate_every=3",
    "schedule.checkpoint_every=2",
    "schedule.log_every=1",
)


def losses_of(folder: Path) -> dict[int, float]:
    """The loss of each logged step of a run."""
    with (folder / "metrics.csv").open(newline="") as lines:
        return {int(row["step"]): float(row["loss"]) for row in csv.DictReader(lines) if row["loss"]}


def two_instances() -> Recipe:
    """A recipe of somebody else, found as `file.py:function`."""
    return replace(find_recipe("discriminative-facades"), batch_size=1)
