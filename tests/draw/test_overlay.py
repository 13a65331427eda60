"""Overlays: colours where the segments are, lines between them, names that do not pile up."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from intarsia.draw import overlay
from intarsia.draw.labels import place_labels
from intarsia.draw.overlay import segment_colors, segment_rows
from intarsia.panoptic import Categories, PanopticMap, Segment

FACADES = Categories.named("facades")
WINDOW, CAR, FACADE, STREET = 1, 3, 6, 8
maps = npst.arrays(np.int32, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.integers(0, 9))


def mapped(ids: np.ndarray) -> PanopticMap:
    return PanopticMap(ids, [Segment(int(i), int(i)) for i in np.unique(ids) if i])


def plain(panoptic_map: PanopticMap, **options) -> np.ndarray:
    image = np.full((*panoptic_map.size, 3), 200, np.uint8)
    return overlay(image, panoptic_map, FACADES, **{"names": False, "outlines": False, **options})


def test_half_opaque_is_the_mean_of_image_and_colour():
    """Facade is (150, 150, 160) on an image of 200: 175, 175, 180. Void is (24, 24, 28): 112, 112, 114."""
    drawn = plain(PanopticMap(np.array([[5, 0]]), [Segment(5, FACADE)]), alpha=0.5)
    assert drawn.tolist() == [[[175, 175, 180], [112, 112, 114]]]


@settings(deadline=None)
@given(maps, st.floats(0, 1))
def test_any_map_is_drawn_with_any_opacity(ids: np.ndarray, alpha: float):
    drawn = overlay(np.zeros((*ids.shape, 3), np.uint8), mapped(ids), FACADES, alpha=alpha)
    assert drawn.shape == (*ids.shape, 3)
    assert drawn.dtype == np.uint8


@given(maps)
def test_the_colours_alone_are_the_segments(ids: np.ndarray):
    drawn = plain(mapped(ids), alpha=1.0)
    of_color = {tuple(color): i for color, i in zip(drawn.reshape(-1, 3).tolist(), ids.ravel(), strict=True)}
    assert len(of_color) == len(np.unique(ids))


def test_nothing_opaque_is_the_image():
    ids = np.array([[1, 2], [0, 2]])
    assert (plain(mapped(ids), alpha=0.0) == 200).all()


def test_things_differ_in_shade_and_stuff_does_not():
    segments = [Segment(i, WINDOW) for i in range(1, 41)] + [Segment(41, FACADE), Segment(42, FACADE)]
    colors = segment_colors(PanopticMap(np.arange(1, 43)[None], segments), FACADES)[1:].tolist()
    assert colors[0] == list(FACADES[0].color)
    assert len({tuple(color) for color in colors[:40]}) == 40
    assert colors[40] == colors[41] == list(FACADES[5].color)


def test_outlines_run_only_along_borders():
    ids = np.full((20, 20), FACADE)
    ids[5:15, 5:15] = WINDOW
    changed = (plain(mapped(ids), outlines=True) != plain(mapped(ids))).any(axis=2)
    rim = np.zeros((20, 20), bool)
    rim[4:16, 4:16] = True
    rim[6:14, 6:14] = False
    rim[[4, 4, 15, 15], [4, 15, 4, 15]] = False  # corners of the facade touch the window only diagonally
    assert np.array_equal(changed, rim)


def test_the_rim_of_a_thing_is_lighter_than_the_thing():
    ids = np.full((20, 20), FACADE)
    ids[5:15, 5:15] = WINDOW
    drawn = plain(mapped(ids), outlines=True).astype(int)
    assert drawn[5, 10].sum() > drawn[10, 10].sum()


def test_a_large_segment_gets_its_name_and_a_small_one_none():
    ids = np.full((200, 200), FACADE)
    ids[:6, :6] = WINDOW
    changed = (plain(mapped(ids), names=True) != plain(mapped(ids))).any(axis=2)
    assert changed[60:140, 60:140].any()
    assert not changed[:20, :20].any()


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.integers(2, 60))
def test_names_lie_inside_the_picture_and_never_on_each_other(seed: int, count: int):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(40, 300, 2).tolist()
    seeds = rng.uniform(0, 1, (count, 2)) * (height, width)
    grid = np.moveaxis(np.indices((height, width)), 0, -1)[:, :, None]
    rows = (((grid - seeds) ** 2).sum(-1).argmin(-1) + 1).astype(np.int32)
    names = [FACADES.names[i % 10] for i in range(count)]
    labels = place_labels(rows, names, [(9, 9, 9)] * count, size_px=10)
    covered = np.zeros((height, width), int)
    for label in labels:
        left, top, right, bottom = label.box
        assert left >= 0
        assert top >= 0
        assert bottom <= height
        assert right <= width or right - left > width
        covered[top:bottom, left:right] += 1
    assert covered.max(initial=0) <= 1


def test_a_name_stands_inside_its_segment():
    """The middle of a U is not in the U; its name is."""
    rows = np.ones((120, 200), np.int32)
    rows[:80, 60:140] = 0
    (label,) = place_labels(rows, ["window"], [(0, 0, 0)], size_px=10)
    left, top, right, bottom = label.box
    assert rows[(top + bottom) // 2, (left + right) // 2] == 1


def test_a_name_does_not_cover_a_small_thing():
    """The widest inside of the facade is full of windows of 4 x 4; its name goes where there are none."""
    ids = np.full((120, 240), 1, np.int32)
    number = 1
    for top in range(20, 100, 8):
        for left in range(10, 150, 8):
            number += 1
            ids[top : top + 4, left : left + 4] = number
    labels = place_labels(ids, ["facade", *["window"] * (number - 1)], [(0, 0, 0)] * number, size_px=12)
    (label,) = labels
    left, top, right, bottom = label.box
    hidden = np.bincount(ids[top:bottom, left:right].ravel(), minlength=number + 1)
    assert (hidden[2:] <= 4).all()  # a quarter of 16
    assert number == 181


def test_no_name_is_better_than_one_on_a_thing():
    ids = np.ones((80, 80), np.int32)
    cells = np.arange(2, 102).reshape(10, 10)
    ids[2::8, 2::8] = ids[3::8, 2::8] = ids[2::8, 3::8] = ids[3::8, 3::8] = cells
    names = ["fence", *["window"] * 100]
    assert not place_labels(ids, names, [(0, 0, 0)] * 101, size_px=12)
    stuff = np.zeros(101, bool)
    assert place_labels(ids, names, [(0, 0, 0)] * 101, size_px=12, is_thing=stuff)


def test_boxes_are_drawn_around_things_only():
    ids = np.full((40, 40), 3)
    ids[10:20, 5:25] = 1
    one = PanopticMap(ids, [Segment(3, FACADE), Segment(1, WINDOW)])
    changed = (plain(one, boxes=True) != plain(one)).any(axis=2)
    frame = np.zeros((40, 40), bool)
    frame[10:20, 5:25] = True
    frame[11:19, 6:24] = False
    assert np.array_equal(changed, frame)


def test_scores_are_written_above_boxes_that_are_too_small_for_them():
    ids = np.full((120, 120), 3)
    ids[60:66, 50:56] = 1
    one = PanopticMap(ids, [Segment(3, FACADE), Segment(1, WINDOW, score=0.87)])
    changed = (plain(one, boxes=True, scores=True) != plain(one, boxes=True)).any(axis=2)
    assert changed[45:60, 45:75].any()
    assert not changed[60:66, 50:56].any()


def test_the_score_of_stuff_is_not_written():
    one = PanopticMap(np.ones((120, 120), int), [Segment(1, FACADE, score=0.5)])
    assert np.array_equal(plain(one, scores=True), plain(one))
    named = PanopticMap(np.ones((120, 120), int), [Segment(1, WINDOW, score=0.5)])
    assert not np.array_equal(plain(named, scores=True), plain(named))


def test_every_instance_may_have_a_colour_of_its_own():
    """Forty windows and cars: forty colours, far apart for neighbours in number; stuff is pale."""
    ids = np.arange(1, 43).reshape(1, 42)
    kinds = [WINDOW, CAR] * 20 + [FACADE, STREET]
    one = PanopticMap(ids, [Segment(int(i), kind) for i, kind in zip(ids[0], kinds, strict=True)])
    colors = segment_colors(one, FACADES, by="instance").astype(int)[1:]
    things = colors[:40]
    assert len({tuple(color) for color in things.tolist()}) == 40
    assert np.abs(np.diff(things, axis=0)).max(axis=1).min() > 80
    assert (
        np.ptp(colors[40:], axis=1).max()
        <= np.ptp([FACADES[5].color, FACADES[7].color], axis=1).max() / 2 + 1
    )


def test_colours_of_instances_can_be_steady():
    one = PanopticMap(np.array([[9, 5]]), [Segment(9, WINDOW), Segment(5, CAR)])
    other = PanopticMap(np.array([[5]]), [Segment(5, CAR)])
    first = segment_colors(one, FACADES, by="instance", steady=True)[2]
    assert first.tolist() == segment_colors(other, FACADES, by="instance", steady=True)[1].tolist()


def test_ten_thousand_boxes_with_scores_are_drawn():
    ids = np.kron(np.arange(1, 10_001).reshape(100, 100), np.ones((4, 4), int))
    one = PanopticMap(ids, [Segment(n, WINDOW) for n in range(1, 10_001)])
    assert plain(one, names=True, boxes=True, scores=True).shape == (400, 400, 3)


def test_rows_number_segments_in_their_order():
    truth = PanopticMap(np.array([[70, 5, 0]]), [Segment(70, WINDOW), Segment(5, CAR)])
    assert segment_rows(truth).tolist() == [[1, 2, 0]]


def test_wrong_images_are_refused():
    one = PanopticMap(np.ones((4, 6), int), [Segment(1, STREET)])
    with pytest.raises(
        ValueError, match="`image` must be 8-bit RGB of the map's size, 4x6x3, got uint8 of 6x4x3"
    ):
        overlay(np.zeros((6, 4, 3), np.uint8), one, FACADES)
    with pytest.raises(ValueError, match="got float64 of 4x6x3"):
        overlay(np.zeros((4, 6, 3)), one, FACADES)
    with pytest.raises(ValueError, match='`by` must be "category" or "instance", got \'hue\''):
        segment_colors(one, FACADES, by="hue")
    with pytest.raises(ValueError, match=r"`alpha` must be in \[0, 1\], got 2.0"):
        overlay(np.zeros((4, 6, 3), np.uint8), one, FACADES, alpha=2.0)
