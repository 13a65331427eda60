"""mIoU, errors, AP, boundaries, leaves, trimming: worked examples, slow versions, tallies that add up."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from intarsia.categories import Categories
from intarsia.metrics import (
    BoundaryQuality,
    CityscapesAP,
    CocoAP,
    ErrorBreakdown,
    LeafCount,
    PanopticQuality,
    SemanticIoU,
)
from intarsia.metrics.boundary_quality import boundary_ids
from intarsia.metrics.matching import Overlap
from intarsia.metrics.panoptic_quality import ImageQuality
from intarsia.panoptic import PanopticMap, Segment

FACADES = Categories.named("facades")
WINDOW, BALCONY, FACADE, VEGETATION = 1, 2, 6, 7
METRICS: list[Callable[[], Any]] = [
    lambda: BoundaryQuality(FACADES),
    lambda: CityscapesAP(FACADES),
    lambda: CocoAP(FACADES),
    lambda: ErrorBreakdown(FACADES),
    lambda: LeafCount(FACADES),
    lambda: PanopticQuality(FACADES),
    lambda: SemanticIoU(FACADES),
]


def random_map(seed: int) -> PanopticMap:
    generator = np.random.default_rng(seed)
    ids = np.kron(generator.integers(0, 6, (4, 5)), np.ones((12, 12), int))
    rows = [(WINDOW, 0.5), (WINDOW, 0.9), (BALCONY, 0.4), (FACADE, 1.0), (VEGETATION, 1.0)]
    segments = [Segment(n, k, score=s, is_crowd=n == 3) for n, (k, s) in enumerate(rows, start=1)]
    return PanopticMap.keeping_visible(ids, segments)


def strip(values: str, categories: str) -> PanopticMap:
    """One row: digits are ids, V void; the category of id n is the n-th digit of `categories`."""
    ids = np.array([[0 if c == "V" else int(c) for c in values]])
    return PanopticMap.keeping_visible(ids, [Segment(n, int(k)) for n, k in enumerate(categories, start=1)])


@pytest.mark.parametrize("new", METRICS)
def test_tallies_of_two_processes_add_up(new: Callable[[], Any]):
    together, first, second = new(), new(), new()
    for seed in range(4):
        together.update(random_map(seed + 9), random_map(seed))
        (first if seed < 2 else second).update(random_map(seed + 9), random_map(seed))
    first.merge(second)
    numbers = [re.split(r"([\d.]+)", repr(one.compute())) for one in (first, together)]
    assert numbers[0][::2] == numbers[1][::2]
    assert [float(n) for n in numbers[0][1::2]] == pytest.approx([float(n) for n in numbers[1][1::2]])


@pytest.mark.parametrize("new", METRICS)
def test_an_image_of_nothing_but_void_is_counted_and_no_image_at_all_is_reported(new: Callable[[], Any]):
    void = new()
    void.update(PanopticMap.empty(48, 60), PanopticMap.empty(48, 60))
    assert type(void.compute()) is type(new().compute()) is not type(None)


@pytest.mark.parametrize("new", METRICS)
def test_maps_of_other_sizes_are_refused(new: Callable[[], Any]):
    with pytest.raises(ValueError, match="`prediction` must be as large as the truth"):
        new().update(PanopticMap.empty(2, 3), PanopticMap.empty(3, 2))


def test_mean_iou_by_hand():
    """Truth 6 6 6 7 V, prediction 6 7 V 7 6: category 6 has 1/3 (void truth does not count), 7 has 1/2."""
    tally = SemanticIoU(FACADES)
    tally.update(strip("12V21", "67"), strip("1112V", "67"))
    report = tally.compute()
    assert (report.per_category[6], report.per_category[7]) == (1 / 3, 1 / 2)
    assert report.miou == report.stuff == pytest.approx(5 / 12)
    assert np.isnan(report.things)


@pytest.mark.parametrize(
    ("truth", "prediction", "fates"),
    [
        (("1111", "1"), ("1111", "1"), {"matched": 1}),
        (("1111", "1"), ("VVVV", ""), {"missed": 1}),
        (("2222", "16"), ("1122", "16"), {"missed": 1, "spurious": 2}),
        (("1122", "11"), ("1111", "1"), {"merged": 2}),
        (("1111", "1"), ("1122", "11"), {"split": 1}),
        (("1111", "1"), ("1111", "2"), {"wrong category": 1}),
        (("VVVV", ""), ("1111", "1"), {}),
    ],
)
def test_fates_by_hand(truth: tuple[str, str], prediction: tuple[str, str], fates: dict[str, int]):
    errors = ErrorBreakdown(FACADES)
    errors.update(strip(*prediction), strip(*truth))
    assert {fate: count for fate, count in errors.compute().counts.items() if count} == fates


def test_every_truth_segment_has_one_fate():
    for seed in range(20):
        errors, quality = ErrorBreakdown(FACADES), PanopticQuality(FACADES)
        errors.update(random_map(seed + 50), random_map(seed))
        quality.update(random_map(seed + 50), random_map(seed))
        counts, rows = errors.compute().counts, quality.compute().per_category.values()
        assert counts["matched"] == sum(row.tp for row in rows)
        assert sum(counts.values()) - counts["spurious"] == sum(row.tp + row.fn for row in rows)
        assert counts["spurious"] <= sum(row.fp for row in rows)


def test_best_dice_by_hand():
    """Truth 11 22, prediction 1111: Dice 4/6 for both; BD is 2/3 each way; counts differ by one."""
    leaves = LeafCount(FACADES)
    leaves.update(strip("1111", "1"), strip("1122", "11"))
    leaves.update(strip("VVVV", ""), strip("1122", "11"))
    report = leaves.compute()
    assert report.symmetric_best_dice == pytest.approx((2 / 3 + 0) / 2)
    assert (report.count_difference, report.foreground_dice) == (1.5, 0.5)


def test_boundaries_are_those_of_eroded_masks():
    ids = np.array(random_map(3).ids)
    for distance in (1, 2, 5):
        got = boundary_ids(ids, distance=distance)
        for id in np.unique(ids):
            kept = np.asarray(binary_erosion(ids == id, np.ones((3, 3)), iterations=distance), bool)
            assert np.array_equal(got == id, (ids == id) & ~kept)


def test_boundary_quality_of_a_shifted_square_by_hand():
    """20x20 pixels shifted by one (d = 1): masks share 380 of 420, the rings of 76 pixels 38 of 114."""
    ids = np.zeros((40, 40), int)
    ids[10:30, 10:30] = 1
    background = np.where(ids == 1, 1, 2)
    segments = [Segment(1, WINDOW), Segment(2, FACADE)]
    truth, found = PanopticMap(background, segments), PanopticMap(np.roll(background, 1, axis=1), segments)
    quality = BoundaryQuality(FACADES, ratio=0.005)
    quality.update(found, truth)
    row = quality.compute().per_category[WINDOW]
    assert (row.tp, row.fn) == (0, 1)
    coarse = BoundaryQuality(FACADES, ratio=0.2)
    coarse.update(found, truth)
    assert coarse.compute().per_category[WINDOW].iou == pytest.approx(380 / 420)
    with pytest.raises(ValueError, match="`ratio` must be above 0, got 0"):
        BoundaryQuality(FACADES, ratio=0.0)


def squares(*rows: tuple[int, int, float]) -> PanopticMap:
    """Windows of 20 rows in a 20x200 map: (first column, width, score) each."""
    ids = np.zeros((20, 200), int)
    for n, (column, width, _) in enumerate(rows, start=1):
        ids[:, column : column + width] = n
    return PanopticMap(ids, [Segment(n, WINDOW, score=s) for n, (_, _, s) in enumerate(rows, start=1)])


def full(one: PanopticMap) -> PanopticMap:
    """The same with facade where it was void."""
    return PanopticMap(np.where(one.ids == 0, 99, one.ids), [*one.segments, Segment(99, FACADE)])


def test_cityscapes_ap_by_hand():
    """Two truths; a right prediction (score 0.9) and a wrong one (0.8) on facade. Points (recall, precision):
    all (1/2, 1/2), the best one (1/2, 1), the artificial (0, 1); steps of half the neighbours' distance
    0, 1/4, 1/4: AP50 = 1/2. The IoU is 18/20 = 0.9, so that 8 of the 10 thresholds have it: AP = 0.4."""
    truth = full(squares((0, 20, 1.0), (40, 20, 1.0)))
    precision = CityscapesAP(FACADES)
    precision.update(squares((0, 18, 0.9), (100, 20, 0.8)), truth)
    report = precision.compute()
    assert report.ap50 == pytest.approx(0.5)
    assert report.ap == pytest.approx(0.4)


def test_cityscapes_ap_forgives_predictions_on_void():
    precision = CityscapesAP(FACADES)
    precision.update(squares((0, 20, 0.5), (100, 20, 0.9)), squares((0, 20, 1.0)))
    assert precision.compute().ap == 1.0


def test_coco_ap_by_hand():
    """One of two truths found at IoU 0.9: precision 1 up to recall 1/2, 51 of 101 points, at 9 thresholds."""
    truth = squares((0, 20, 1.0), (40, 20, 1.0))
    for kind in ("mask", "box"):
        precision = CocoAP(FACADES, kind=kind)
        precision.update(squares((0, 18, 0.9)), truth)
        report = precision.compute()
        assert report.ap50 == pytest.approx(51 / 101)
        assert report.ap == pytest.approx(0.9 * 51 / 101)
        assert report.per_category[WINDOW] == pytest.approx(report.ap)
    with pytest.raises(ValueError, match='`kind` must be "mask" or "box", got \'line\''):
        CocoAP(FACADES, kind="line")


def test_equal_scores_fall_alike_in_whatever_order_named_images_come():
    truth, wrong = squares((0, 20, 1.0), (40, 20, 1.0)), squares((100, 20, 0.5))
    right = squares((0, 20, 0.5))
    images = [("2", wrong), ("10", right), ("a", right)]
    results = []
    for order in ([0, 1, 2], [2, 1, 0]):
        precision = CocoAP(FACADES)
        for n in order:
            precision.update(images[n][1], truth, name=images[n][0])
        results.append(precision.compute())
    assert results[0] == results[1]
    assert results[0].ap50 < 1 / 3  # the wrong one of image 2 goes first


def test_small_stuff_is_trimmed_to_void():
    truth, found = strip("111122", "67"), strip("111112", "67")
    overlap = Overlap.of(found, truth, FACADES)
    assert len(ImageQuality.of(overlap).spurious_category) == 1
    trimmed = overlap.without_small_stuff(FACADES, min_px=2)
    assert len(ImageQuality.of(trimmed).spurious_category) == 0
    want = ImageQuality.of(Overlap.of(strip("11111V", "67"), truth, FACADES))
    assert ImageQuality.of(trimmed).match_iou.tolist() == want.match_iou.tolist()
