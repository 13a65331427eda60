"""Panoptic quality of maps in memory, against a slow version written from the rules."""

from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.categories import Categories, Category
from intarsia.metrics import PanopticQuality
from intarsia.panoptic import PanopticMap, Segment

A, B, C = 4, 9, 2
CATEGORIES = Categories(
    [
        Category(A, "A", True, (1, 2, 3)),
        Category(B, "B", False, (4, 5, 6)),
        Category(C, "C", True, (7, 8, 9)),
    ]
)


def slow_tallies(prediction: PanopticMap, truth: PanopticMap) -> dict[int, list]:
    """[sum of IoU, TP, FP, FN] by category, pixel set by pixel set, as docs/evaluation.md words the rules."""
    tally = {row.id: [0.0, 0, 0, 0] for row in CATEGORIES}
    void = truth.mask(0)
    found_truth, found_prediction = set(), set()
    for t in sorted(truth.segments, key=lambda s: s.id):
        for p in sorted(prediction.segments, key=lambda s: s.id):
            if t.is_crowd or t.category_id != p.category_id:
                continue
            inter = int((truth.mask(t.id) & prediction.mask(p.id)).sum())
            on_void = int((void & prediction.mask(p.id)).sum())
            union = truth.area(t.id) + prediction.area(p.id) - inter - on_void
            if inter / union > 0.5:
                tally[t.category_id][0] += inter / union
                tally[t.category_id][1] += 1
                found_truth.add(t.id)
                found_prediction.add(p.id)
    for t in truth.segments:
        tally[t.category_id][3] += not t.is_crowd and t.id not in found_truth
    for p in prediction.segments:
        excuse = void.copy()
        for t in truth.segments:
            if t.is_crowd and t.category_id == p.category_id:
                excuse |= truth.mask(t.id)
        forgiven = int((excuse & prediction.mask(p.id)).sum()) / prediction.area(p.id) > 0.5
        tally[p.category_id][2] += p.id not in found_prediction and not forgiven
    return tally


RECIPES = st.tuples(  # ids of 4x6 pixels, whether they are blocks, categories, crowds
    st.lists(st.integers(0, 4), min_size=24, max_size=24),
    st.booleans(),
    st.lists(st.sampled_from([A, B, C]), min_size=4, max_size=4),
    st.lists(st.booleans(), min_size=4, max_size=4),
)


def build(recipe: tuple[list[int], bool, list[int], list[bool]]) -> PanopticMap:
    """In the test's body, because beartype draws random numbers and a strategy must not."""
    values, blocks, category_ids, crowds = recipe
    ids = np.array(values).reshape(4, 6)
    if blocks:
        ids = np.repeat(np.repeat(ids[:2, :3], 2, axis=0), 2, axis=1)
    rows = zip(range(1, 5), category_ids, crowds, strict=True)
    return PanopticMap.keeping_visible(ids, [Segment(n, k, is_crowd=crowd) for n, k, crowd in rows])


def strip(values: str, category_of: dict[str, int], crowd: str = "") -> PanopticMap:
    """A map of one row: a character a pixel, V for void."""
    ids = np.array([[0 if c == "V" else int(c) for c in values]])
    segments = [Segment(int(c), k, is_crowd=c in crowd) for c, k in category_of.items()]
    return PanopticMap(ids, segments)


def quality_of(prediction: PanopticMap, truth: PanopticMap) -> PanopticQuality:
    quality = PanopticQuality(CATEGORIES)
    quality.update(prediction, truth)
    return quality


def test_the_worked_example():
    """gt 1111222VV3, prediction 1115555566: IoU(1,1) = 3/4; IoU(2,5) = 3/(3 + 5 - 3 - 1 void) = 3/4;
    prediction 6 has 2 pixels, one of them void: IoU(3,6) = 1/(1 + 2 - 1 - 1) = 1."""
    truth = strip("1111222VV3", {"1": A, "2": A, "3": B})
    found = strip("1115555566", {"1": A, "5": A, "6": B})
    report = quality_of(found, truth).compute()
    assert report.per_category[A].pq == 0.75
    assert report.per_category[B].pq == 1.0
    assert (report.all.pq, report.all.n) == (0.875, 2)
    assert (report.things.sq, report.things.rq, report.stuff.pq) == (0.75, 1.0, 1.0)


def test_an_exact_half_is_no_match():
    """Two of three pixels shared of a union of four: 2/4 is not more than 1/2, so one miss, one spurious."""
    row = (
        quality_of(strip("1112", {"1": A, "2": B}), strip("2111", {"1": A, "2": B})).compute().per_category[A]
    )
    assert (row.tp, row.fp, row.fn, row.pq) == (0, 1, 1, 0.0)


def test_a_prediction_is_forgiven_where_more_than_half_lies_on_void_or_crowd():
    """1 void + 2 crowd pixels of 4 are 3/4 > 1/2: no false positive; 2 of 4 would be exactly half: one."""
    truth = strip("V7718", {"7": A, "1": A, "8": B}, crowd="7")
    assert quality_of(strip("1111V", {"1": A}), truth).compute().per_category[A].fp == 0
    half = strip("77188", {"7": A, "1": A, "8": B}, crowd="7")
    assert quality_of(strip("5555V", {"5": A}), half).compute().per_category[A].fp == 1


def test_every_crowd_of_a_category_forgives():
    """Two crowds of A cover 2/4 + 1/4 of the prediction; the reference counts only the last of them."""
    truth = strip("7781", {"7": A, "8": A, "1": B}, crowd="78")
    assert quality_of(strip("5555", {"5": A}), truth).compute().per_category[A].fp == 0


def test_a_crowd_is_neither_found_nor_missed():
    row = quality_of(strip("11", {"1": A}), strip("11", {"1": A}, crowd="1")).compute().per_category[A]
    assert (row.tp, row.fp, row.fn) == (0, 0, 0)


def test_an_absent_group_has_nan_means_and_null_in_json():
    report = quality_of(strip("1", {"1": A}), strip("1", {"1": A})).compute()
    assert math.isnan(report.stuff.pq)
    assert report.stuff.n == 0
    assert report.to_json()["Stuff"] == {"pq": None, "sq": None, "rq": None, "n": 0}
    assert PanopticQuality(CATEGORIES).compute().all.n == 0


def test_json_has_a_row_for_each_category_id():
    content = quality_of(strip("1", {"1": A}), strip("1", {"1": A})).compute().to_json()
    all_found = {"pq": 1.0, "sq": 1.0, "rq": 1.0, "iou": 1.0, "tp": 1, "fp": 0, "fn": 0}
    assert list(content["per_class"]) == [str(A), str(B), str(C)]
    assert content["per_class"][str(A)] == all_found
    assert content["All"] == {"pq": 1.0, "sq": 1.0, "rq": 1.0, "n": 1}


def test_the_table_shows_percent_and_leaves_absent_categories_out():
    table = quality_of(strip("1112", {"1": A, "2": A}), strip("1111", {"1": A})).compute().table()
    assert "50.0" in table
    assert "75.0" in table
    assert "–" in table
    assert "B" not in table.replace("TP", "")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(RECIPES, RECIPES), min_size=1, max_size=3))
def test_equal_to_the_slow_version(images: list[tuple[tuple, tuple]]):
    quality = PanopticQuality(CATEGORIES)
    want = {row.id: np.zeros(4) for row in CATEGORIES}
    for prediction, truth in [(build(a), build(b)) for a, b in images]:
        quality.update(prediction, truth)
        for id, row in slow_tallies(prediction, truth).items():
            want[id] += row
    for id, row in quality.compute().per_category.items():
        assert [row.iou, row.tp, row.fp, row.fn] == pytest.approx(want[id].tolist(), abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(RECIPES, RECIPES, st.permutations(range(1, 5)))
def test_renumbering_the_segments_changes_nothing(found: tuple, true: tuple, order: list[int]):
    prediction, truth = build(found), build(true)
    new = np.array([0, *(1000 * n for n in order)])
    segments = [Segment(int(new[s.id]), s.category_id) for s in prediction.segments]
    got = quality_of(PanopticMap(new[prediction.ids], segments), truth).compute().to_json()
    for want, row in zip(
        quality_of(prediction, truth).compute().to_json()["per_class"].values(),
        got["per_class"].values(),
        strict=True,
    ):
        assert row == pytest.approx(want, abs=1e-12)


@settings(max_examples=25, deadline=None)
@given(RECIPES, RECIPES, RECIPES, RECIPES)
def test_tallies_of_two_processes_add_up(a: tuple, b: tuple, c: tuple, d: tuple):
    together = quality_of(build(a), build(b))
    together.update(build(c), build(d))
    parts = quality_of(build(a), build(b)), pickle.loads(pickle.dumps(quality_of(build(c), build(d))))
    summed = PanopticQuality.from_state(CATEGORIES, parts[0].state + parts[1].state)
    parts[0].merge(parts[1])
    assert parts[0].state == pytest.approx(together.state, abs=1e-12)
    assert np.array_equal(summed.state, parts[0].state)


def test_ten_thousand_segments_work():
    ids = np.arange(1, 10_001).reshape(100, 100)
    one = PanopticMap(ids, [Segment(n, A) for n in range(1, 10_001)])
    assert quality_of(one, one).compute().per_category[A].tp == 10_000


def test_other_sizes_are_refused():
    with pytest.raises(ValueError, match="as large as the truth, 1x2, got 1x1"):
        quality_of(strip("1", {"1": A}), strip("11", {"1": A}))


def test_unknown_categories_are_refused():
    with pytest.raises(ValueError, match=r"`category id` must be one of \[2, 4, 9\], got 77"):
        quality_of(strip("1", {"1": 77}), strip("1", {"1": A}))


def test_a_tally_of_other_categories_is_refused():
    with pytest.raises(ValueError, match="`other` must be a tally of the same categories"):
        PanopticQuality(CATEGORIES).merge(PanopticQuality(Categories.named("facades")))
    with pytest.raises(ValueError, match=r"`state` must be of shape \(4, 3\), got \(4, 2\)"):
        PanopticQuality.from_state(CATEGORIES, np.zeros((4, 2)))
