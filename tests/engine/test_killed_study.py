"""A study killed at any moment goes on: its table is that of one that was not."""

from __future__ import annotations

import json
import random
import sys
from pathlib import Path

import pytest

from intarsia.cli import main
from tests.commands.test_ablate import TINY
from tests.killing import kill_at


def table_of(out: Path) -> dict[str, list[dict[str, float]]]:
    """The numbers of each row and seed, without those of the clock, and of a GPU that is not there."""
    numbers = json.loads((out / "other_seeds-facades.json").read_text())["numbers"]
    assert [len(rows) for rows in numbers.values()] == [1, 1, 1]
    kept = {
        name: [{key: value for key, value in row.items() if key not in ("ms", "MB")} for row in rows]
        for name, rows in numbers.items()
    }
    assert all("PQ" in row for rows in kept.values() for row in rows)
    return kept


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_study_killed_again_and_again_has_the_table_of_an_unbroken_one(streets: Path, tmp_path: Path):
    study = f"{Path(__file__).parents[1] / 'commands/test_ablate.py'}:other_seeds"
    moments = random.Random(3)

    def command(out: str) -> list[str]:
        return ["ablate", study, *TINY, f"data={streets}", "--out", str(tmp_path / out)]

    assert main(command("whole")) == 0
    begun = tmp_path / "killed" / "hle-facades-base-0" / "metrics.csv"
    survived = [kill_at(moments.uniform(0, 4), command("killed"), begun) for _ in range(4)]
    assert any(survived), "no study was killed while it worked"
    assert main(command("killed")) == 0
    whole, broken = (tmp_path / "whole", tmp_path / "killed")
    assert table_of(whole) == table_of(broken)
    for run in ("hle-facades-base-0", "hle-facades-bce-0"):
        weights = [out / run / "best" / "model.safetensors" for out in (whole, broken)]
        assert weights[0].read_bytes() == weights[1].read_bytes()
