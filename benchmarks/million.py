"""What does it cost to predict in parts, by ranks or on a Ray cluster of this machine, beside one process?

    python benchmarks/million.py [--images 10000] [--workers 2] [--side 32]

Small drawn images, so that the network takes little and everything around it counts. Each way runs once, one
after the other; the last is on Ray, too, and loses a worker when half of the images are done. The table has
seconds by the wall clock, CPU seconds of the command and of all that it started, Ray's own processes, too,
and the difference to one process in CPU milliseconds an image: what to compare on a machine that does other
things. The files must be the same bytes, and the PQ of one against the other 1. For Linux, which tells a
process that others were left to it; needs the extra `cluster`.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table

import intarsia

CODE = "import sys; from intarsia.cli import main; sys.exit(main(sys.argv[1:]))"
PR_SET_CHILD_SUBREAPER = 36
MOST_WAIT_S = 120.0
LOOK_S = 0.1


@dataclass(frozen=True)
class Cost:
    """Of one run: seconds of the wall's clock and of all its processes, and what it printed."""

    wall_s: float
    cpu_s: float
    said: str


@dataclass(frozen=True)
class Way:
    """Options of the command, how often it is started, and after how many images a worker is killed."""

    options: list[str]
    ranks: int = 1
    kill_after: int | None = None


def main() -> None:
    """Run each way, compare the files, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--side", type=int, default=32)
    options = parser.parse_args()
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        draw_images(root / "photos", options.images, options.side)
        on_ray = ["--cluster", "local", "--workers", str(options.workers)]
        ways = {
            "one process": Way([]),
            f"{options.workers} ranks": Way([], ranks=options.workers),
            f"{options.workers} workers of Ray": Way(on_ray),
            f"{options.workers} workers of Ray, one killed": Way(on_ray, kill_after=options.images // 2),
        }
        outs = {name: root / f"out{n}" for n, name in enumerate(ways)}
        costs = {name: cost_of(root / "photos", outs[name], way) for name, way in ways.items()}
        whole = outs["one process"]
        for name, out in outs.items():
            assert same_files(out, whole), f"{name}: other bytes than one process"
            assert intarsia.evaluate(whole / "panoptic.json", out / "panoptic.json").all.pq == 1
    show(costs, options.images)


def draw_images(folder: Path, count: int, side: int) -> None:
    """Blocks of noise: the model sees something in each."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    for n in range(count):
        blocks = generator.integers(0, 255, (3, 4, 3), np.uint8)
        Image.fromarray(blocks).resize((side, side)).save(folder / f"{n:06d}.png")


def cost_of(photos: Path, out: Path, way: Way) -> Cost:
    """Run the command, once or as ranks, and count all its processes."""
    command = [sys.executable, "-c", CODE, "predict", str(photos), "--out", str(out), "--threads", "1"]
    command += ["--no-overlays", *way.options]
    environments = [os.environ | {"RANK": str(n), "WORLD_SIZE": str(way.ranks)} for n in range(way.ranks)]
    wall_s, cpu_s = time.monotonic(), children_s()
    with tempfile.TemporaryFile("w+") as said:
        running = [subprocess.Popen(command, env=env, stdout=said, stderr=said) for env in environments]
        if way.kill_after is not None:
            kill_a_worker(running[0], out, after=way.kill_after)
        codes = [process.wait() for process in running]
        wall_s = time.monotonic() - wall_s
        wait_for_orphans()
        said.seek(0)
        text = said.read()
    assert not any(codes), text
    return Cost(wall_s, children_s() - cpu_s, text)


def kill_a_worker(command: subprocess.Popen[bytes], out: Path, *, after: int) -> None:
    """Kill the process that wrote the last finished part, once there are maps of so many images."""
    done: list[Path] = []
    while not done or len(list((out / "panoptic").iterdir())) < after:
        assert command.poll() is None, "the command ended before a worker was killed"
        time.sleep(LOOK_S)
        done = sorted(out.glob(".shards/*/[0-9]*.jsonl"))
    os.kill(json.loads(done[-1].read_text().partition("\n")[0])["process"], signal.SIGKILL)


def wait_for_orphans() -> None:
    """What Ray started and left to end by itself is ours to wait for, and then counts."""
    until = time.monotonic() + MOST_WAIT_S
    with suppress(ChildProcessError):
        while time.monotonic() < until:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(0.2)


def children_s() -> float:
    """CPU seconds of all processes that were waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def same_files(one: Path, other: Path) -> bool:
    """Whether two folders have the same files of the same bytes."""
    names = [
        sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())
        for root in (one, other)
    ]
    return names[0] == names[1] and all((one / n).read_bytes() == (other / n).read_bytes() for n in names[0])


def show(costs: dict[str, Cost], num_images: int) -> None:
    """Print the table, and how much was printed on the way."""
    alone = costs["one process"]
    table = Table("way", "wall s", "CPU s", "CPU ms more an image", "lines printed")
    for name, cost in costs.items():
        more = 1e3 * (cost.cpu_s - alone.cpu_s) / num_images
        table.add_row(
            name, f"{cost.wall_s:.0f}", f"{cost.cpu_s:.0f}", f"{more:+.2f}", str(len(cost.said.splitlines()))
        )
    Console().print(f"{num_images} images: the same bytes, PQ 1", table)


if __name__ == "__main__":
    main()
