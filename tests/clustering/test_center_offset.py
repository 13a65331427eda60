"""Centre and offset grouping: pixels worked by hand, the dense form, ties and edges."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.ndimage import maximum_filter

from intarsia.clustering import CenterGroups, center_offset_grouping


def dense_grouping(
    heat: np.ndarray, offsets: np.ndarray, things: np.ndarray, kernel: int, top_k: int | None
) -> np.ndarray:
    """All pixels against all centres; h w instances."""
    pooled = maximum_filter(heat, kernel, mode="constant", cval=-np.inf)
    centers = np.argwhere((heat > 0.1) & (heat == pooled))
    order = np.argsort(-heat[centers[:, 0], centers[:, 1]], kind="stable")
    centers = centers[order[:top_k]].astype(np.float32)
    if not len(centers):
        return np.zeros(things.shape, np.int32)
    places = (np.indices(heat.shape) + offsets).astype(np.float32).reshape(2, -1).T  # (h w) 2
    nearest = np.square(places[:, None] - centers[None]).sum(-1).argmin(1) + 1
    return nearest.reshape(heat.shape) * things


def random_case(
    seed: int, height: int, width: int, reach: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    heat = generator.random((height, width), np.float32)
    offsets = generator.normal(0, reach, (2, height, width)).astype(np.float32)
    return heat, offsets, generator.random((height, width)) < 0.7


def test_two_centres_worked_by_hand():
    """The pixel in the middle points two to the right, to the second centre."""
    heat = np.array([[0.9, 0.0, 0.0, 0.0, 0.8]])
    offsets = np.zeros((2, 1, 5))
    offsets[1, 0, 1] = 2.6
    things = np.array([[True, True, True, False, True]])
    groups = center_offset_grouping(heat, offsets, things, nms_kernel=3)
    assert groups.instances.tolist() == [[1, 2, 1, 0, 2]]
    assert groups.centers.tolist() == [[0, 0], [0, 4]]
    assert groups.scores.tolist() == pytest.approx([0.9, 0.8])


@given(
    st.integers(0, 2**31),
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([0.5, 5.0, 60.0]),
    st.sampled_from([1, 3, 7]),
    st.sampled_from([None, 0, 3]),
)
def test_it_equals_the_dense_form(
    seed: int, height: int, width: int, reach: float, kernel: int, top_k: int | None
):
    heat, offsets, things = random_case(seed, height, width, reach)
    got = center_offset_grouping(heat, offsets, things, nms_kernel=kernel, top_k=top_k)
    assert got.instances.tolist() == dense_grouping(heat, offsets, things, kernel, top_k).tolist()


def test_more_centres_than_the_paper_keeps():
    heat = np.zeros((90, 90))
    heat[::3, ::3] = np.random.default_rng(0).random((30, 30)) / 2 + 0.5
    groups = center_offset_grouping(heat, np.zeros((2, 90, 90)), heat > 0, nms_kernel=3)
    assert len(groups.centers) == 900
    assert np.sort(groups.instances[heat > 0]).tolist() == list(range(1, 901))
    assert (np.diff(groups.scores) <= 0).all()


def test_a_plateau_has_one_centre_the_first():
    heat = np.full((3, 9), 0.7)
    groups = center_offset_grouping(heat, np.zeros((2, 3, 9)), heat > 0)
    assert groups.centers.tolist() == [[0, 0]]


def empty(groups: CenterGroups) -> bool:
    return len(groups.centers) == len(groups.scores) == 0 and bool((groups.instances == 0).all())


@pytest.mark.parametrize(("height", "width"), [(1, 1), (0, 4), (5, 2)])
def test_without_centres_there_is_no_instance(height: int, width: int):
    things = np.ones((height, width), bool)
    assert empty(center_offset_grouping(np.zeros((height, width)), np.zeros((2, height, width)), things))


def test_nan_heat_is_no_centre():
    things = np.ones((2, 2), bool)
    assert empty(center_offset_grouping(np.full((2, 2), np.nan), np.zeros((2, 2, 2)), things))


def test_an_infinite_offset_is_refused_where_it_counts():
    offsets = np.full((2, 1, 2), np.inf)
    assert empty(center_offset_grouping(np.zeros((1, 2)), offsets, np.zeros((1, 2), bool)))
    with pytest.raises(ValueError, match="`offsets` must be finite where `things`"):
        center_offset_grouping(np.zeros((1, 2)), offsets, np.ones((1, 2), bool))


def test_sizes_that_differ_are_refused():
    with pytest.raises(ValueError, match=r"`offsets` must be \(2, 1, 2\) to fit `heat`, got \(2, 2, 2\)"):
        center_offset_grouping(np.zeros((1, 2)), np.zeros((2, 2, 2)), np.zeros((1, 2), bool))
    with pytest.raises(ValueError, match=r"`things` must be \(1, 2\) to fit `heat`"):
        center_offset_grouping(np.zeros((1, 2)), np.zeros((2, 1, 2)), np.zeros((2, 2), bool))


def test_an_even_window_is_refused():
    with pytest.raises(ValueError, match="`nms_kernel` must be odd and positive, got 4"):
        center_offset_grouping(np.zeros((1, 1)), np.zeros((2, 1, 1)), np.zeros((1, 1), bool), nms_kernel=4)


def test_a_negative_number_of_centres_is_refused():
    with pytest.raises(ValueError, match="`top_k` must be at least 0, got -1"):
        center_offset_grouping(np.zeros((1, 1)), np.zeros((2, 1, 1)), np.zeros((1, 1), bool), top_k=-1)
