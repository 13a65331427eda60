"""A study: its rows trained and measured, one table beside the paper's numbers, and which claims hold."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import tyro

from intarsia._check import check_least, fail, nearest
from intarsia._files import whole
from intarsia.engine.study_table import StudyResult
from intarsia.recipes.study import DataName, Study

__all__ = ["ablate"]

NUM_STICKS = (300, 60)
"""Pictures to train and to validate on, where sticks are drawn."""


def ablate(
    study: Annotated[str, tyro.conf.Positional],
    overrides: Annotated[tuple[str, ...], tyro.conf.Positional] = (),
    *,
    on: DataName = "facades",
    seeds: int = 0,
    out: str = "runs",
    only: tuple[str, ...] = (),
    start: str = "",
) -> StudyResult:
    """Train and measure the rows of a study; print the table and write OUT/STUDY-ON.md and .json.

    Some studies also have a plot, .png, and where things crowd a sheet of answers, -answers.png.

    Networks are kept in OUT and shared between studies. What was stopped goes on, what is finished is only
    measured, and other settings of decoding are measured anew of the same networks.

    Args:
        study: A shipped study (`intarsia recipes` lists them), or `module:function` of your own.
        overrides: Leaves of the rows' recipes, such as `data=DIR schedule.steps=300`. Where a row's recipe
            has no such leaf it is left out, and said so. Sticks are drawn into OUT where no data are named.
        on: Whose recipes: those of facades, nuclei and sticks are made for a CPU, of cityscapes and coco for
            GPUs.
        seeds: How many runs of each network; 0: as many as the study has.
        out: The folder of the runs and of the table.
        only: Names of rows to measure; all by default. The row that most claims compare others with is always
            among them.
        start: A kept model, `RUN/best`, in the place of the row that others start from: it is measured, not
            trained, and the runs of every seed start from it.

    Returns:
        The numbers of each row and seed, and what came of each claim.

    Raises:
        ValueError: The study, a row or a key is wrong, a training fails, or `out` has runs with other
            settings.

    Example:
        >>> ablate("things", seeds=-1)
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `seeds` must be at least 0, got -1.
    """
    check_least("seeds", seeds, 0)
    # with torch, which takes seconds
    from intarsia.engine.study_plot import draw_study
    from intarsia.engine.study_runs import StudyRuns
    from intarsia.engine.study_sheet import draw_sheet
    from intarsia.recipes.find import find_study

    table = find_study(study, on)
    rows = [table.row(name) for name in _names_of_rows(table, only)]
    runs = StudyRuns(table, _with_data(overrides, on, Path(out)), Path(out), start=start)
    for sentence in runs.left_out:
        print(sentence)
    # what is not there yet is trained; then the table, its files and its picture
    numbers = {row.name: [runs.numbers(row, seed) for seed in range(seeds or table.seeds)] for row in rows}
    result = StudyResult(table, numbers)
    print(result.as_markdown(), end="")
    stem = Path(out) / f"{study.rpartition(':')[2]}-{on}"
    _write(result, stem)
    if table.plot:
        draw_study(result, runs, stem.with_suffix(".png"))
    if table.plot == "recall":
        draw_sheet(result, runs, stem.with_name(f"{stem.name}-answers.png"))
    return result


def _with_data(overrides: tuple[str, ...], on: DataName, out: Path) -> tuple[str, ...]:
    """The overrides, with drawn sticks where none are given: no folder has them."""
    if on != "sticks" or any(text.startswith("data=") for text in overrides):
        return overrides
    from intarsia.data.synthetic import write_synthetic

    folder = out / "drawn-sticks"
    if not (folder / "val" / "panoptic.json").is_file():
        write_synthetic(folder, kind="sticks", num_train=NUM_STICKS[0], num_val=NUM_STICKS[1], seed=0)
    return (*overrides, f"data={folder}")


def _names_of_rows(study: Study, only: Sequence[str]) -> list[str]:
    """The rows asked for, and the one that most claims compare others with, in the study's order."""
    names = [row.name for row in study.rows]
    for name in only:
        if name not in names:
            fail("only", "names of the study's rows", repr(name), hint=nearest(name, names))
    mentions = {name: sum(name in (c.first, c.second) for c in study.claims) for name in names}
    is_common = {name: 2 * mentions[name] > len(study.claims) > 1 for name in names}
    return [name for name in names if not only or name in only or is_common[name]]


def _write(result: StudyResult, stem: Path) -> None:
    content = {
        "title": result.study.title,
        "numbers": {name: list(map(dict, seeds)) for name, seeds in result.numbers.items()},
        "claims": [{"claim": str(verdict), "holds": verdict.holds} for verdict in result.verdicts],
    }
    for suffix, text in ((".md", result.as_markdown()), (".json", json.dumps(content, indent=1) + "\n")):
        with whole(stem.with_suffix(suffix)) as partial:
            partial.write_text(text)
