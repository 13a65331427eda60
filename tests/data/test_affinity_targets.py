"""Targets of affinities: by hand, against a loop over pairs, for a cut problem."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.cut import GridProblem, solve
from intarsia.data.affinity_targets import affinity_targets
from intarsia.data.targets import targets_of
from intarsia.errors import InputError
from intarsia.panoptic import Categories, Segment

FACADES = Categories.named("facades")
SEGMENTS = [Segment(1, 1), Segment(2, 1), Segment(3, 6), Segment(4, 1, is_crowd=True), Segment(5, 5)]


def test_things_stuff_void_and_crowds_in_a_row():
    """Window 1, window 2, facade, void, crowd of windows, facade again: two facades are one segment."""
    grid = targets_of(torch.tensor([[1, 2, 2, 3, 0, 4, 3]], dtype=torch.int32), SEGMENTS, FACADES)
    found = affinity_targets(grid, [(0, 1), (0, 3), (0, -3)])
    assert found.joined[0, 0, 0].tolist() == [False, True, False, False, False, False, False]
    assert found.valid[0, 0, 0].tolist() == [True, True, True, False, False, False, False]
    assert found.joined[0, 1, 0].tolist() == [False, False, False, True, False, False, False]
    assert found.valid[0, 1, 0].tolist() == [True, False, False, True, False, False, False]
    assert found.joined[0, 2, 0].tolist() == [False, False, False, False, False, False, True]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    offsets=st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)).filter(any), min_size=1, max_size=4),
)
def test_it_equals_a_loop_over_pairs(seed, offsets):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, 6, (4, 5)).astype(np.int32)
    points = torch.from_numpy(rng.integers(1, 13, (1, 4, 5)).astype(np.float32))
    grid = targets_of(torch.from_numpy(ids), SEGMENTS, FACADES)
    found = affinity_targets(grid, offsets, weights=points)
    known = (ids != 0) & (ids != 4)
    for (o, (dr, dc)), r, c in ((x, r, c) for x in enumerate(offsets) for r in range(4) for c in range(5)):
        inside = 0 <= r + dr < 4 and 0 <= c + dc < 5
        valid = bool(inside and known[r, c] and known[r + dr, c + dc])
        weight = max(points[0, r, c], points[0, r + dr, c + dc]) if valid else 0
        assert found.valid[0, o, r, c] == valid
        assert found.joined[0, o, r, c] == (valid and ids[r, c] == ids[r + dr, c + dc])
        assert found.weights[0, o, r, c] == weight


def test_a_cut_of_perfect_affinities_is_the_truth():
    """The targets are laid out as `GridProblem` reads its costs."""
    ids = np.repeat(np.repeat(np.array([[1, 2, 3], [2, 2, 3], [3, 3, 1]], np.int32), 2, 0), 3, 1)
    ids[4:, 6:] = 5
    grid = targets_of(torch.from_numpy(ids), SEGMENTS, FACADES)
    offsets = [(1, 0), (0, 1), (2, 2), (-2, 1)]
    costs = affinity_targets(grid, offsets).joined[0].float() * 2 - 1
    nodes = (grid.semantic[0] != torch.arange(10)[:, None, None]).float() * 9
    cut = solve(GridProblem(nodes.numpy(), costs.numpy(), offsets, [c.is_thing for c in FACADES]))
    assert len(np.unique(np.stack([cut.clusters.ravel(), ids.ravel()]), axis=1).T) == len(np.unique(ids))


def test_an_offset_to_itself_is_refused():
    grid = targets_of(torch.ones(1, 1, dtype=torch.int32), [Segment(1, 1)], FACADES)
    with pytest.raises(InputError, match=r"`offsets` must be other than \(0, 0\)"):
        affinity_targets(grid, [(0, 0)])


def test_pairs_between_two_things_touch():
    """Window 1, window 2 twice, facade, void, crowd: only the first pair is between two things."""
    grid = targets_of(torch.tensor([[1, 2, 2, 3, 0, 4]], dtype=torch.int32), SEGMENTS, FACADES)
    touching = affinity_targets(grid, [(0, 1), (0, 2)]).touching[0, :, 0].tolist()
    assert touching == [[True] + [False] * 5, [True] + [False] * 5]
