"""A prediction is measured against the truth of its own image, or refused: ids and file names must agree."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intarsia.categories import Categories
from intarsia.cli import main
from intarsia.formats.coco import CocoWriter
from intarsia.formats.image_names import ImageNames, image_ids_of, json_beside
from intarsia.metrics import evaluate_folders
from intarsia.panoptic import PanopticMap, Segment

FACADES = Categories.named("facades")


def write(path: Path, images: list[tuple[Any, str, int]]) -> Path:
    """Images of ten pixels whose first so many are a window, the others facade."""
    with CocoWriter(path, FACADES) as writer:
        for id, name, width in images:
            ids = np.where(np.arange(10) < width, 1, 2)[None]
            writer.add(name, PanopticMap(ids, [Segment(1, 1), Segment(2, 6)]), image_id=id)
    return path


def edit(path: Path, change: Any) -> None:
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


TRUTH = [(20, "b.jpg", 2), (10, "c.jpg", 5), (30, "a.jpg", 8)]


def test_ids_that_stand_for_other_files_are_refused(tmp_path: Path, capsys: Any):
    """A perfect prediction, numbered by file name: paired by id alone it would have PQ 33.3."""
    truth = write(tmp_path / "truth.json", [(2, "b.jpg", 2), (1, "c.jpg", 5), (3, "a.jpg", 8)])
    prediction = write(tmp_path / "p.json", [(1, "a.jpg", 8), (2, "b.jpg", 2), (3, "c.jpg", 5)])
    with pytest.raises(
        ValueError,
        match=r"p.json` must be one whose .*; others: 2, got 'a.jpg' for 1, which is 'c.jpg'",
    ):
        evaluate_folders(truth, prediction)
    assert main(["evaluate", "--truth", str(truth), "--prediction", str(prediction)]) == 2
    assert (
        "image_ids_of` gives the truth's ids; without `image_id`, file names pair." in capsys.readouterr().err
    )


def test_names_pair_where_ids_are_absent(tmp_path: Path, capsys: Any):
    truth = write(tmp_path / "truth.json", TRUTH)
    other = write(tmp_path / "p.json", [(1, "images/a.png", 8), (2, "b.png", 2), (3, "c.jpg", 5)])
    report = evaluate_folders(truth, other)
    assert report.all.pq == 1
    assert report.remarks == ("Paired 3 of 3 images by file name: the prediction has no map for their ids.",)
    assert main(["evaluate", "--truth", str(truth), "--prediction", str(other)]) == 0
    assert "Paired 3 of 3 images by file name" in capsys.readouterr().out.replace("\n", " ")


def test_annotations_without_ids_pair_by_the_names_of_their_maps(tmp_path: Path):
    truth = write(tmp_path / "truth.json", TRUTH)
    prediction = write(tmp_path / "p.json", TRUTH[::-1])

    def forget(content: dict[str, Any]) -> None:
        del content["images"]
        for row in content["annotations"]:
            del row["image_id"]

    edit(prediction, forget)
    assert evaluate_folders(truth, prediction).all.pq == 1


def test_folders_stand_for_the_one_json_they_hold(tmp_path: Path):
    truth = write(tmp_path / "data" / "annotations" / "panoptic_val2017.json", TRUTH)
    write(tmp_path / "out" / "panoptic.json", TRUTH)
    assert evaluate_folders(tmp_path / "data", tmp_path / "out").all.pq == 1
    write(truth.with_name("panoptic_train2017.json"), TRUTH)
    with pytest.raises(
        ValueError, match="or a folder with one, got several: annotations/panoptic_train2017.json"
    ):
        evaluate_folders(tmp_path / "data", tmp_path / "out")
    (tmp_path / "truth").mkdir()
    with pytest.raises(
        ValueError, match="truth` must be a COCO panoptic JSON, or a folder with one, got none"
    ):
        evaluate_folders(tmp_path / "truth", tmp_path / "out")


def test_a_prediction_without_file_names_is_paired_by_id(tmp_path: Path):
    truth = write(tmp_path / "truth.json", TRUTH)
    prediction = write(tmp_path / "p.json", TRUTH[1:] + TRUTH[:1])
    edit(prediction, lambda content: content.pop("images"))
    report = evaluate_folders(truth, prediction)
    assert report.all.pq == 1
    assert not report.remarks


def test_ids_as_text_pair_with_ids_as_numbers(tmp_path: Path):
    truth = write(tmp_path / "truth.json", TRUTH)
    prediction = write(tmp_path / "p.json", [(str(id), name, width) for id, name, width in TRUTH])
    assert evaluate_folders(truth, prediction).all.pq == 1


def test_two_predictions_of_one_name_are_refused(tmp_path: Path):
    truth = write(tmp_path / "truth.json", TRUTH)
    prediction = write(tmp_path / "p.json", [(1, "a.jpg", 8), (2, "a.png", 2), (20, "b.jpg", 2)])
    with pytest.raises(ValueError, match="one with one map an image, got a.jpg and a.png for 30"):
        evaluate_folders(truth, prediction)


@pytest.mark.parametrize(
    ("name", "id"),
    [
        ("x/y.png", 1),
        ("images/x/y.png", 1),
        (r"images\x\y.jpg", 1),
        ("z/y.png", 2),
        ("y.png", None),
        ("cafe\u0301.jpg", 3),
        ("CAFÉ.JPG", 3),
        ("a.jpg", 4),
        ("a.png", 5),
        ("a.tif", None),
        ("bonn/bonn_000001_000019_leftImg8bit.png", 6),
        ("bonn_000001_000019.png", 6),
        ("elsewhere.png", None),
        ("", None),
    ],
)
def test_a_name_means_the_one_image_it_fits(name: str, id: int | None):
    names = {1: "x/y.png", 2: "z/y.png", 3: "caf\u00e9.jpg", 4: "a.jpg", 5: "a.png"}
    assert ImageNames({**names, 6: "bonn_000001_000019_gtFine_leftImg8bit.png"}).find(name) == id


def test_photos_take_the_ids_of_the_data_set(tmp_path: Path):
    """What `predict` writes with these ids is paired with the truth by id."""
    truth = write(tmp_path / "data" / "panoptic.json", TRUTH)
    (tmp_path / "data" / "images").mkdir()
    assert json_beside(tmp_path / "data" / "images") == json_beside(tmp_path / "data") == truth
    assert json_beside(tmp_path) is None
    ids = image_ids_of(truth, ["a.jpg", "b.jpg", "c.jpg", "new.jpg"])
    assert ids == {"a.jpg": 30, "b.jpg": 20, "c.jpg": 10}
    prediction = write(tmp_path / "p.json", [(ids[name], name, width) for _, name, width in TRUTH])
    report = evaluate_folders(truth, prediction)
    assert (report.all.pq, report.remarks) == (1, ())
    assert image_ids_of(truth, ["a.png", "a.tif", "a.jpg"]) == {"a.jpg": 30}
    with pytest.raises(
        ValueError, match="different names in .*panoptic.json, got a.png and a.tif for image 30"
    ):
        image_ids_of(truth, ["a.png", "a.tif"])
