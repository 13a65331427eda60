"""On a cluster of this machine: the bytes and the PQ of one process, also where a worker is killed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import intarsia
from intarsia.categories import Categories
from intarsia.commands.cluster import Cluster
from intarsia.errors import InputError
from intarsia.formats.coco import CocoWriter
from intarsia.panoptic import PanopticMap, Segment

pytest.importorskip("ray")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore"),  # Ray's own
]

CODE = "import sys; from intarsia.cli import main; sys.exit(main(sys.argv[1:]))"
OUTPUTS = ("coco", "labels", "table", "geojson", "instances")


@pytest.fixture(scope="module")
def cluster() -> Iterator[str]:
    """One for all tests of this file; a command that finds one running takes it."""
    import ray

    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    yield "auto"
    ray.shutdown()


def write_photos(folder: Path, count: int) -> Path:
    generator = np.random.default_rng(0)
    folder.mkdir()
    for n in range(count):
        pixels = generator.integers(0, 255, (7, 10, 3), np.uint8)
        Image.fromarray(pixels).resize((80, 56)).save(folder / f"{n}.png")
    return folder


def write_maps(json_path: Path, count: int, *, seed: int, share: float = 1.0) -> Path:
    """Maps of two things and a stuff segment; `share` of the pixels are those of seed 0."""
    first, other = np.random.default_rng(0), np.random.default_rng(seed)
    with CocoWriter(json_path, Categories.named("facades")) as writer:
        for n in range(count):
            ids = first.integers(1, 4, (20, 30))
            ids = np.where(other.random(ids.shape) < share, ids, other.integers(1, 4, ids.shape))
            writer.add(f"{n}.png", PanopticMap(ids, [Segment(1, 1), Segment(2, 1), Segment(3, 6)]))
    return json_path


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run_and_kill_a_worker(command: list[str], worker: Callable[[], int | None]) -> subprocess.Popen[str]:
    """Start a command, and kill a worker of it as soon as `worker` knows one."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    process = subprocess.Popen(
        [sys.executable, "-c", CODE, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    pid = None
    while process.poll() is None and pid is None:
        pid = worker()
        time.sleep(0.01)
    assert pid is not None, "the command ended before a worker was seen"
    os.kill(pid, signal.SIGKILL)
    return process


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_worker_killed_in_the_middle_loses_nothing(tmp_path: Path):
    photos = write_photos(tmp_path / "photos", 40)
    whole, out = tmp_path / "whole", tmp_path / "out"
    intarsia.predict((str(photos),), out=str(whole), write=OUTPUTS, threads=1)

    def worker_of_a_finished_part() -> int | None:
        for path in out.glob(".shards/*/0*.jsonl"):
            return json.loads(path.read_text().partition("\n")[0])["process"]
        return None

    command = ["predict", str(photos), "--out", str(out), "--cluster", "local", "--workers", "2"]
    process = run_and_kill_a_worker([*command, "--write", *OUTPUTS], worker_of_a_finished_part)
    _, said = process.communicate()
    assert process.returncode == 0, said
    assert files_of(out) == files_of(whole)
    lines = [line for line in said.splitlines() if line.strip()]
    assert all(line.startswith("predicting") for line in lines), "Ray has nothing to say where all goes well"


def test_an_evaluation_on_a_cluster_is_that_of_one_process_to_the_bit(cluster: str, tmp_path: Path):
    truth = write_maps(tmp_path / "truth.json", 150, seed=0)
    prediction = write_maps(tmp_path / "prediction.json", 150, seed=1, share=0.8)
    (tmp_path / "prediction" / "7.png").write_text("no picture")
    measures = ("iou", "boundary", "leaf", "errors", "images", "mask-ap", "cityscapes-ap", "histogram")
    reports = []
    for name, options in (("one", {}), ("many", {"cluster": cluster, "workers": 2})):
        path = tmp_path / f"{name}.json"
        with pytest.raises(intarsia.PartialFailure, match="1 of 150 failed"):
            intarsia.evaluate(truth, prediction, also=measures, json=path, **options)
        reports.append(path.read_text())
    assert reports[0] == reports[1]
    assert 0 < json.loads(reports[0])["All"]["pq"] < 1


@pytest.mark.parametrize("to", ["coco", "label-divisor", "label-stack"])
def test_a_conversion_on_a_cluster_writes_the_files_of_one_process(cluster: str, tmp_path: Path, to: str):
    (tmp_path / "in").mkdir()
    write_maps(tmp_path / "in" / "panoptic.json", 40, seed=0)
    for name, options in (("one", {}), ("many", {"cluster": cluster, "workers": 2})):
        intarsia.convert("coco", str(tmp_path / "in"), str(tmp_path / name), to=to, **options)
    assert files_of(tmp_path / "many") == files_of(tmp_path / "one")


def refuse_three(number: int) -> int:
    if number == 3:
        raise InputError("`number` must be another, got 3.")
    return number


def die_at_three(number: int) -> int:
    if number == 3:
        os._exit(1)
    return number


def test_results_come_in_order_and_a_refusal_is_the_one_that_was_raised(cluster: str):
    numbers = Cluster(cluster, workers=2).in_order(abs, [-1, -2, -5, 4], description="", group=3)
    assert list(numbers) == [(-1, 1), (-2, 2), (-5, 5), (4, 4)]
    with pytest.raises(InputError, match="`number` must be another, got 3"):
        list(Cluster(cluster, workers=2).in_order(refuse_three, range(5), description=""))


def test_work_that_kills_every_worker_ends_in_a_sentence(cluster: str):
    with pytest.raises(InputError, match=re.escape("Part 4 of the work killed its worker 5 times.")):
        list(Cluster(cluster, workers=1).in_order(die_at_three, range(5), description=""))


def test_a_cluster_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch):
    import ray

    monkeypatch.setattr(ray, "is_initialized", lambda: False)

    def refused(*args: object, **options: object) -> None:
        raise ConnectionError("nobody answers")

    monkeypatch.setattr(ray, "init", refused)
    with pytest.raises(InputError, match="`cluster` must be a Ray cluster that can be reached, got 10.0.0.1"):
        list(Cluster("10.0.0.1:6379").in_order(abs, [1], description=""))
