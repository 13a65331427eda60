"""Distances from one pixel: by hand, and as heat."""

from __future__ import annotations

import numpy as np
import pytest

from intarsia.draw import distance_map, distances_from, mark_pixel
from intarsia.errors import InputError

FIELD = np.array([[[0.0, 3.0, 0.0]], [[0.0, 4.0, 1.0]]])  # two dimensions, three pixels


def test_distances_are_euclidean():
    assert distances_from(FIELD, (0, 0)).tolist() == [[0, 5, 1]]
    assert distances_from(FIELD, (0, 1))[0, 2] == pytest.approx(18**0.5)


def test_near_is_bright_and_far_is_dark():
    near, far, middle = distance_map(FIELD, (0, 0))[0].astype(int).sum(axis=1)
    assert near > middle > far


def test_the_mark_is_around_the_pixel_and_leaves_it_as_it_is():
    picture = np.full((40, 60, 3), 77, np.uint8)
    drawn = mark_pixel(picture, (20, 30))
    assert drawn[20, 30].tolist() == [77, 77, 77]
    assert drawn[20, 34].tolist() == [255, 255, 255]
    assert (picture == 77).all()
    assert mark_pixel(picture, (0, 59)).shape == picture.shape


def test_mistakes_are_told():
    with pytest.raises(InputError, match="`pixel` must be a row below 1 and a column below 3, got 1,0"):
        distances_from(FIELD, (1, 0))
    with pytest.raises(InputError, match=r"`embedding` must be of shape \(d, h, w\), got shape \(3,\)"):
        distances_from(np.zeros(3), (0, 0))
    with pytest.raises(InputError, match=r"`picture` must be 8-bit RGB, \(h, w, 3\), got float64"):
        mark_pixel(np.zeros((3, 3, 3)), (0, 0))
