"""Fields as colours: order becomes lightness, and what belongs together looks alike."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.draw import embedding_rgb, heat_map

LUMA = np.array([0.299, 0.587, 0.114])


def test_larger_values_are_lighter():
    luma = heat_map(np.linspace(-3, 5, 300)[None])[0] @ LUMA
    assert (np.diff(luma) > -1.01).all()
    assert luma[-1] - luma[0] > 200


def test_flat_empty_and_infinite_fields_are_drawn():
    assert (heat_map(np.full((2, 3), 7.0)) == heat_map(np.zeros((2, 3)))).all()
    drawn = heat_map([[0.0, np.nan, np.inf, 1.0]])
    assert drawn[0, 1].tolist() == drawn[0, 2].tolist() == [128, 128, 128]
    assert drawn[0, 3].tolist() == [255, 252, 222]
    assert heat_map([[np.nan]]).tolist() == [[[128, 128, 128]]]


@given(st.integers(1, 9), st.integers(1, 12), st.integers(1, 12), st.integers(0, 99))
def test_any_embedding_has_a_picture(depth: int, height: int, width: int, seed: int):
    embedding = np.random.default_rng(seed).normal(size=(depth, height, width))
    picture = embedding_rgb(embedding)
    assert picture.shape == (height, width, 3)
    if depth < 3:
        assert (picture[..., 2] == 128).all()


def test_pixels_with_one_embedding_share_a_colour_and_others_do_not():
    """Four objects at four corners of a space: four colours, whatever the rotation of the space."""
    rng = np.random.default_rng(0)
    means = rng.normal(size=(4, 6)) * 3
    objects = rng.integers(0, 4, (16, 16))
    picture = embedding_rgb(means[objects].transpose(2, 0, 1))
    colors = [picture[objects == number] for number in range(4)]
    assert all((color == color[0]).all() for color in colors)
    assert min(np.abs(a[0].astype(int) - b[0]).max() for i, a in enumerate(colors) for b in colors[:i]) > 40


def test_a_constant_embedding_is_gray():
    assert (embedding_rgb(np.ones((5, 4, 4))) == 128).all()


def test_wrong_fields_are_refused():
    with pytest.raises(ValueError, match=r"`values` must be of shape \(h, w\), got shape \(2, 2, 2\)"):
        heat_map(np.zeros((2, 2, 2)))
    with pytest.raises(
        ValueError, match=r"`embedding` must be of shape \(d, h, w\), not empty, got shape \(0, 2, 2\)"
    ):
        embedding_rgb(np.zeros((0, 2, 2)))
    with pytest.raises(ValueError, match="`embedding` must be finite, got NaN or infinity"):
        embedding_rgb(np.full((2, 2, 2), np.nan))
