"""Two processes that share a data set's images measure what one process measures."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from torch import distributed

from intarsia.categories import Categories
from intarsia.engine.gather import merge_tallies
from intarsia.metrics import PanopticQuality, Request
from intarsia.metrics.measures import MEASURES
from intarsia.metrics.tally import AbstractTally
from tests.metrics.random_maps import found_map, random_map

FACADES = Categories.named("facades")
NUM_IMAGES = 5
ROOT = Path(__file__).parents[2]


def measured(rank: int, world_size: int) -> dict[str, AbstractTally]:
    tallies = {"pq": PanopticQuality(FACADES), **Request(tuple(MEASURES)).tallies(FACADES)}
    for seed in range(rank, NUM_IMAGES, world_size):
        for tally in tallies.values():
            tally.update(found_map(seed), random_map(seed), name=str(seed))
    return tallies


def run_process(rank: int, folder: str) -> None:
    distributed.init_process_group("gloo", init_method=f"file://{folder}/store", rank=rank, world_size=2)
    got = {name: merge_tallies(tally).compute().to_json() for name, tally in measured(rank, 2).items()}
    Path(folder, f"{rank}.json").write_text(json.dumps(got))
    distributed.destroy_process_group()


def test_every_metric_is_the_same_on_every_process_as_on_one(tmp_path: Path):
    started = [
        subprocess.Popen([sys.executable, "-m", __name__, str(rank), str(tmp_path)], cwd=ROOT)
        for rank in range(2)
    ]
    assert [process.wait(timeout=120) for process in started] == [0, 0]
    first, second = (json.loads((tmp_path / f"{rank}.json").read_text()) for rank in range(2))
    alone = {name: tally.compute().to_json() for name, tally in measured(0, 1).items()}
    assert first == second
    assert sorted(row["image"] for row in first["images"]) == [str(n) for n in range(NUM_IMAGES)]
    for name in ("errors", "histogram", "iou"):
        assert first[name] == alone[name]
    for name in ("pq", "boundary", "mask-ap", "box-ap", "cityscapes-ap", "leaf"):
        np.testing.assert_allclose(numbers(first[name]), numbers(alone[name]), rtol=0, atol=1e-12)


def test_alone_a_tally_is_itself():
    tally = PanopticQuality(FACADES)
    assert merge_tallies(tally) is tally


def numbers(content: dict) -> list[float]:
    """All numbers of a report, null as -1."""
    flat: list[float] = []
    for value in content.values():
        flat += numbers(value) if isinstance(value, dict) else [-1.0 if value is None else float(value)]
    return flat


if __name__ == "__main__":
    run_process(int(sys.argv[1]), sys.argv[2])
