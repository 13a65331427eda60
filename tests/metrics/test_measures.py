"""Everything that an evaluation of folders can be asked for, against the same on maps in memory."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from intarsia.categories import Categories
from intarsia.commands.evaluate import evaluate
from intarsia.errors import PartialFailure
from intarsia.formats.coco import CocoWriter
from intarsia.metrics import ImageTable, MatchHistogram, PanopticQuality, Request, evaluate_folders
from intarsia.metrics.measures import MEASURES
from intarsia.metrics.tally import AbstractTally, Comparison
from intarsia.panoptic import PanopticMap, Segment
from tests.metrics.random_maps import found_map, random_map

FACADES = Categories.named("facades")
EVERYTHING = tuple(MEASURES)


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write(tmp_path / "truth.json", [random_map(seed) for seed in range(6)])


@pytest.fixture
def prediction(tmp_path: Path) -> Path:
    return write(tmp_path / "prediction.json", [found_map(seed) for seed in range(6)])


def write(path: Path, maps: list[PanopticMap]) -> Path:
    with CocoWriter(path, FACADES) as writer:
        for number, one in enumerate(maps, start=1):
            writer.add(f"{number}.jpg", one)
    return path


def in_memory(request: Request) -> dict[str, AbstractTally]:
    tallies = request.tallies(FACADES)
    for seed in range(6):
        image = Comparison.of(found_map(seed), random_map(seed), FACADES, name=str(seed + 1))
        for tally in tallies.values():
            tally.add(request.trim(image, FACADES))
    return tallies


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("min_stuff_px", [0, 600])
def test_folders_give_what_maps_in_memory_give(
    truth: Path, prediction: Path, workers: int, min_stuff_px: int
):
    request = Request(EVERYTHING, boundary_ratio=0.04, min_stuff_px=min_stuff_px)
    report = evaluate_folders(truth, prediction, workers=workers, request=request)
    got = {name: one.to_json() for name, one in report.also.items()}
    want = {name: tally.compute().to_json() for name, tally in in_memory(request).items()}
    assert json.dumps(got) == json.dumps(want)
    assert list(got) == list(EVERYTHING)


def test_trimming_small_stuff_is_evaluating_trimmed_maps(truth: Path, prediction: Path, tmp_path: Path):
    def trim(one: PanopticMap) -> PanopticMap:
        small = [s.id for s in one.segments if s.category_id >= 6 and one.area(s.id) < 600]
        return PanopticMap.keeping_visible(np.where(np.isin(one.ids, small), 0, one.ids), one.segments)

    maps = [found_map(seed) for seed in range(6)]
    assert any(trim(one) != one for one in maps)
    other = write(tmp_path / "trimmed.json", [trim(one) for one in maps])
    names = tuple(name for name in EVERYTHING if name != "images")
    want = evaluate_folders(truth, other, request=Request(names))
    got = evaluate_folders(truth, prediction, request=Request(names, min_stuff_px=600))
    assert json.dumps(got.to_json()) == json.dumps(want.to_json())
    assert got.all.pq != evaluate_folders(truth, prediction).all.pq > 0


def test_the_groups_of_the_json_keep_their_shape(truth: Path, prediction: Path, tmp_path: Path, capsys: Any):
    plain = evaluate_folders(truth, prediction).to_json()
    evaluate(truth, prediction, json=tmp_path / "out.json", also=("iou", "mask-ap", "errors", "leaf"))
    content = json.loads((tmp_path / "out.json").read_text())
    assert {key: content[key] for key in plain} == plain
    assert content.keys() - plain.keys() == {"iou", "mask_ap", "errors", "leaf"}
    assert set(content["iou"]) == {"miou", "things", "stuff", "per_class"}
    shown = capsys.readouterr().out
    assert all(word in shown for word in ("mIoU of stuff", "AP75", "wrong category", "|difference in count|"))


def test_a_row_for_each_image(truth: Path, prediction: Path, tmp_path: Path):
    evaluate(truth, prediction, per_image=tmp_path / "rows.csv")
    evaluate(truth, prediction, per_image=tmp_path / "rows.json")
    with (tmp_path / "rows.csv").open() as file:
        lines = list(csv.DictReader(file))
    rows = json.loads((tmp_path / "rows.json").read_text())
    assert (
        [line["image"] for line in lines] == [row["image"] for row in rows] == [str(n) for n in range(1, 7)]
    )
    for line, row, seed in zip(lines, rows, range(6), strict=True):
        assert float(line["pq"]) == row["pq"]
        quality = PanopticQuality(FACADES)
        quality.update(found_map(seed), random_map(seed))
        counts = [
            sum(getattr(one, name) for one in quality.compute().per_category.values())
            for name in ("tp", "fp", "fn", "iou")
        ]
        assert [row["tp"], row["fp"], row["fn"]] == counts[:3]
        assert row["pq"] == pytest.approx(counts[3] / (counts[0] + counts[1] / 2 + counts[2] / 2))
        assert row["matched"] == row["tp"]


def test_an_image_with_nothing_to_find_has_no_quality():
    table = ImageTable(FACADES)
    table.update(PanopticMap.empty(2, 2), PanopticMap.empty(2, 2), name="void")
    report = table.compute()
    assert math.isnan(report.rows[0].pq)
    assert report.to_json()[0]["pq"] is None
    assert ",,,,0,0,0" in report.to_csv()
    assert report.worst(3) == ()
    assert report.summary() == {"mean PQ of an image": "–"}


def test_the_worst_images_come_first():
    table, one = ImageTable(FACADES), PanopticMap(np.ones((4, 4), int), [Segment(1, 1)])
    half = PanopticMap(np.where(np.arange(16).reshape(4, 4) < 12, 1, 0), [Segment(1, 1)])
    for name, found in (("right", one), ("none", PanopticMap.empty(4, 4)), ("part", half)):
        table.update(found, one, name=name)
    assert [row.image for row in table.compute().worst(5)] == ["none"]
    assert [row.pq for row in table.compute().rows] == [1.0, 0.0, 0.75]


def test_a_histogram_by_hand():
    """IoU 3/4 lies in the sixth bin of ten from 1/2 to 1, and a perfect match in the last one."""
    histogram = MatchHistogram(FACADES)
    truth = PanopticMap(np.array([[1, 1, 1, 2]]), [Segment(1, 1), Segment(2, 6)])
    histogram.update(PanopticMap(np.ones((1, 4), int), [Segment(1, 1)]), truth)
    histogram.update(truth, truth)
    rows = histogram.compute().per_category
    assert rows[1].tolist() == [0, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert rows[6].tolist() == [0] * 9 + [1]
    assert histogram.compute().summary() == {"matches": "3", "of them with IoU from 0.75": "100.0"}


def test_a_broken_image_leaves_the_other_metrics_whole(truth: Path, prediction: Path):
    (prediction.with_suffix("") / "4.png").write_bytes(b"broken")
    with pytest.raises(PartialFailure, match=r"1 of 6 failed") as failure:
        evaluate_folders(truth, prediction, request=Request(EVERYTHING), workers=2)
    assert [row.image for row in failure.value.result.also["images"].rows] == ["1", "2", "3", "5", "6"]


def test_sizes_are_checked_when_maps_are_read(truth: Path, prediction: Path, tmp_path: Path):
    one = PanopticMap(np.ones((1, 60), int), [Segment(1, 6)])
    content = json.loads(prediction.read_text())
    write(tmp_path / "small.json", [one])
    (tmp_path / "small" / "1.png").rename(prediction.with_suffix("") / "1.png")
    content["annotations"][0]["segments_info"] = [{"id": 1, "category_id": 6}]
    prediction.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"1.png` must be as large as its truth, 48x60, got 1x60"):
        evaluate_folders(truth, prediction, request=Request(("boundary",)))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"names": ("mask-pa",)}, "`also` must be known metrics, got 'mask-pa'. Did you mean `mask-ap`"),
        ({"min_stuff_px": -1}, "`min_stuff_px` must be at least 0, got -1"),
        ({"boundary_ratio": 0.0}, "`boundary_ratio` must be above 0, got 0.0"),
    ],
)
def test_what_cannot_be_measured_is_refused(change: dict, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        Request(**change)


def test_a_score_that_is_no_number_is_refused(truth: Path, prediction: Path):
    content = json.loads(prediction.read_text())
    content["annotations"][0]["segments_info"][0]["score"] = None
    prediction.write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match="prediction.json` must be one with finite scores, got None for segment .* of 1.png"
    ):
        evaluate_folders(truth, prediction)


@pytest.mark.parametrize("name", EVERYTHING)
def test_a_tally_of_other_categories_is_refused(name: str):
    request = Request((name,))
    one, other = request.tallies(FACADES)[name], request.tallies(Categories.named("nuclei"))[name]
    with pytest.raises(ValueError, match="`other` must be a tally of the same categories, got 2 others"):
        one.merge(other)


def test_a_tally_with_other_options_is_refused():
    for name, changed, sentence in (
        ("boundary", Request(("boundary",), boundary_ratio=0.5).tallies(FACADES)["boundary"], "ratio 0.02"),
        ("mask-ap", Request(("box-ap",)).tallies(FACADES)["box-ap"], "kind mask"),
    ):
        with pytest.raises(ValueError, match=f"`other` must be a tally with {sentence}"):
            Request((name,)).tallies(FACADES)[name].merge(changed)
