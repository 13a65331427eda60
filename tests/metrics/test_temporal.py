"""Steadiness over time: scenes worked by hand, slow forms, what must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest

from intarsia.errors import InputError
from intarsia.metrics import (
    SegmentationTrackingQuality,
    TemporalConsistency,
    VideoPanopticQuality,
    embedding_drift,
)
from intarsia.panoptic import Categories, PanopticMap, Segment

FACADES = Categories.named("facades")
WINDOW, BALCONY, FACADE = 1, 2, 6


def scene(shift: int, *, first_id: int = 1) -> PanopticMap:
    """Two windows of 3x2 pixels on a facade of 5x12, `shift` columns to the right."""
    ids = np.full((5, 12), 9, np.int32)
    ids[1:4, 1 + shift : 3 + shift], ids[1:4, 5 + shift : 7 + shift] = first_id, first_id + 1
    return PanopticMap(ids, [Segment(9, FACADE), Segment(first_id, WINDOW), Segment(first_id + 1, WINDOW)])


def flow_of(rows: float, columns: float, size: tuple[int, int] = (5, 12)) -> np.ndarray:
    return np.stack([np.full(size, float(rows)), np.full(size, float(columns))])


def consistency(*pairs, occluded=None):
    tally = TemporalConsistency(FACADES)
    for earlier, later, flow in pairs:
        tally.update(earlier, later, flow, occluded=occluded)
    return tally.compute()


def test_a_scene_that_moves_as_the_flow_says_is_consistent():
    report = consistency((scene(0), scene(2, first_id=20), flow_of(0, -2)))
    assert report.quality.all.pq == report.miou == 1


def test_without_the_flow_the_overlap_is_what_the_shift_leaves():
    """A shift of one column: 3 of 6 + 3 pixels of each window, IoU 1/3, no match. Windows: 6 of 18 pixels."""
    report = consistency((scene(0), scene(1), flow_of(0, 0)))
    assert report.quality.things.pq == 0
    facade = (60 - 18) / (60 - 6)  # both facades lack 12 pixels, of which 6 are shared: 42 in 54
    assert report.miou == pytest.approx((6 / 18 + facade) / 2)


def test_occluded_pixels_do_not_count():
    later = scene(0)
    hidden = later.ids == 1
    wrong = PanopticMap.keeping_visible(np.where(hidden, 9, later.ids), later.segments)
    assert consistency((scene(0), wrong, flow_of(0, 0))).quality.things.pq == pytest.approx(1 / 1.5)
    assert consistency((scene(0), wrong, flow_of(0, 0)), occluded=hidden).quality.all.pq == 1


def test_drift_equals_the_loop():
    generator = np.random.default_rng(0)
    earlier, later = generator.normal(size=(2, 3, 6, 7))
    flow, margin = generator.normal(0, 2, (2, 6, 7)), generator.uniform(0.5, 2, (6, 7))
    where = generator.random((6, 7)) < 0.7
    moved = []
    for row, column in np.argwhere(where):
        r, c = round(row + flow[0, row, column]), round(column + flow[1, row, column])
        if 0 <= r < 6 and 0 <= c < 7:
            moved.append(np.linalg.norm(later[:, row, column] - earlier[:, r, c]) / margin[r, c])
    assert embedding_drift(earlier, later, flow, margin=margin, where=where) == pytest.approx(
        np.median(moved)
    )
    nowhere = embedding_drift(earlier, later, flow, margin=margin, where=np.zeros((6, 7), bool))
    assert math.isnan(nowhere)


def test_vpq_needs_ids_that_live():
    """Ids that change after the first of three frames: each frame alone is perfect. Of windows of two, the
    first shows tubes of half the length (IoU 1/2: no match), the second is perfect: things 4 TP of 8 tubes,
    counted twice as misses and spurious ones: TP 2, FP 4, FN 2, so 2 / (2 + 3) = 0.4.
    """
    truth = [scene(0), scene(1), scene(2)]
    found = [scene(0), scene(1, first_id=20), scene(2, first_id=20)]
    tally = VideoPanopticQuality(FACADES, windows=(1, 2))
    tally.update(found, truth)
    report = tally.compute()
    assert report.per_window[1].all.pq == 1
    assert report.per_window[2].things.pq == pytest.approx(0.4)
    assert report.per_window[2].stuff.pq == 1
    assert report.things == pytest.approx((1 + 0.4) / 2)
    assert report.all == pytest.approx((1 + (0.4 + 1) / 2) / 2)


def test_a_video_shorter_than_its_windows_counts_nothing():
    tally = VideoPanopticQuality(FACADES, windows=(4,))
    tally.update([scene(0)], [scene(0)])
    assert math.isnan(tally.compute().all)


def slow_association(found: list[PanopticMap], truth: list[PanopticMap]) -> float:
    """Masks through the whole video, pixel by pixel."""
    things = lambda maps: np.stack([m.instances(FACADES) > 0 for m in maps])  # noqa: E731
    true, pred = np.stack([m.ids for m in truth]), np.stack([m.ids for m in found])
    is_true, is_pred = things(truth), things(found)
    qualities = []
    for g in np.unique(true[is_true]):
        mine = (true == g) & is_true
        total = 0.0
        for p in np.unique(pred[is_pred & mine]):
            theirs = (pred == p) & is_pred
            shared = (mine & theirs).sum()
            total += shared * shared / (mine | theirs).sum()
        qualities.append(total / mine.sum())
    return float(np.mean(qualities))


@pytest.mark.parametrize("seed", range(3))
def test_association_equals_the_slow_form(seed: int):
    generator = np.random.default_rng(seed)

    def video() -> list[PanopticMap]:
        segments = [Segment(i, WINDOW) for i in (1, 2, 3)] + [Segment(4, FACADE), Segment(5, BALCONY)]
        return [PanopticMap.keeping_visible(generator.integers(1, 6, (4, 5)), segments) for _ in range(3)]

    found, truth = video(), video()
    tally = SegmentationTrackingQuality(FACADES)
    tally.update(found, truth)
    report = tally.compute()
    assert report.aq == pytest.approx(slow_association(found, truth))
    assert report.stq == pytest.approx(math.sqrt(report.aq * report.sq))


def test_crowds_and_void_take_no_part_in_tracking():
    """The true crowd and the void pixel are predicted as a tube, which would halve its IoU with window 1."""
    truth = PanopticMap(np.array([[1, 1, 2, 0]]), [Segment(1, WINDOW), Segment(2, WINDOW, is_crowd=True)])
    found = PanopticMap(np.array([[7, 7, 7, 7]]), [Segment(7, WINDOW)])
    tally = SegmentationTrackingQuality(FACADES)
    tally.update([found], [truth])
    assert tally.compute().aq == 1


def test_mistakes_are_told():
    with pytest.raises(InputError, match=r"`flow` must be of shape \(2, 5, 12\), got \(2, 5, 11\)"):
        consistency((scene(0), scene(0), flow_of(0, 0, (5, 11))))
    with pytest.raises(InputError, match="`windows` must be numbers of frames, each at least 1"):
        VideoPanopticQuality(FACADES, windows=(0,))
    with pytest.raises(InputError, match="`predictions` must be as many maps as the truth, 2, got 1"):
        SegmentationTrackingQuality(FACADES).update([scene(0)], [scene(0), scene(1)])
    small = PanopticMap.empty(1, 1)
    with pytest.raises(InputError, match="`predictions` must be all of one size"):
        VideoPanopticQuality(FACADES).update([small], [scene(0)])
    with pytest.raises(InputError, match="`later` must be as large as the earlier map"):
        consistency((scene(0), small, flow_of(0, 0)))
