"""The tables of unified panoptic segmentation beside the paper's: train what is missing, measure, print.

Run:
    python -m intarsia.engine.unified_tables TABLE DATA [--on facades] [--seeds 3] [key.path=value ...]
"""

from __future__ import annotations

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Literal

import tyro

from intarsia.configs import override, to_dict
from intarsia.data.dataset import PanopticDataset
from intarsia.engine.measure import measured
from intarsia.engine.series import train_or_resume
from intarsia.methods.load import load
from intarsia.methods.panoptic_fpn import PanopticFpnConfig
from intarsia.recipes.find import find_recipe
from intarsia.recipes.unified_tables import Claim, DataName, Row, Table, table

TableName = Literal["1", "F", "H", "I"]
DECODING = ("method.inference", "method.merge")
"""Groups of settings that training does not look at."""


def unified_table(
    name: Annotated[TableName, tyro.conf.Positional],
    data: Annotated[str, tyro.conf.Positional],
    overrides: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    *,
    on: DataName = "facades",
    seeds: int = 3,
    out: str = "runs/unified",
) -> Path:
    """Make one table of the paper on a data set, in Markdown, and print it.

    Runs are kept in `out`, one a network and seed, and shared between tables; stopped ones are continued and
    finished ones are only measured.

    Args:
        name: "1", "F", "H" or "I".
        data: A data set folder with train and val.
        overrides: Leaves of every row's recipe, such as `schedule.steps=500`.
        on: Whose recipes: facades and nuclei are made for a CPU, cityscapes and coco for GPUs.
        seeds: How many runs of each network.
        out: The folder of the runs and of the table.

    Returns:
        The Markdown file.

    Raises:
        ValueError: As `intarsia.train`, or `out` has runs with other settings; those of decoding may differ.
    """
    chosen = table(name, on)
    numbers = {
        row.name: [_numbers(row, data, overrides, Path(out), on, seed) for seed in range(seeds)]
        for row in chosen.rows
    }
    text = as_markdown(chosen, numbers, on=on)
    path = Path(out) / f"table-{name}-{on}.md"
    path.write_text(text)
    print(text)
    return path


def as_markdown(chosen: Table, numbers: Mapping[str, Sequence[dict[str, float]]], *, on: DataName) -> str:
    """The table: mean over the seeds, spread, in brackets the paper's number; then which claims hold."""
    lines = [f"## {chosen.title}, {on}", "", "| | " + " | ".join(chosen.columns) + " |"]
    lines.append("|---" * (len(chosen.columns) + 1) + "|")
    for row in chosen.rows:
        paper = row.paper_coco if on == "coco" else row.paper
        cells = [_cell(numbers[row.name], column, paper) for column in chosen.columns]
        lines.append("| " + " | ".join([row.name, *cells]) + " |")
    seeds = max(map(len, numbers.values()))
    over = f"{seeds} seed{'s' * (seeds > 1)}"
    lines += ["", f"Mean ± standard deviation over {over}, in percent; in brackets the paper's.", ""]
    lines += [_verdict(claim, numbers[claim.better], numbers[claim.worse]) for claim in chosen.claims]
    return "\n".join(lines) + "\n"


def _numbers(
    row: Row, data: str, overrides: tuple[str, ...], out: Path, on: DataName, seed: int
) -> dict[str, float]:
    """The numbers of a row with a seed; trains its network first, where that is not done.

    They are kept beside the network by the settings of decoding, which rows of several tables may share.
    """
    changes = (*row.changes, *overrides, f"data={data}", f"seed={seed}")
    folder = train_or_resume(row.recipe, changes, out / f"{on}-{row.run}-{seed}", decoding=DECODING)
    config = override(find_recipe(row.recipe), (*changes, *row.decoding)).method
    key = json.dumps(to_dict(config.merge if isinstance(config, PanopticFpnConfig) else config.inference))
    kept = folder / "measured.json"
    known = json.loads(kept.read_text()) if kept.is_file() else {}
    if key not in known:
        method = load(folder / "best")
        method.config = config
        known[key] = measured(method, PanopticDataset(data, split="val"))
        kept.write_text(json.dumps(known, indent=1))
    return known[key]


def _cell(rows: Sequence[dict[str, float]], column: str, paper: Mapping[str, float]) -> str:
    values = [row[column] for row in rows if not math.isnan(row.get(column, math.nan))]
    if not values:
        return "–"
    spread = f" ± {statistics.stdev(values):.1f}" if len(values) > 1 else ""
    known = f" ({paper[column]:.1f})" if column in paper else ""
    return f"{statistics.mean(values):.1f}{spread}{known}"


def _verdict(claim: Claim, better: Sequence[dict[str, float]], worse: Sequence[dict[str, float]]) -> str:
    """Whether a claim holds for the means, and in how many seeds it does."""
    pairs = [(one[claim.column], other[claim.column]) for one, other in zip(better, worse, strict=True)]
    first, second = (statistics.mean(values) for values in zip(*pairs, strict=True))
    verdict = "holds" if first > second else "does not hold" if first <= second else "cannot be said"
    count = sum(one > other for one, other in pairs)
    said = f"{claim.better} above {claim.worse} in {claim.column}"
    return f"- {said}: {verdict} here ({first:.1f} against {second:.1f}; in {count} of {len(pairs)} seeds)"


if __name__ == "__main__":
    tyro.cli(unified_table)
