"""Mean shift: a line worked by hand, the rules written out in NumPy, and input that is meant to hurt."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.clustering import assign_to_centers, mean_shift, resolve_bandwidth
from tests.clustering.scenes import embedded_objects


def everything(height: int, width: int) -> np.ndarray:
    return np.ones((height, width), bool)


def line(*values: float) -> np.ndarray:
    return np.array(values, np.float32).reshape(1, 1, -1)


def slow_mean_shift(
    points: np.ndarray,
    order: np.ndarray,
    *,
    bandwidth: float,
    min_size: int,
    max_iterations: int = 100,
    max_failures: float = np.inf,
    patience: float = np.inf,
) -> np.ndarray:
    """The rules as the docstring of `mean_shift` states them; points (n d)."""
    unused, labels = np.ones(len(points), bool), np.zeros(len(points), np.int32)
    failures = barren = 0
    for seed in order:
        if unused.sum() < min_size or failures >= max_failures or barren >= patience:
            break
        if not unused[seed]:
            continue
        mean, rests = points[seed].astype(np.float64), False
        for _ in range(max_iterations):
            near = unused & (np.linalg.norm(points - mean, axis=1) < bandwidth)
            if not near.any():
                break
            step = points[near].mean(0) - mean
            mean = mean + step
            if np.linalg.norm(step) <= 1e-4:
                rests = True
                break
        failures = 0 if rests else failures + 1
        barren += 1
        if rests:
            around = np.linalg.norm(points - mean, axis=1) < bandwidth
            group = around & unused
            if group.sum() >= min_size and 2 * (labels[around] > 0).sum() < around.sum():
                labels[group] = labels.max() + 1
                barren = 0
            unused &= ~group
        unused[seed] = False
    return labels


def test_a_line_worked_by_hand():
    """From 0 to the mean .5 of 0 and 1, to the mean 1 of 0, 1 and 2: at rest. 9 and 10 are left."""
    got = mean_shift(
        line(0.0, 1.0, 2.0, 9.0, 10.0), everything(1, 5), bandwidth=1.6, min_points=2, seed_order="density"
    )
    assert got.tolist() == [[1, 1, 1, 2, 2]]
    assert got.dtype == np.int32


@pytest.mark.parametrize("bandwidth", [0.6, 1.5])
@pytest.mark.parametrize(("noise", "dims"), [(0.1, 2), (0.3, 8)])
@pytest.mark.parametrize("seed", range(3))
def test_it_equals_the_rules_written_out(seed: int, noise: float, dims: int, bandwidth: float):
    embeddings, _ = embedded_objects(20, 24, num_objects=5, dims=dims, noise=noise, seed=seed)
    foreground = np.random.default_rng(seed).random((20, 24)) < 0.8
    points = embeddings[:, foreground].T
    order = np.random.default_rng(seed).permutation(len(points))
    expected = slow_mean_shift(points, order, bandwidth=bandwidth, min_size=6)
    got = mean_shift(embeddings, foreground, bandwidth=bandwidth, min_points=6, seed=seed, patience=None)
    assert (got[~foreground] == 0).all()
    assert got[foreground].tolist() == expected.tolist()


@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 30), st.sampled_from([0.5, 1.0]))
def test_it_equals_the_rules_on_random_points(seed: int, dims: int, num_points: int, bandwidth: float):
    points = np.random.default_rng(seed).normal(0, 1, (num_points, dims)).astype(np.float32)
    order = np.random.default_rng(7).permutation(num_points)
    expected = slow_mean_shift(
        points, order, bandwidth=bandwidth, min_size=3, max_iterations=4, max_failures=2, patience=3
    )
    got = mean_shift(
        points.T[:, None],
        everything(1, num_points),
        bandwidth=bandwidth,
        min_points=3,
        seed=7,
        max_iterations=4,
        max_failures=2,
        patience=3,
    )
    assert got[0].tolist() == expected.tolist()


@pytest.mark.parametrize("order", ["random", "density"])
def test_well_separated_objects_are_found_whatever_their_number(order: str):
    embeddings, truth = embedded_objects(60, 80, num_objects=30, dims=8, noise=0.1, seed=3)
    got = mean_shift(embeddings, everything(60, 80), bandwidth=1.5, min_points=15, seed_order=order)  # pyright: ignore
    for i in np.unique(truth):
        found = np.bincount(got[truth == i]).argmax()
        assert found > 0
        assert ((got == found) & (truth == i)).sum() > 0.5 * ((got == found) | (truth == i)).sum()


def test_hundreds_of_instances_have_no_limit():
    """A thousand numbers, ten apart, four pixels each."""
    embeddings = (np.arange(4000) // 4 * 10.0).reshape(1, 40, 100)
    got = mean_shift(embeddings, everything(40, 100), bandwidth=1.0, min_points=4)
    assert got.max() == 1000
    assert (np.bincount(got.ravel())[1:] == 4).all()


def test_the_same_seed_gives_the_same_answer():
    embeddings, _ = embedded_objects(30, 30, num_objects=4, dims=3, noise=0.4, seed=1)
    first, again = (
        mean_shift(embeddings, everything(30, 30), bandwidth=0.8, min_points=9, seed=5) for _ in range(2)
    )
    assert np.array_equal(first, again)


@given(st.integers(0, 2**31))
@settings(max_examples=25)
def test_labels_are_consecutive_and_groups_large_enough(seed: int):
    embeddings = np.random.default_rng(seed).normal(size=(2, 12, 12))
    sizes = np.bincount(mean_shift(embeddings, everything(12, 12), bandwidth=0.5, min_points=5).ravel())[1:]
    assert (sizes >= 5).all()


def test_equal_embeddings_are_one_instance():
    got = mean_shift(np.zeros((8, 50, 50)), everything(50, 50), bandwidth=0.5, min_points=10)
    assert (got == 1).all()


def test_scattered_noise_has_no_instance_and_ends():
    noise = np.random.default_rng(0).random((8, 64, 64)) * 100
    assert (mean_shift(noise, everything(64, 64), bandwidth=1.0, min_points=10) == 0).all()


def test_groups_that_are_too_small_are_dropped():
    got = mean_shift(line(0, 0, 0, 5, 5), everything(1, 5), bandwidth=1.0, min_points=3)
    assert got.tolist() == [[1, 1, 1, 0, 0]]


def test_leftovers_go_to_the_nearest_mean_within_the_radius():
    embeddings = line(0.0, 0.0, 0.0, 1.8, 9.0, 5.0, 5.0, 5.0)
    got = mean_shift(
        embeddings, everything(1, 8), bandwidth=1.0, min_points=3, leftover_radius=2.0, seed_order="density"
    )
    assert got.tolist() == [[1, 1, 1, 1, 0, 2, 2, 2]]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (0, 3), (3, 1)])
def test_no_foreground_has_no_instance(height: int, width: int):
    got = mean_shift(np.zeros((4, height, width)), ~everything(height, width), bandwidth=1.0, min_points=1)
    assert got.shape == (height, width)
    assert (got == 0).all()


def test_nan_in_the_background_does_not_matter_but_in_the_foreground_is_refused():
    embeddings, foreground = line(0.0, np.nan), np.array([[True, False]])
    assert mean_shift(embeddings, foreground, bandwidth=1.0, min_points=1).tolist() == [[1, 0]]
    with pytest.raises(
        ValueError, match="`embeddings` must be finite in the foreground, got NaN or infinity"
    ):
        mean_shift(embeddings, everything(1, 2), bandwidth=1.0, min_points=1)


def test_half_precision_embeddings_are_grouped():
    assert (
        mean_shift(line(0, 0, 5).astype(np.float16), everything(1, 3), bandwidth=1.0, min_points=1).max() == 2
    )


@pytest.mark.parametrize("bandwidth", [0.0, -1.0, math.inf, math.nan])
def test_a_bandwidth_that_is_not_positive_is_refused(bandwidth: float):
    with pytest.raises(ValueError, match=f"`bandwidth` must be a positive number, got {bandwidth}"):
        mean_shift(line(0), everything(1, 1), bandwidth=bandwidth, min_points=1)


def test_a_least_size_of_nothing_is_refused():
    with pytest.raises(ValueError, match="`min_points` must be at least 1, got 0"):
        mean_shift(line(0), everything(1, 1), bandwidth=1.0, min_points=0)


def test_a_foreground_of_another_size_is_refused():
    with pytest.raises(ValueError, match=r"`foreground` must be \(1, 2\) like `embeddings`, got \(1, 3\)"):
        mean_shift(line(0, 1), everything(1, 3), bandwidth=1.0, min_points=1)


def test_pixels_go_to_the_nearest_true_centre_within_the_bandwidth():
    embeddings, _ = embedded_objects(20, 30, num_objects=6, dims=3, noise=0.5, seed=2)
    centers = np.random.default_rng(2).normal(0, 3, (7, 3))
    distance = np.linalg.norm(embeddings.reshape(3, -1).T[:, None] - centers, axis=-1)
    expected = np.where(distance.min(1) < 2.0, distance.argmin(1) + 1, 0).reshape(20, 30)
    got = assign_to_centers(embeddings, everything(20, 30), centers, bandwidth=2.0)
    assert got.tolist() == expected.tolist()


def test_without_centres_all_is_none():
    assert (assign_to_centers(line(0, 1), everything(1, 2), np.zeros((0, 1)), bandwidth=1.0) == 0).all()


def test_centres_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match=r"`centers` must be shaped \(n, 1\), like `embeddings`"):
        assign_to_centers(line(0), everything(1, 1), np.zeros((2, 3)), bandwidth=1.0)


@pytest.mark.parametrize(
    ("preset", "expected"), [("delta_v", 0.5), ("2delta_v", 1.0), ("delta_d", 1.5), (0.7, 0.7)]
)
def test_presets_of_the_bandwidth(preset: str | float, expected: float):
    assert resolve_bandwidth(preset, delta_v=0.5, delta_d=1.5) == expected
