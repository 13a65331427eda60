"""The page holds its pictures and numbers itself, and names what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from intarsia.categories import Categories
from intarsia.engine.evaluate import evaluate
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


def test_a_perfect_prediction_has_no_worst_image(tmp_path: Path):
    truth = write(tmp_path / "truth.json", [[1, 1, 2, 2]])
    evaluate(truth, truth, report=tmp_path / "out")
    assert "data:image" not in (tmp_path / "out" / "index.html").read_text()


def test_an_unwritable_folder_is_refused(tmp_path: Path):
    truth = write(tmp_path / "truth.json", [[1, 1, 2, 2]])
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file` must be a folder to write to, got File exists"):
        evaluate(truth, truth, report=tmp_path / "file")
