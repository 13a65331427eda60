"""Killed at any moment, a conversion goes on, an evaluation and a prediction start anew: nothing is half."""

from __future__ import annotations

import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.cli import main
from intarsia.formats.coco import CocoWriter
from intarsia.formats.results import ResultFolder
from intarsia.panoptic import PanopticMap, Segment
from intarsia.pictures.reading import read_image
from tests.killing import kill_at

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


def write_photos(folder: Path, *, num: int = 12) -> Path:
    """Windows of a picture of nuclei."""
    photo = read_image("examples/photos/nuclei.tif")
    folder.mkdir()
    for n in range(num):
        Image.fromarray(photo[20 * n : 20 * n + 96, 10 * n : 10 * n + 96]).save(folder / f"{n}.png")
    return folder


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_a_prediction_killed_again_and_again_leaves_whole_files_and_ends_as_if_it_had_not_been(
    tmp_path: Path,
):
    """An index is there only when all that it lists is; the one of an earlier run is gone at once."""
    photos = str(write_photos(tmp_path / "photos"))
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    options = ["--model", "nuclei", "--threads", "1", "--write", "coco", "labels", "table", "geojson"]
    assert main(["predict", photos, "--out", str(whole), *options]) == 0
    moments = random.Random(2)
    command = ["predict", photos, "--out", str(killed), *options]
    num_killed = 0
    for _ in range(3):
        num_killed += kill_at(moments.uniform(0, 0.3), command, killed / "geojson")
        for path in {*killed.rglob("[!.]*.*")} - {killed / "category_map.json"}:
            assert path.read_bytes() == (whole / path.relative_to(killed)).read_bytes()
        if (killed / "panoptic.json").exists():  # this run went through before it was killed
            assert len(list((killed / "panoptic").iterdir())) == 12
            shutil.rmtree(killed)
    assert num_killed, "no run was killed while it worked"
    assert main(command) == 0
    assert files_of(killed) == files_of(whole)


def test_an_index_of_an_earlier_prediction_is_gone_before_the_first_map_is_replaced(tmp_path: Path):
    """Killed in between, old maps and new ones are never listed together."""
    categories, one = Categories.named("facades"), PanopticMap(np.ones((2, 2), int), [Segment(1, 6)])
    write = ("coco", "labels", "table", "instances")
    with ResultFolder(tmp_path, categories, write=write) as results:
        results.add("a.png", one)
    indices = {"panoptic.json", "segments.csv", "instances.json"}
    assert indices <= {path.name for path in tmp_path.iterdir()}
    with ResultFolder(tmp_path, categories, write=write):
        assert not indices & {path.name for path in tmp_path.iterdir()}
        assert json.loads((tmp_path / "category_map.json").read_text())["images"] == {}
