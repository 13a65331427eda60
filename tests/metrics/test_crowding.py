"""Recall by how much boxes overlap: by hand, and what belongs to which group."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.data.sticks import STICK_CATEGORIES, scattered_sticks
from intarsia.errors import InputError
from intarsia.metrics import RecallByCrowding
from intarsia.panoptic import PanopticMap, Segment


def recall_of(prediction: PanopticMap, truth: PanopticMap):
    tally = RecallByCrowding(STICK_CATEGORIES)
    tally.update(prediction, truth)
    return tally.compute()


def crossing() -> PanopticMap:
    """Two bars of 8x2 and 2x8 pixels that cross, and one far away."""
    ids = np.zeros((20, 20), np.int32)
    ids[3:5, 0:8] = 1
    ids[0:8, 3:5] = 2
    ids[15:17, 10:20] = 3
    return PanopticMap(ids, [Segment(n, 1) for n in (1, 2, 3)])


def test_two_crossed_bars_and_one_apart_by_hand():
    """Boxes of 8x2 and 2x8 share 2x2 of 28 pixels: IoU 1/7, both below 0.2. All three are found."""
    report = recall_of(crossing(), crossing())
    assert report.counts == (3, 0, 0)
    assert report.recall[0] == 1.0
    assert np.isnan(report.recall[1:]).all()


def test_diagonal_neighbours_are_in_the_last_group():
    """Two diagonals of 10 pixels, the second 2 rows below: boxes share 8 x 10 of 12 x 10."""
    ids = np.zeros((12, 12), np.int32)
    for n in range(10):
        ids[n, n], ids[n + 2, n] = 1, 2
    truth = PanopticMap(ids, [Segment(1, 1), Segment(2, 1)])
    half = ids.copy()
    half[half == 2] = 0
    report = recall_of(PanopticMap(half, [Segment(1, 1)]), truth)
    assert report.counts == (0, 0, 2)
    assert report.recall[2] == 0.5


def test_another_category_does_not_find_it():
    truth = PanopticMap(np.ones((4, 4), np.int32), [Segment(1, 1)])
    assert recall_of(PanopticMap(truth.ids, [Segment(1, 2)]), truth).recall[0] == 0


@given(st.integers(0, 30))
def test_every_stick_is_in_one_group_and_a_perfect_map_finds_all(seed):
    _, truth = scattered_sticks(seed, size=64)
    report = recall_of(truth, truth)
    assert sum(report.counts) == 8
    assert all(recall == 1 for recall, count in zip(report.recall, report.counts, strict=True) if count)


def test_tallies_add_up_and_images_without_things_count_nothing():
    maps = [scattered_sticks(seed, size=64)[1] for seed in range(3)]
    whole, parts = RecallByCrowding(STICK_CATEGORIES), [RecallByCrowding(STICK_CATEGORIES) for _ in range(2)]
    empty = PanopticMap.empty(64, 64)
    for number, truth in enumerate(maps):
        whole.update(empty if number == 1 else truth, truth)
        parts[number % 2].update(empty if number == 1 else truth, truth)
    parts[0].merge(parts[1])
    assert parts[0].compute().to_json() == whole.compute().to_json()
    before = whole.compute().to_json()
    whole.update(empty, empty)
    assert whole.compute().to_json() == before
    with pytest.raises(InputError, match="min_iou"):
        whole.merge(RecallByCrowding(STICK_CATEGORIES, min_iou=0.5))
