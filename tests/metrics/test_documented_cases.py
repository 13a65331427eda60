"""Every row of the table in docs/evaluation.md: what evaluation does where the reference crashes or errs."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.cli import main
from intarsia.errors import PartialFailure
from intarsia.formats.coco import CocoWriter
from intarsia.metrics import PanopticQuality, evaluate_folders
from intarsia.metrics.quality_report import QualityReport
from intarsia.panoptic import PanopticMap, Segment, ids_to_rgb
from tests.formats.png_writer import GREY, RGB, RGBA, png_of

PAGE = Path(__file__).parents[2] / "docs" / "evaluation.md"
FACADES = Categories.named("facades")
IDS = np.array([[1, 1, 1, 1], [2, 2, 0, 0]])
WINDOW, BALCONY, FACADE = 1, 2, 6


class Case:
    """Two images in truth and prediction, alike: a window of 4 pixels, facade of 2, void of 2."""

    def __init__(self, folder: Path) -> None:
        self.truth, self.prediction = folder / "truth.json", folder / "prediction.json"
        for path in (self.truth, self.prediction):
            self.write(path, IDS, [Segment(1, WINDOW), Segment(2, FACADE)])

    def write(self, path: Path, ids: Any, segments: list[Segment], categories: Categories = FACADES) -> None:
        with CocoWriter(path, categories) as writer:
            for name in ("a", "b"):
                writer.add(f"{name}.jpg", PanopticMap(np.array(ids), segments))

    def edit(self, path: Path, change: Callable[[list], Any]) -> None:
        """Change the annotations of a JSON."""
        content = json.loads(path.read_text())
        change(content["annotations"])
        path.write_text(json.dumps(content))

    def segments(self, path: Path, change: Callable[[list], Any]) -> None:
        """Change the segments of the first image."""
        self.edit(path, lambda rows: change(rows[0]["segments_info"]))

    def png(self, path: Path) -> Path:
        """The first image's map."""
        return path.with_suffix("") / "a.png"

    def evaluated(self) -> QualityReport:
        return evaluate_folders(self.truth, self.prediction)

    def refused(self, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            self.evaluated()

    def counts(self, category_id: int) -> tuple[int, int, int]:
        row = self.evaluated().per_category[category_id]
        return row.tp, row.fp, row.fn


def wrong_area(case: Case) -> None:
    before = case.evaluated()
    case.segments(case.truth, lambda rows: rows[0].update(area=1))
    after = case.evaluated()
    assert after.to_json() == before.to_json()
    assert "Wrong `area` of 1 true segment (segment 1 of " in after.remarks[0]
    assert "a.png has area 1 in the JSON and 4 pixels in the PNG" in after.remarks[0]


def several_crowds(case: Case) -> None:
    """A window predicted over each of two crowds of windows: none is spurious."""
    rows = [Segment(1, WINDOW, is_crowd=True), Segment(2, WINDOW, is_crowd=True)]
    case.write(case.truth, IDS, rows)
    case.write(case.prediction, IDS, [Segment(1, WINDOW), Segment(2, WINDOW)])
    assert case.counts(WINDOW) == (0, 0, 0)


def no_stuff_at_all(case: Case) -> None:
    things = Categories(FACADES.things)
    for path in (case.truth, case.prediction):
        case.write(path, IDS, [Segment(1, WINDOW), Segment(2, BALCONY)], things)
    report = case.evaluated()
    assert report.things.pq == 1
    assert report.stuff.n == 0
    assert math.isnan(report.stuff.pq)
    assert report.to_json()["Stuff"] == {"pq": None, "sq": None, "rq": None, "n": 0}


def absent_category(case: Case) -> None:
    report = case.evaluated()
    assert report.all.n == 2
    assert report.to_json()["per_class"][str(BALCONY)] == {
        **dict.fromkeys(("pq", "sq", "rq", "iou"), 0.0),
        **dict.fromkeys(("tp", "fp", "fn"), 0),
    }


def only_in_predictions(case: Case) -> None:
    case.write(case.prediction, IDS, [Segment(1, BALCONY), Segment(2, FACADE)])
    assert case.counts(BALCONY) == (0, 2, 0)
    assert case.evaluated().per_category[BALCONY].pq == 0
    assert case.evaluated().all.n == 3


def unlisted_truth_pixels(case: Case) -> None:
    """A window predicted on 8 pixels, 4 of them a window and 4 of no segment, which are not void: IoU 1/2."""
    for path, ids in ((case.truth, [[1, 1, 1, 1], [2, 2, 2, 2]]), (case.prediction, [[1] * 4, [1] * 4])):
        shown = np.unique(ids).tolist()
        case.write(path, ids, [Segment(id, WINDOW) for id in shown])
    case.edit(case.truth, lambda rows: [row["segments_info"].pop() for row in rows])
    assert case.counts(WINDOW) == (0, 2, 2)


def truth_without_pixels(case: Case) -> None:
    more = {"id": 9, "category_id": WINDOW, "area": 0, "iscrowd": 0}
    case.segments(case.truth, lambda rows: rows.append(more))
    assert case.counts(WINDOW) == (2, 0, 1)


def id_twice(case: Case) -> None:
    for path in (case.prediction, case.truth):
        case.segments(path, lambda rows: rows.append(rows[0]))
        case.refused(f"{path.name}` must be without two segments of one id in a map, got 1 twice in a.png")


def image_twice(case: Case) -> None:
    for path in (case.prediction, case.truth):
        case.edit(path, lambda rows: rows.append(rows[0]))
        case.refused(f"{path.name}` must be one with one map an image, got two of 1")


def no_proper_id(case: Case) -> None:
    for path in (case.prediction, case.truth):
        for id in (0, -3, 1.5):
            case.segments(path, lambda rows, id=id: rows[0].update(id=id))
            case.refused(f"{path.name}` must be one with segment ids .*, got {id} ")


def huge_id(case: Case) -> None:
    case.segments(case.truth, lambda rows: rows.append({"id": 1 << 24, "category_id": WINDOW}))
    assert case.counts(WINDOW) == (2, 0, 1)
    case.segments(case.prediction, lambda rows: rows.append({"id": 1 << 24, "category_id": WINDOW}))
    case.refused("a.png` must be showing every segment its JSON lists, got no pixel of id 16777216")
    quality, large = PanopticQuality(FACADES), (1 << 31) - 1
    one = PanopticMap(np.array([[large]]), [Segment(large, WINDOW)])
    quality.update(one, one)
    assert quality.compute().all.pq == 1


def a_row_of_pixels(case: Case) -> None:
    Image.fromarray(ids_to_rgb(IDS[:1])).save(case.png(case.prediction))
    case.refused("prediction/a.png` must be as large as its truth, 2x4, got 1x4")


def no_entry(case: Case) -> None:
    case.edit(case.prediction, lambda rows: rows.pop(0))
    case.refused("prediction.json` must be a prediction for every image; missing: 1 of 2, got none for 1")


def ids_that_differ(case: Case) -> None:
    case.segments(case.prediction, lambda rows: rows.append({"id": 9, "category_id": WINDOW}))
    case.refused("prediction/a.png` must be showing every segment its JSON lists, got no pixel of id 9")
    case.segments(case.prediction, lambda rows: [rows.pop(), rows.pop()])
    case.refused("prediction/a.png` must be made of ids that its JSON lists and 0, got id 2")


def unknown_category(case: Case) -> None:
    case.segments(case.prediction, lambda rows: rows[0].update(category_id=77))
    case.refused("made of the truth's categories, got 77 for segment 1 of a.png")


def more_predictions(case: Case) -> None:
    before = case.evaluated().to_json()
    case.edit(case.prediction, lambda rows: rows.append({**rows[0], "image_id": 99, "file_name": "none.png"}))
    assert case.evaluated().to_json() == before


def rewritten(case: Case, color: int, channels: int, *, bits: int = 8, interlaced: bool = False) -> None:
    """Store the truth's first map in another kind of PNG; what is over three channels is noise."""
    generator = np.random.default_rng(0)
    samples = generator.integers(0, 256, (*IDS.shape, channels))
    samples[..., :3] = ids_to_rgb(IDS)[..., :channels]
    content = png_of(samples, color, generator, bits=bits, interlaced=interlaced)
    case.png(case.truth).write_bytes(content)


def rgba(case: Case) -> None:
    rewritten(case, RGBA, 4)
    assert case.evaluated().all.pq == 1


def palette(case: Case) -> None:
    Image.fromarray(ids_to_rgb(IDS)).quantize(4).save(case.png(case.truth))
    with Image.open(case.png(case.truth)) as image:
        assert image.mode == "P"
    assert case.evaluated().all.pq == 1


def interlaced(case: Case) -> None:
    rewritten(case, RGB, 3, interlaced=True)
    assert case.evaluated().all.pq == 1


def named_at_the_end(case: Case, words: str) -> None:
    with pytest.raises(PartialFailure, match=f"1 of 2 failed: .*truth/a.png` must be {words}"):
        case.evaluated()


def sixteen_bits(case: Case) -> None:
    rewritten(case, RGB, 3, bits=16)
    named_at_the_end(case, "a PNG with 8-bit RGB colours, .*got mode RGB, 16 bits")


def grey(case: Case) -> None:
    rewritten(case, GREY, 1)
    named_at_the_end(case, "a PNG with 8-bit RGB colours, .*got mode L, 8 bits")


def missing_or_broken(case: Case) -> None:
    command = ["evaluate", "--truth", str(case.truth), "--prediction", str(case.prediction)]
    assert main(command) == 0
    case.png(case.truth).unlink()
    named_at_the_end(case, "a readable panoptic PNG, got No such file")
    assert main(command) == 1
    other = case.prediction.with_suffix("") / "b.png"
    other.write_bytes(other.read_bytes()[:45])
    case.refused("a.png` must be a readable panoptic PNG.* So it is with all 2 images")
    assert main(command) == 2


CASES: dict[str, Callable[[Case], None]] = {
    "`area` in the truth's JSON is wrong": wrong_area,
    "several crowds of one category": several_crowds,
    "a group without any category (no stuff at all)": no_stuff_at_all,
    "a category without any segment in truth and prediction": absent_category,
    "a category only in predictions": only_in_predictions,
    "truth pixels whose id no segment has": unlisted_truth_pixels,
    "a truth segment without pixels": truth_without_pixels,
    "the same id twice in one `segments_info`": id_twice,
    "the same image twice in one JSON": image_twice,
    "segment id 0, negative, or no whole number": no_proper_id,
    "id ≥ 2^24 in a JSON": huge_id,
    "a 1xW map against HxW": a_row_of_pixels,
    "a prediction has no entry for an image": no_entry,
    "a predicted id in the PNG but not in the JSON, or the other way round": ids_that_differ,
    "an unknown predicted category": unknown_category,
    "predictions for images the truth does not list": more_predictions,
    "RGBA PNG": rgba,
    "palette PNG": palette,
    "interlaced PNG": interlaced,
    "16-bit PNG": sixteen_bits,
    "grey PNG": grey,
    "a missing or broken PNG": missing_or_broken,
}


def documented_cases() -> list[str]:
    """The first column of the table with a column for the reference."""
    _, _, after = PAGE.read_text(encoding="utf-8").partition("| case | panopticapi | intarsia |\n")
    table, _, _ = after.partition("\n\n")
    return [line.split("|")[1].strip() for line in table.splitlines()[1:]]


@pytest.mark.parametrize("row", documented_cases())
def test_the_case_is_handled_as_documented(tmp_path: Path, row: str):
    assert row in CASES, f"docs/evaluation.md has a row without a test: {row}"
    CASES[row](Case(tmp_path))


def test_no_case_is_tested_that_is_not_documented():
    assert documented_cases() == list(CASES)
