"""The command behind the tables of the combinatorial method runs from end to end."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from intarsia.data.synthetic import write_synthetic
from tests.engine.tiny import OVERRIDES

SCRIPT = Path(__file__).parents[2] / "benchmarks/combinatorial_results.py"


@pytest.mark.slow
def test_rows_are_trained_measured_and_written(tmp_path):
    write_synthetic(tmp_path / "data", kind="sticks", num_train=3, num_val=2, seed=0)
    small = [f"method.affinity.{key}" for key in ("width=16", "classifier_width=8", "distances=1,4")]
    steps = [*OVERRIDES, *small, "schedule.steps=2", "schedule.evaluate_every=2"]
    out = tmp_path / "out"
    arguments = ["--data", str(tmp_path / "data"), "--seeds", "0", "--out", str(out)]
    arguments += ["--only", "baseline", "end to end", "separate losses"]
    main = runpy.run_path(str(SCRIPT))["main"]
    main(
        [
            *arguments,
            "--first",
            *steps,
            "method.affinity.distances=1,4",
            "--second",
            *steps,
            "method.affinity.distances=1,4",
        ]
    )
    found = json.loads((out / "results.json").read_text())
    assert {"baseline", "end to end", "separate losses", "baseline, semantic oracle"} <= set(found)
    assert all(len(seeds) == 1 and set(seeds[0]) >= {"PQ", "AP", "mIoU"} for seeds in found.values())
    assert found["baseline, semantic oracle"][0]["mIoU"] > found["baseline"][0]["mIoU"]
    assert (out / "samples.png").is_file()
    assert (out / "results.md").read_text().count("\n") == len(found) + 2
