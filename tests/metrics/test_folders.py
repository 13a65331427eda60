"""Evaluating maps on disk: equal to maps in memory, and one clear sentence for each thing that is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands.evaluate import evaluate
from intarsia.errors import PartialFailure
from intarsia.formats.coco import CocoWriter
from intarsia.metrics import PanopticQuality, evaluate_folders
from intarsia.panoptic import PanopticMap, Segment, ids_to_rgb

FACADES = Categories.named("facades")


def random_map(seed: int) -> PanopticMap:
    generator = np.random.default_rng(seed)
    ids = np.repeat(np.repeat(generator.integers(0, 5, (6, 8)), 4, axis=0), 3, axis=1)
    segments = [Segment(n, 1 + n // 2, is_crowd=n == 3) for n in range(1, 5)]
    return PanopticMap.keeping_visible(ids, segments)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write(tmp_path / "truth.json", [random_map(seed) for seed in range(6)])


@pytest.fixture
def prediction(tmp_path: Path) -> Path:
    return write(tmp_path / "prediction.json", [random_map(seed // 2) for seed in range(6)])


def write(path: Path, maps: list[PanopticMap]) -> Path:
    with CocoWriter(path, FACADES) as writer:
        for number, one in enumerate(maps):
            writer.add(f"{number}.jpg", one)
    return path


def edit(path: Path, **replacements: Any) -> dict:
    """Change the JSON by functions of its parts."""
    content = json.loads(path.read_text())
    for key, change in replacements.items():
        content[key] = change(content[key])
    path.write_text(json.dumps(content))
    return content


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_folders_give_what_maps_in_memory_give(truth: Path, prediction: Path, workers: int):
    quality = PanopticQuality(FACADES)
    for seed in range(6):
        quality.update(random_map(seed // 2), random_map(seed))
    assert evaluate_folders(truth, prediction, workers=workers).to_json() == quality.compute().to_json()


def test_predictions_need_annotations_only_and_may_be_for_more_images(truth: Path, prediction: Path):
    want = evaluate_folders(truth, prediction).to_json()
    content = json.loads(prediction.read_text())
    other = {"image_id": 99, "file_name": "none.png", "segments_info": []}
    prediction.write_text(json.dumps({"annotations": [other, *content["annotations"]]}))
    assert evaluate_folders(truth, prediction).to_json() == want


@pytest.mark.parametrize("area", [1, -5, 2**70, -(2**70), 1e300])
def test_a_wrong_area_is_reported_and_not_trusted(truth: Path, prediction: Path, area: float):
    want = evaluate_folders(truth, prediction)

    def shrink(rows: list) -> list:
        rows[0]["segments_info"][0]["area"] = area
        return rows

    edit(truth, annotations=shrink)
    got = evaluate_folders(truth, prediction)
    assert got.to_json() == want.to_json()
    assert not want.remarks
    assert "Wrong `area` of 1 true segment" in got.remarks[0]
    assert "0.png" in got.remarks[0]


def test_truth_pixels_of_no_segment_are_not_void(tmp_path: Path):
    """Prediction on 4 pixels, truth segment on 2 of them, 2 unlisted: IoU 2/4, a miss and a spurious."""
    one = PanopticMap(np.array([[1, 1, 2, 2]]), [Segment(1, 1), Segment(2, 2)])
    truth = write(tmp_path / "t.json", [one])
    prediction = write(tmp_path / "p.json", [PanopticMap(np.ones((1, 4), int), [Segment(1, 1)])])
    edit(truth, annotations=lambda rows: [{**rows[0], "segments_info": rows[0]["segments_info"][:1]}])
    row = evaluate_folders(truth, prediction).per_category[1]
    assert (row.tp, row.fp, row.fn) == (0, 1, 1)


def test_a_truth_segment_without_pixels_is_missed(tmp_path: Path):
    one = PanopticMap(np.ones((1, 4), int), [Segment(1, 1)])
    truth, prediction = write(tmp_path / "t.json", [one]), write(tmp_path / "p.json", [one])
    more = {"id": 2, "category_id": 1, "area": 0, "iscrowd": 0}
    edit(truth, annotations=lambda rows: [{**rows[0], "segments_info": [*rows[0]["segments_info"], more]}])
    row = evaluate_folders(truth, prediction).per_category[1]
    assert (row.tp, row.fn) == (1, 1)


def drop_image(rows: list) -> list:
    return rows[1:]


def repeat_image(rows: list) -> list:
    return [*rows, rows[0]]


def repeat_segment(rows: list) -> list:
    rows[0]["segments_info"].append(rows[0]["segments_info"][0])
    return rows


def unknown_category(rows: list) -> list:
    rows[0]["segments_info"][0]["category_id"] = 77
    return rows


def void_segment(rows: list) -> list:
    rows[0]["segments_info"][0]["id"] = 0
    return rows


def unlisted_id(rows: list) -> list:
    del rows[0]["segments_info"][0]
    return rows


def absent_id(rows: list) -> list:
    rows[0]["segments_info"].append({"id": 200, "category_id": 1})
    return rows


def huge_id(rows: list) -> list:
    rows[0]["segments_info"].append({"id": 1 << 24, "category_id": 1})
    return rows


def no_id(rows: list) -> list:
    del rows[0]["segments_info"][0]["id"]
    return rows


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (drop_image, "a prediction for every image; missing: 1 of 6, got none for 1"),
        (repeat_image, "one with one map an image, got two of 1"),
        (repeat_segment, r"without two segments of one id in a map, got \d twice in 0.png"),
        (unknown_category, "made of the truth's categories, got 77 for segment 1 of 0.png"),
        (void_segment, r"in \[1, 2\^31\), 0 is void, got 0 in 0.png"),
        (unlisted_id, "0.png` must be made of ids that its JSON lists and 0, got id 1"),
        (absent_id, "0.png` must be showing every segment its JSON lists, got no pixel of id 200"),
        (huge_id, "0.png` must be showing every segment its JSON lists, got no pixel of id 16777216"),
        (no_id, "prediction.json, annotation 0` must be complete, got an entry without 'id'"),
        (lambda rows: [], "prediction.json` must be a JSON with at least one annotation, got none"),
        (lambda rows: 3, "prediction.json` must be one whose `annotations` are a list, got a number"),
    ],
)
def test_a_prediction_that_contradicts_itself_is_refused(
    truth: Path, prediction: Path, change: Any, sentence: str
):
    edit(prediction, annotations=change)
    with pytest.raises(ValueError, match=sentence):
        evaluate_folders(truth, prediction)


def test_other_sizes_are_refused_with_the_file_name(truth: Path, prediction: Path):
    Image.fromarray(ids_to_rgb(np.ones((1, 24), int))).save(prediction.with_suffix("") / "2.png")
    with pytest.raises(ValueError, match="2.png` must be as large as its truth, 24x24, got 1x24"):
        evaluate_folders(truth, prediction)


def test_missing_files_and_folders_are_named(truth: Path, prediction: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="none.json` must be a readable COCO panoptic JSON"):
        evaluate_folders(truth, tmp_path / "none.json")
    with pytest.raises(
        ValueError, match="nowhere` must be the folder of PNGs of .*prediction.json, got no such"
    ):
        evaluate_folders(truth, prediction, prediction_dir=tmp_path / "nowhere")
    with pytest.raises(ValueError, match="`workers` must be at least 1, got 0"):
        evaluate_folders(truth, prediction, workers=0)


def test_one_broken_image_is_reported_and_the_rest_evaluated(truth: Path, prediction: Path, tmp_path: Path):
    broken = prediction.with_suffix("") / "4.png"
    broken.write_bytes(broken.read_bytes()[:50])
    with pytest.raises(PartialFailure, match="1 of 6 failed: .*4.png") as failure:
        evaluate(truth, prediction, json=tmp_path / "out.json")
    written = json.loads((tmp_path / "out.json").read_text())
    assert len(written["failed"]) == 1
    assert "4.png" in written["failed"][0]
    for path in (truth, prediction):
        edit(path, annotations=lambda rows: [row for row in rows if row["file_name"] != "4.png"])
    assert evaluate_folders(truth, prediction).to_json() == failure.value.result.to_json()


def test_nothing_but_broken_images_is_an_error(truth: Path, prediction: Path):
    for path in prediction.with_suffix("").iterdir():
        path.write_bytes(b"no picture")
    with pytest.raises(ValueError, match="0.png` must be a PNG, got .* So it is with all 6 images"):
        evaluate_folders(truth, prediction)


def test_evaluate_prints_a_table_and_writes_json(truth: Path, prediction: Path, tmp_path: Path, capsys: Any):
    report = evaluate(truth, prediction, json=tmp_path / "out.json", workers=2)
    assert json.loads((tmp_path / "out.json").read_text()) == report.to_json()
    assert "window" in capsys.readouterr().out


def test_an_unwritable_output_is_refused_before_any_work(truth: Path, prediction: Path, tmp_path: Path):
    with pytest.raises(ValueError, match="must be a file in an existing folder, got no "):
        evaluate(truth, prediction, json=tmp_path / "none" / "out.json")
