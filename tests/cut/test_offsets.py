"""Where the points of a pair lie: against a search over all points."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.cut.offsets import offsets_of, pair_slices

steps = st.one_of(st.integers(-7, 7), st.sampled_from([-(2**31), 2**31 - 1, 2**63]))


@given(
    shape_and_offset=st.integers(1, 3).flatmap(
        lambda rank: st.tuples(st.tuples(*[st.integers(0, 5)] * rank), st.tuples(*[steps] * rank))
    )
)
def test_slices_hold_exactly_the_pairs_that_fit_in_order(shape_and_offset):
    shape, offset = shape_and_offset
    points = list(itertools.product(*map(range, shape)))
    inside = set(points)
    moved = [tuple(np.add(point, offset, dtype=object)) for point in points]
    wanted = [(a, b) for a, b in zip(points, moved, strict=True) if b in inside]
    grid = np.empty(shape, object)
    for point in points:
        grid[point] = point
    first, second = pair_slices(shape, offset)
    assert grid[first].shape == grid[second].shape
    assert list(zip(grid[first].ravel(), grid[second].ravel(), strict=True)) == wanted


def test_an_offset_of_another_rank_than_the_grid_is_an_error():
    with pytest.raises(ValueError, match="zip"):
        pair_slices((3, 4), (1,))


def test_offsets_come_distance_by_distance_with_diagonals_if_asked_for():
    assert offsets_of([2]) == ((2, 0), (0, 2))
    assert offsets_of([1, 3], diagonals=True) == (
        (1, 0),
        (0, 1),
        (1, 1),
        (1, -1),
        (3, 0),
        (0, 3),
        (3, 3),
        (3, -3),
    )
    assert offsets_of([]) == ()
