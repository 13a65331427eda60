"""The page holds its pictures and numbers itself, and names what is wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands.evaluate import evaluate
from intarsia.commands.report import title_of
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
    assert "<b>.jpg" not in page
    assert "&lt;b&gt;.jpg" in page


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


@pytest.mark.parametrize(
    ("prediction", "truth", "names"),
    [
        ("out/panoptic.json", "city/val/panoptic.json", ("out", "city/val")),
        ("pred.json", "truth.json", ("pred", "truth")),
        ("a/x/panoptic.json", "b/x/panoptic.json", ("a/x", "b/x")),
        ("run/val.json", "gt/val.json", ("run/val", "gt/val")),
    ],
)
def test_the_title_says_what_was_compared(prediction: str, truth: str, names: tuple[str, str]):
    title = title_of(truth, prediction, num_images=3)
    assert title == f"Panoptic quality of {names[0]} on the 3 images of {names[1]}"


def test_the_title_of_a_file_against_itself_says_so(tmp_path: Path):
    title = title_of(tmp_path / "a.json", tmp_path / "a.json", num_images=1)
    assert title.count(str(tmp_path / "a")[1:]) == 2
    assert "on the image of" in title


def test_images_are_headed_by_the_names_of_their_photos(tmp_path: Path):
    truth = write(tmp_path / "truth.json", [[1, 1, 2, 2], [0, 3, 4, 4]])
    prediction = write(tmp_path / "mine.json", [[1, 1, 2, 5], [5, 0, 5, 5]])
    evaluate(truth, prediction, report=tmp_path / "out")
    page = (tmp_path / "out" / "index.html").read_text()
    assert "<h1>Panoptic quality of mine on the image of truth</h1>" in page
    assert "<h3>&lt;b&gt;.jpg</h3>" in page


def test_an_unwritable_folder_is_refused(tmp_path: Path):
    truth = write(tmp_path / "truth.json", [[1, 1, 2, 2]])
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file` must be a folder to write to, got File exists"):
        evaluate(truth, truth, report=tmp_path / "file")
