"""Counting a data set by hand, and a sentence for each thing that is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia._check import PartialFailure
from intarsia.categories import Categories
from intarsia.engine.inspect import inspect
from intarsia.formats.coco import CocoWriter
from intarsia.panoptic import PanopticMap, Segment


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    with CocoWriter(tmp_path / "panoptic.json", Categories.named("facades")) as writer:
        for n in range(3):
            ids = np.array([[1, 1, 0, 2], [1, 1, 3, 3]])
            writer.add(
                f"{n}.png", PanopticMap(ids, [Segment(1, 6), Segment(2, 1), Segment(3, 1, is_crowd=True)])
            )
            Image.new("RGB", (4, 2)).save(tmp_path / "images" / f"{n}.png")
    return tmp_path


def test_counts_by_hand(folder: Path, capsys: Any):
    found = inspect(str(folder), sheet=str(folder / "sheet.png"))
    assert (found.num_images, found.num_pixels, found.num_void, found.num_crowds) == (3, 24, 3, 3)
    assert dict(found.segments) == {6: 3, 1: 6}
    assert dict(found.pixels) == {6: 12, 1: 9}
    assert found.things_per_image == [2, 2, 2]
    assert "void 12.5 %" in capsys.readouterr().out
    with Image.open(folder / "sheet.png") as sheet:
        assert sheet.size == (960, 160)


def test_every_problem_is_named(folder: Path):
    (folder / "panoptic" / "0.png").unlink()
    (folder / "images" / "1.png").write_bytes(b"broken")
    Image.new("RGB", (5, 2)).save(folder / "images" / "2.png")
    Image.new("RGB", (4, 2)).save(folder / "panoptic" / "stray.png")
    with pytest.raises(PartialFailure) as failure:
        inspect(str(folder))
    wanted = ["panoptic/0.png", "images/1.png", "2x4, got 2x5", "stray.png` must be listed"]
    assert all(word in sentence for word, sentence in zip(wanted, failure.value.sentences, strict=True))


def test_a_folder_without_maps_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="must be a data set folder with panoptic.json"):
        inspect(str(tmp_path))
