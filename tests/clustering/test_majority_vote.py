"""Majority vote: counts by hand, by NumPy, and instances that have no vote."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.clustering import majority_vote


def test_an_instance_without_votes_is_void():
    """Instance 1 has votes 4, 7, 7; instance 2 no pixel; instance 3 only void."""
    got = majority_vote(np.array([[0, 1, 1, 1, 3]]), np.array([[9, 4, 7, 7, 255]]))
    assert got.tolist() == [7, 255, 255]


def test_of_equally_frequent_categories_the_lowest_wins():
    assert majority_vote(np.array([[1, 1, 1, 1]]), np.array([[5, 2, 5, 2]])).tolist() == [2]


@given(st.integers(0, 2**31))
def test_it_equals_counting_each_instance(seed: int):
    generator = np.random.default_rng(seed)
    instances = generator.integers(0, 5, (6, 7))
    semantic = generator.integers(0, 4, (6, 7))
    expected = [
        int(np.bincount(semantic[instances == i]).argmax()) if (instances == i).any() else 255
        for i in range(1, int(instances.max()) + 1)
    ]
    assert majority_vote(instances, semantic).tolist() == expected


def test_logits_vote_for_their_largest():
    logits = np.array([[[0.1, 0.9]], [[0.2, 0.3]]])  # pixel 0 votes 1, pixel 1 votes 0
    assert majority_vote(np.array([[1, 2]]), logits).tolist() == [1, 0]


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 2)])
def test_no_instance_has_no_category(shape: tuple[int, int]):
    assert majority_vote(np.zeros(shape, np.int64), np.zeros(shape, np.int64)).tolist() == []


def test_another_size_is_refused():
    with pytest.raises(
        ValueError, match=r"`semantic` must be of size \(1, 2\) like `instances`, got \(1, 3\)"
    ):
        majority_vote(np.zeros((1, 2), np.int64), np.zeros((1, 3), np.int64))
