"""Sheets and legends: every picture is there, whole, under its title."""

from __future__ import annotations

import numpy as np
import pytest

from intarsia.draw import contact_sheet, side_by_side, with_legend
from intarsia.panoptic import Categories, PanopticMap, Segment

FACADES = Categories.named("facades")


def flat(height: int, width: int, color: tuple[int, int, int]) -> np.ndarray:
    return np.broadcast_to(np.array(color, np.uint8), (height, width, 3))


def test_every_picture_is_on_the_sheet_with_all_its_pixels():
    colors = [(250, 0, 0), (0, 250, 0), (0, 0, 250)]
    sizes = [(30, 40), (20, 50), (44, 10)]
    pictures = [flat(*size, color) for size, color in zip(sizes, colors, strict=True)]
    sheet = contact_sheet(pictures, ["one", "two", "three"], columns=2)
    for color, (height, width) in zip(colors, sizes, strict=True):
        rows, columns = np.nonzero((sheet == color).all(axis=2))
        assert len(rows) == height * width
        assert np.ptp(rows) + 1 == height
        assert np.ptp(columns) + 1 == width


def test_columns_fill_from_the_left():
    sheet = contact_sheet([flat(9, 9, (1, 2, value)) for value in (3, 4, 5)], [""] * 3, columns=2)
    places = [np.argwhere((sheet == (1, 2, value)).all(axis=2)).mean(axis=0) for value in (3, 4, 5)]
    assert places[0][0] == places[1][0] < places[2][0]
    assert places[0][1] == places[2][1] < places[1][1]


def test_a_title_too_long_is_cut_not_spilled():
    long = contact_sheet([flat(40, 40, (0, 0, 0))] * 2, ["x" * 300, ""])
    short = contact_sheet([flat(40, 40, (0, 0, 0))] * 2, ["x", ""])
    assert long.shape == short.shape
    middle = long.shape[1] // 2
    assert np.array_equal(long[:, middle + 4 :], short[:, middle + 4 :])


def test_image_truth_and_prediction_stand_side_by_side():
    one = PanopticMap(np.full((40, 50), 1), [Segment(1, 6)])
    sheet = side_by_side(flat(40, 50, (0, 0, 0)), one, PanopticMap.empty(40, 50), categories=FACADES)
    assert sheet.shape[1] > 3 * 50
    assert sheet.dtype == np.uint8


def test_a_legend_stands_below_and_shows_each_colour():
    truth = PanopticMap(
        np.array([[1, 2, 3]]).repeat(200, 0).repeat(100, 1), [Segment(1, 1), Segment(2, 1), Segment(3, 8)]
    )
    picture = flat(200, 300, (0, 0, 0))
    sheet = with_legend(picture, truth, FACADES)
    assert np.array_equal(sheet[:200], picture)
    shown = {tuple(color) for color in sheet[200:].reshape(-1, 3).tolist()}
    assert FACADES[0].color in shown
    assert FACADES[7].color in shown
    assert FACADES[2].color not in shown


def test_a_legend_fits_the_narrowest_picture_and_is_absent_for_void():
    truth = PanopticMap(np.ones((20, 3), int), [Segment(1, 5)])
    assert with_legend(flat(20, 3, (0, 0, 0)), truth, FACADES).shape[1] == 3
    assert with_legend(flat(20, 3, (0, 0, 0)), PanopticMap.empty(20, 3), FACADES).shape == (20, 3, 3)


def test_wrong_pictures_are_refused():
    with pytest.raises(
        ValueError, match="`titles` must be one for each of at least one picture, got 0 for 0"
    ):
        contact_sheet([], [])
    with pytest.raises(ValueError, match="got 1 for 2"):
        contact_sheet([flat(2, 2, (0, 0, 0))] * 2, ["a"])
    with pytest.raises(ValueError, match=r"`pictures` must be 8-bit RGB, \(h, w, 3\), got float64 of shape"):
        contact_sheet([np.zeros((2, 2, 3))], ["a"])
    with pytest.raises(ValueError, match="`columns` must be at least 1, got 0"):
        contact_sheet([flat(2, 2, (0, 0, 0))], ["a"], columns=0)
