"""The page holds its pictures and numbers itself, and names what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands.evaluate import evaluate
from intarsia.formats.coco import CocoWriter
from intarsia.panoptic import PanopticMap, Segment


def write(path: Path, ids: list[list[int]]) -> Path:
    segments = [Segment(n, 1 + n % 2, is_crowd=n == 3) for n in np.unique(ids).tolist() if n]
    with CocoWriter(path, Categories.named("facades")) as writer:
        writer.add("<b>.jpg", PanopticMap(np.array(ids), segments))
    return path


def test_the_page_stands_alone_and_escapes_names(tmp_path: Path):
    truth = write(tmp_path / "truth.json", [[1, 1, 2, 2], [0, 3, 4, 4]])
    found = write(tmp_path / "found.json", [[1, 1, 2, 5], [5, 0, 5, 5]])
    evaluate(truth, found, report=tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("data:image/png;base64,") == 3
    assert "http" not in page
    assert "<b>.png" not in page
    assert "&lt;b&gt;.png" in page


def test_photos_and_histograms_stand_beside_the_maps(tmp_path: Path):
    truth = write(tmp_path / "truth.json", [[1, 1, 2, 2], [0, 3, 4, 4]])
    found = write(tmp_path / "found.json", [[1, 1, 2, 5], [5, 0, 5, 5]])
    (tmp_path / "images").mkdir()
    Image.new("RGB", (4, 2), (200, 0, 0)).save(tmp_path / "images" / "<b>.jpg")
    evaluate(truth, found, report=tmp_path / "out", also=("iou",))
    page = (tmp_path / "out" / "index.html").read_text()
    assert page.count("data:image/jpeg;base64,") == 1
    assert page.count('class="bins"') == 1 + 2  # all categories, and the two that occur
    assert "mIoU of stuff" in page
    assert "1 found, 2 missed, 2 spurious" in page
    (tmp_path / "images").rename(tmp_path / "photos")
    evaluate(truth, found, report=tmp_path / "out")
    assert "image/jpeg" not in (tmp_path / "out" / "index.html").read_text()
    evaluate(truth, found, report=tmp_path / "out", images=tmp_path / "photos")
    assert "image/jpeg" in (tmp_path / "out" / "index.html").read_text()
    with pytest.raises(ValueError, match=r"none` must be a folder of images, got no such folder"):
        evaluate(truth, found, report=tmp_path / "out", images=tmp_path / "none")


def test_a_perfect_prediction_has_no_worst_image(tmp_path: Path):
    truth = write(tmp_path / "truth.json", [[1, 1, 2, 2]])
    evaluate(truth, truth, report=tmp_path / "out")
    assert "data:image" not in (tmp_path / "out" / "index.html").read_text()


def test_an_unwritable_folder_is_refused(tmp_path: Path):
    truth = write(tmp_path / "truth.json", [[1, 1, 2, 2]])
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file` must be a folder to write to, got File exists"):
        evaluate(truth, truth, report=tmp_path / "file")
