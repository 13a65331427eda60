"""Prediction from files and folders: everything readable is written, the rest is named."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import intarsia
from intarsia.cli import main
from intarsia.commands.tile_bar import tile_bar
from intarsia.errors import PartialFailure
from intarsia.formats.coco import read_coco, read_map
from intarsia.runtime.tiles import Tile

PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "china.jpg"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two small photos in nested folders and one file that only claims to be a photo."""
    folder = tmp_path / "photos"
    (folder / "deep").mkdir(parents=True)
    with Image.open(PHOTO) as image:
        image.resize((96, 64)).save(folder / "a.jpg")
        image.resize((64, 96)).save(folder / "deep" / "b.png")
    (folder / "c.jpg").write_bytes((folder / "a.jpg").read_bytes()[:500])
    return folder


def test_one_photo_becomes_a_coco_panoptic_folder_and_a_picture(photos, tmp_path, capsys):
    [prediction] = intarsia.predict((str(photos / "a.jpg"),), out=str(tmp_path / "out"))
    truth = read_coco(tmp_path / "out" / "panoptic.json")
    [record] = truth.records
    assert read_map(record, tmp_path / "out" / "panoptic") == prediction.map
    assert prediction.map.size == (64, 96)
    with Image.open(tmp_path / "out" / "overlays" / "a.jpg") as overlay:
        assert overlay.size == (96, 64)
    assert "a.jpg:" in capsys.readouterr().out


def test_a_folder_is_predicted_but_for_the_broken_file_which_is_named(photos, tmp_path):
    with pytest.raises(PartialFailure, match=r"1 of 3 failed: .*c\.jpg"):
        intarsia.predict((str(photos),), out=str(tmp_path / "out"))
    names = [record.image_file for record in read_coco(tmp_path / "out" / "panoptic.json").records]
    assert names == ["a.jpg", "deep/b.png"]


def test_the_command_line_says_so_with_its_exit_code(photos, tmp_path, capsys):
    assert main(["predict", str(photos), "--out", str(tmp_path / "out")]) == 1
    assert main(["predict", str(photos / "a.jpg"), "--out", str(tmp_path / "out")]) == 0
    assert main(["predict", str(tmp_path / "missing.jpg")]) == 2
    assert "`images` must be files or folders that exist" in capsys.readouterr().err


def test_results_do_not_depend_on_the_batch(photos, tmp_path):
    together = intarsia.predict(
        (str(photos / "a.jpg"), str(photos / "deep")), out=str(tmp_path / "together"), overlays=False
    )
    alone = intarsia.predict((str(photos / "deep"),), out=str(tmp_path / "alone"), overlays=False)
    assert together[1].map == alone[0].map


def test_files_of_one_name_do_not_overwrite_each_other(tmp_path):
    for folder in ("x", "y"):
        (tmp_path / folder).mkdir()
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / folder / "same.png")
    paths = (str(tmp_path / "x" / "same.png"), str(tmp_path / "y" / "same.png"))
    predictions = intarsia.predict(paths, out=str(tmp_path / "out"), overlays=False)
    assert [one.name for one in predictions] == ["same.png", "same-2.png"]
    assert len({one.file for one in predictions}) == 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"model": "facade"}, "Did you mean `facades`"),
        ({"out": "a.jpg/out"}, "`out` must be a folder that can be written"),
        ({"device": "cuda"}, "`device` must be one that this onnxruntime has, got cuda"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(photos, monkeypatch, options, message):
    monkeypatch.chdir(photos)
    with pytest.raises(ValueError, match=message):
        intarsia.predict(("a.jpg",), **options)


def test_many_tiles_say_how_far_they_are_soon_and_not_too_often(monkeypatch, capsys):
    """58594 tiles of a tenth of a second, which is 97 minutes: within 10 s, then in between the tenths."""
    clock = iter(np.arange(1_000_000) / 10)
    monkeypatch.setattr("intarsia.commands.tile_bar.time", SimpleNamespace(monotonic=lambda: next(clock)))
    tiles = [Tile(slice(0), slice(0), slice(0), slice(0))] * 58_594
    number_at: dict[str, int] = {}
    for number, _ in enumerate(tile_bar(tiles)):
        for line in capsys.readouterr().err.splitlines() if number % 50 == 1 else ():
            number_at[line] = number
    after_s = [number / 10 for number in number_at.values()]
    assert after_s[1] <= 10
    assert all(later <= 2 * sooner + 5 for sooner, later in pairwise(after_s[1:]))
    assert len(number_at) == 1 + 9 + len([5 * 2**n for n in range(20) if 5 * 2**n < 5859.4])
    assert list(number_at)[1] == "50 of 58594 tiles, about 5854 s left"


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(ValueError, match="must be a folder with pictures"):
        intarsia.predict((str(tmp_path),))


def test_a_large_image_tells_how_far_it_is_also_where_no_terminal_is(tmp_path, capsys):
    """A black line of 80000 pixels, of 32 times as many where it is padded: tiles beside each other."""
    Image.fromarray(np.zeros((1, 80_000, 3), np.uint8)).save(tmp_path / "black.png")
    [prediction] = intarsia.predict((str(tmp_path / "black.png"),), out=str(tmp_path / "out"), overlays=False)
    assert prediction.map.size == (1, 80_000)
    lines = capsys.readouterr().err.splitlines()
    assert re.fullmatch(r"predicting a large image in \d+ tiles", lines[0])
    assert re.fullmatch(r"\d+ of \d+ tiles, about \d+ s left", lines[1])
