"""The codes of a whole map are those that pycocotools makes mask by mask."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask

from intarsia.formats.run_lengths import run_length_codes


@given(st.lists(st.integers(0, 3), min_size=1, max_size=24), st.integers(1, 6))
def test_equal_to_pycocotools_mask_by_mask(values: list[int], width: int):
    ids = np.array((values * width)[: len(values) // width * width or width]).reshape(-1, width)
    codes = run_length_codes(ids)
    assert set(codes) == set(np.unique(ids).tolist())
    for id, code in codes.items():
        assert code == mask.encode(np.asfortranarray((ids == id).astype(np.uint8)))


def test_thousands_of_segments_take_one_pass():
    codes = run_length_codes(np.arange(2_000).reshape(40, 50))
    assert len(codes) == 2_000
    assert mask.toBbox(codes[103]).tolist() == [3, 2, 1, 1]
