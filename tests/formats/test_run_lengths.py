"""The codes of a whole map are those that pycocotools makes mask by mask."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

from intarsia.formats.run_lengths import mask_of_counts, run_length_codes


@given(st.lists(st.integers(0, 3), min_size=1, max_size=24), st.integers(1, 6))
def test_equal_to_pycocotools_mask_by_mask(values: list[int], width: int):
    ids = np.array((values * width)[: len(values) // width * width or width]).reshape(-1, width)
    codes = run_length_codes(ids)
    assert set(codes) == set(np.unique(ids).tolist())
    for id, code in codes.items():
        assert code == mask.encode(np.asfortranarray((ids == id).astype(np.uint8)))
        assert np.array_equal(mask_of_counts(code["counts"], size=(len(ids), width)), ids == id)


def test_long_and_shrinking_runs_come_back():
    """Runs of more than five bits, and differences below zero."""
    flat = np.repeat([0, 1, 0, 1, 0, 1], [3, 2000, 40, 1, 900, 56])
    ids = flat.reshape(50, 60).T
    code = run_length_codes(ids)[1]
    assert np.array_equal(mask_of_counts(code["counts"], size=(60, 50)), ids == 1)


def test_runs_of_another_size_are_refused():
    with pytest.raises(ValueError, match="`counts` must be run lengths that fill 2x2 pixels, got 5 pixels"):
        mask_of_counts([2, 3], size=(2, 2))


def test_thousands_of_segments_take_one_pass():
    codes = run_length_codes(np.arange(2_000).reshape(40, 50))
    assert len(codes) == 2_000
    assert mask.toBbox(codes[103]).tolist() == [3, 2, 1, 1]
