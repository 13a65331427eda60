"""Killed at any moment, a conversion goes on and an evaluation starts anew: nothing is half or lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.cli import main
from intarsia.formats.coco import CocoWriter
from intarsia.panoptic import PanopticMap, Segment

CODE = "import sys; from intarsia.cli import main; sys.exit(main(sys.argv[1:]))"
NUM_IMAGES = 40


def write_source(folder: Path) -> Path:
    generator = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    with CocoWriter(folder / "panoptic.json", Categories.named("facades")) as writer:
        for n in range(NUM_IMAGES):
            ids = np.kron(generator.integers(0, 9, (30, 40)), np.ones((8, 8), int))
            segments = [Segment(k, 1 if k < 8 else 6) for k in range(1, 9)]
            writer.add(f"{n}.png", PanopticMap(ids, segments))
            Image.fromarray(generator.integers(0, 255, (240, 320, 3), np.uint8)).save(
                folder / "images" / f"{n}.png"
            )
    return folder


def kill_at(moment_s: float, command: list[str], begun: Path) -> bool:
    """Start a command and kill it so long after it began to write; whether it was still running."""
    process = subprocess.Popen([sys.executable, "-c", CODE, *command], stdout=subprocess.DEVNULL)
    while process.poll() is None and not begun.exists():
        time.sleep(0.005)
    time.sleep(moment_s)
    running = process.poll() is None
    process.send_signal(signal.SIGKILL)
    process.wait()
    return running


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
@pytest.mark.parametrize("to", ["coco", "label-stack"])
def test_a_conversion_killed_again_and_again_ends_as_if_it_had_not_been(tmp_path: Path, to: str):
    source = write_source(tmp_path / "in")
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    assert main(["convert", "coco", str(source), str(whole), "--to", to]) == 0
    moments = random.Random(to)
    command = ["convert", "coco", str(source), str(killed), "--to", to]
    survived = [kill_at(moments.uniform(0, 0.4), command, killed) for _ in range(4)]
    assert any(survived), "no run was killed while it worked"
    assert main(command) == 0
    assert files_of(killed) == files_of(whole)


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_killed_evaluation_leaves_no_half_result(tmp_path: Path):
    source = str(write_source(tmp_path / "in") / "panoptic.json")
    out = tmp_path / "out.json"
    command = [
        "evaluate",
        "--truth",
        source,
        "--prediction",
        source,
        "--also",
        "boundary",
        "--json",
        str(out),
    ]
    moments = random.Random(1)
    for _ in range(4):
        kill_at(moments.uniform(0, 1.5), command, tmp_path)
        assert not out.exists() or json.loads(out.read_text())["All"]["pq"] == 1
        out.unlink(missing_ok=True)
    assert main(command) == 0
    assert json.loads(out.read_text())["All"]["pq"] == 1
