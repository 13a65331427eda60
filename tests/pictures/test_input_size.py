"""The size in which a network sees an image: the three forms, what they refuse, what resizing keeps."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.errors import InputError
from intarsia.pictures.input_size import InputSize

SIDES = st.integers(1, 5000)


def test_width_comes_before_height_as_the_papers_write_it():
    """De Brabandere et al. resize 2048 x 1024 to "768x384"."""
    assert InputSize("768x384").of(1024, 2048) == (384, 768)


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        ((480, 640), (800, 1067)),
        ((640, 480), (1067, 800)),
        ((500, 1500), (444, 1333)),
        ((1, 4000), (1, 1333)),
    ],
)
def test_the_short_side_rules_until_the_long_one_is_too_long(size, wanted):
    assert InputSize("800/1333").of(*size) == wanted


@given(SIDES, SIDES)
def test_the_sides_stay_within_what_was_asked_for(height, width):
    rows, columns = InputSize("80/133").of(height, width)
    assert max(rows, columns) <= 133
    assert min(rows, columns) == 80 or max(rows, columns) == 133


@pytest.mark.parametrize("text", ["768", "x", "0x5", "768X384", "5x", "-1x5", "1e3x5", "768x384x3", "a/b"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(InputError, match=r"`size` must be empty \(as it is\), WIDTHxHEIGHT"):
        InputSize(text)


def test_sides_in_the_wrong_order_are_refused():
    with pytest.raises(InputError, match="a shorter side and then a longer one"):
        InputSize("1333/800")


def test_shrinking_takes_means_and_no_size_takes_the_image_itself():
    """Stripes of 0 and 200 become the gray between, where nearest neighbour would take one of the two."""
    image = np.zeros((8, 8, 3), np.uint8)
    image[:, ::2] = 200
    small = InputSize("2x2").resized(image)
    assert small.shape == (2, 2, 3)
    assert np.abs(small.astype(int) - 100).max() <= 20
    assert InputSize("").resized(image) is image
