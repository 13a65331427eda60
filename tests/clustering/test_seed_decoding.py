"""Seed decoding: a line by hand, the rules in plain NumPy, and what must not matter."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.clustering import assign_by_membership, seed_decoding
from intarsia.errors import InputError
from tests.clustering.scenes import embedded_objects

LINE = np.array([[[0.0, 0.5, 1.0, 5.0, 5.5]]])
SEEDS = np.array([[0.2, 0.9, 0.8, 0.7, 0.1]])
EVERYWHERE = np.ones((1, 5), bool)


def plain_decoding(
    points: np.ndarray,
    seeds: np.ndarray,
    lambdas: np.ndarray,
    threshold: float,
    min_size: int,
    refinements: int,
) -> np.ndarray:
    """The rules as they are written, every seed against every point."""
    unused, labels = np.ones(len(points), bool), np.zeros(len(points), np.int32)
    while unused.sum() >= min_size:
        seed = int(np.where(unused, seeds, -np.inf).argmax())
        if seeds[seed] < threshold:
            break
        center, around = points[seed], unused
        for step in range(refinements + 1):
            phi = np.exp(-lambdas[seed] * ((points - center) ** 2).sum(1))
            around = phi > 0.5
            if step < refinements:
                center = (phi[around, None] * points[around]).sum(0) / phi[around].sum()
        if around.sum() >= min_size and 2 * (around & unused).sum() > around.sum():
            labels[around & unused] = labels.max() + 1
        unused &= ~around
        unused[seed] = False
    return labels


def scene(seed: int, *, noise: float = 0.3) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Embeddings, seeds, log λ and the true instances; seeds are high inside and low where objects meet."""
    generator = np.random.default_rng(seed)
    embeddings, truth = embedded_objects(24, 30, num_objects=6, dims=3, noise=noise, seed=seed)
    seeds = generator.random(truth.shape)
    log_lambda = generator.random(truth.shape) - 1
    return embeddings, seeds, log_lambda, truth


def test_the_highest_seed_takes_its_margin():
    """λ = 1: a margin of sqrt(log 2) = 0.83. Seed 0.9 at 0.5 takes 0 to 1, so 0.8 is no seed; 0.7 is one."""
    groups = seed_decoding(LINE, SEEDS, np.zeros((1, 5)), foreground=EVERYWHERE, min_points=2)
    assert groups.instances.tolist() == [[1, 1, 1, 2, 2]]
    assert groups.centers.tolist() == [[0.5], [5.0]]
    assert groups.scores.tolist() == pytest.approx([0.9, 0.7])
    assert groups.log_lambda.tolist() == [0.0, 0.0]


def test_a_pixel_at_1_17741_sigma_is_just_outside():
    """σ = 1 is λ = 1/2; the ball is open."""
    line = np.array([[[0.0, 1.1774, 1.1775]]])
    groups = seed_decoding(
        line,
        np.array([[1.0, 0.0, 0.0]]),
        np.full((1, 3), -math.log(2)),
        foreground=np.ones((1, 3), bool),
        min_points=1,
    )
    assert groups.instances.tolist() == [[1, 1, 0]]


def test_the_background_neither_seeds_nor_joins():
    foreground = np.array([[True, False, True, True, False]])
    groups = seed_decoding(LINE, SEEDS, np.zeros((1, 5)), foreground=foreground, min_points=1)
    assert groups.instances.tolist() == [[0, 0, 1, 2, 0]]


def test_a_refined_centre_moves_to_the_weighted_mean():
    """From 0.5 the weights of 0, 0.5, 1 are symmetric; from the end 0 the mean moves right and gains 1."""
    line = np.array([[[0.0, 0.6, 1.0, 5.0, 5.5]]])
    seeds = np.array([[0.9, 0.1, 0.1, 0.8, 0.1]])
    flat = np.zeros((1, 5))
    plain = seed_decoding(line, seeds, flat, foreground=EVERYWHERE, min_points=2)
    refined = seed_decoding(line, seeds, flat, foreground=EVERYWHERE, min_points=2, refinements=1)
    assert plain.instances.tolist() == [[1, 1, 0, 2, 2]]
    assert refined.instances.tolist() == [[1, 1, 1, 2, 2]]
    weight = math.exp(-0.36)
    assert refined.centers[0].item() == pytest.approx(0.6 * weight / (1 + weight))


@pytest.mark.parametrize("refinements", [0, 2])
@given(seed=st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_the_native_form_equals_the_rules(seed: int, refinements: int):
    embeddings, seeds, log_lambda, _ = scene(seed)
    groups = seed_decoding(
        embeddings,
        seeds,
        log_lambda,
        foreground=np.ones(seeds.shape, bool),
        refinements=refinements,
        patience=10_000,
    )
    points = embeddings.reshape(len(embeddings), -1).T
    lambdas = np.exp(log_lambda.ravel().astype(np.float32))
    expected = plain_decoding(points, seeds.ravel(), lambdas, 0.5, 8, refinements)
    differing = (groups.instances.ravel() != expected).mean()
    assert differing < (
        0.01 if refinements else 1e-9
    )  # a refined mean may round to the other side of a margin


def test_more_instances_than_any_cap():
    """Ten thousand pixels, each its own instance."""
    side = 100
    embeddings = np.arange(float(side * side)).reshape(1, side, side)
    ones = np.ones((side, side))
    groups = seed_decoding(embeddings, ones, ones * 3, foreground=ones > 0, min_points=1)
    assert len(groups.scores) == side * side
    assert groups.instances.ravel().tolist() == list(range(1, side * side + 1))


def test_nothing_to_group_gives_nothing():
    groups = seed_decoding(LINE, SEEDS, np.zeros((1, 5)), foreground=~EVERYWHERE)
    assert not groups.instances.any()
    assert groups.centers.shape == (0, 1)
    low = seed_decoding(LINE, SEEDS * 0, np.zeros((1, 5)), foreground=EVERYWHERE)
    assert not low.instances.any()


def test_patience_ends_a_search_in_noise():
    """Pixels far from each other never make two: after three tries the pair is missed."""
    line = np.array([[[0.0, 10.0, 20.0, 30.0, 30.1]]])
    seeds = np.array([[0.9, 0.8, 0.7, 0.6, 0.6]])
    flat = np.zeros((1, 5))
    for patience, instances in ((3, [0, 0, 0, 0, 0]), (4, [0, 0, 0, 1, 1])):
        groups = seed_decoding(line, seeds, flat, foreground=EVERYWHERE, min_points=2, patience=patience)
        assert groups.instances.tolist() == [instances]


def test_pixels_go_to_the_centre_of_the_largest_membership_not_the_nearest():
    """At 2: |0 - 2| with λ = e^-3 has φ = 0.82; |3 - 2| with λ = 1 has φ = 0.37."""
    line = np.array([[[2.0, 3.2, 9.0]]])
    everywhere = np.ones((1, 3), bool)
    centers, log_lambda = np.array([[0.0], [3.0]]), np.array([-3.0, 0.0])

    def assigned(**options) -> list[list[int]]:
        return assign_by_membership(line, centers, log_lambda, foreground=everywhere, **options).tolist()

    assert assigned(least=0.3) == [[1, 2, 0]]
    assert assigned(least=0.9) == [[0, 2, 0]]
    pixels, of_centers = np.array([[7, 8, 7]]), np.array([8, 7])
    assert assigned(least=0.3, categories=(pixels, of_centers)) == [[2, 1, 0]]


def test_assigning_to_the_found_centres_finds_the_same_instances():
    embeddings, seeds, _, _ = scene(3, noise=0.05)
    everywhere, log_lambda = np.ones(seeds.shape, bool), np.full(seeds.shape, -1.0)
    groups = seed_decoding(embeddings, seeds, log_lambda, foreground=everywhere)
    again = assign_by_membership(embeddings, groups.centers, groups.log_lambda, foreground=everywhere)
    agree = (again == groups.instances)[groups.instances > 0]
    assert agree.mean() > 0.99


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"min_points": 0}, "`min_points` must be at least 1, got 0"),
        ({"patience": 0}, "`patience` must be at least 1, got 0"),
        ({"refinements": -1}, "`refinements` must be at least 0, got -1"),
        ({"seeds": np.zeros((2, 5))}, r"`seeds` must be \(1, 5\) like `foreground`, got \(2, 5\)"),
        ({"log_lambda": np.full((1, 5), math.nan)}, "`log_lambda` must be finite in the foreground"),
    ],
)
def test_mistakes_are_told(options, message):
    given = {"seeds": SEEDS, "log_lambda": np.zeros((1, 5))} | options
    with pytest.raises(InputError, match=message):
        seed_decoding(LINE, given.pop("seeds"), given.pop("log_lambda"), foreground=EVERYWHERE, **given)


def test_mistakes_about_centres_are_told():
    with pytest.raises(InputError, match=r"`least` must be in \(0, 1\), got 1"):
        assign_by_membership(LINE, np.zeros((1, 1)), np.zeros(1), foreground=EVERYWHERE, least=1.0)
    with pytest.raises(InputError, match=r"`centers` must be shaped \(2, 1\), got \(2, 3\)"):
        assign_by_membership(LINE, np.zeros((2, 3)), np.zeros(2), foreground=EVERYWHERE)
    with pytest.raises(InputError, match="`centers` must be finite, with a finite `log_lambda`"):
        assign_by_membership(LINE, np.full((1, 1), math.inf), np.zeros(1), foreground=EVERYWHERE)
