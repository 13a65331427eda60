"""The cut on panoptic labels against brute force, and what its search promises."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.cut import GridProblem, solve
from intarsia.layers.lifted_cut import LiftedCut
from intarsia.layers.panoptic_masks import TrueSegments
from tests.cut.problems import random_grid


def lifted(seed: int, height: int, width: int) -> tuple[GridProblem, LiftedCut, np.ndarray]:
    """A problem with its solution, and a gradient for its masks."""
    random = np.random.default_rng(seed)
    problem = random_grid(seed, height, width)
    semantic = random.integers(0, 3, problem.shape)
    truth = TrueSegments.of(semantic, random.integers(1, 3, problem.shape), problem.splittable)
    cut = LiftedCut.of(problem, solve(problem), truth, 1)
    return problem, cut, random.normal(size=(cut.num_masks, *problem.shape)).astype(np.float32)


def as_graph_cost(
    problem: GridProblem, cut: LiftedCut, gradient: np.ndarray, step: float, z: np.ndarray
) -> float:
    """The cost of labels by the definition: lambda dL/dz added to the costs of each label's class."""
    costs = problem.node_costs[cut.class_of].astype(np.float64)
    costs[: cut.num_masks] += step * gradient
    whole = GridProblem(costs, problem.affinity_costs, problem.offsets, np.zeros(len(costs), bool))
    return whole.cost(z, z)


sizes = {"seed": st.integers(0, 10**6), "height": st.integers(1, 7), "width": st.integers(1, 7)}


@given(**sizes, step=st.sampled_from([0.0, 0.3, 2.0, 50.0]))
@settings(max_examples=25, deadline=None)
def test_no_pixel_can_do_better_alone(seed: int, height: int, width: int, step: float):
    problem, cut, gradient = lifted(seed, height, width)
    z = cut.perturbed(problem, gradient, step)
    cost = as_graph_cost(problem, cut, gradient, step, z)
    assert cost <= as_graph_cost(problem, cut, gradient, step, cut.start) + 1e-3
    for row, col in itertools.islice(np.ndindex(height, width), 6):
        for label in range(len(cut.class_of)):
            other = z.copy()
            other[row, col] = label
            assert cost <= as_graph_cost(problem, cut, gradient, step, other) + 1e-3


@given(**sizes)
@settings(max_examples=25, deadline=None)
def test_without_a_perturbation_nothing_changes(seed: int, height: int, width: int):
    problem, cut, gradient = lifted(seed, height, width)
    assert np.array_equal(cut.perturbed(problem, 0 * gradient, 1.0), cut.start)


@given(**sizes)
@settings(max_examples=25, deadline=None)
def test_lifting_never_raises_the_cost_and_stays_feasible(seed: int, height: int, width: int):
    problem = random_grid(seed, height, width)
    forward = solve(problem, solver="contraction")
    cut = LiftedCut.of(problem, forward, TrueSegments.unknown(problem.shape), 1)
    assert problem.cost(cut.class_of[cut.start], cut.clusters) <= forward.cost + 1e-3


def test_most_small_perturbed_problems_are_solved_to_the_optimum():
    """Six pixels, all ways to label them: never below the least cost, and mostly there."""
    found = tried = 0
    for seed in range(40):
        problem, cut, gradient = lifted(seed, 2, 3)
        if len(cut.class_of) > 5:
            continue
        everything = np.array(list(itertools.product(range(len(cut.class_of)), repeat=6)))
        least = costs_of_all(problem, cut, 3.0 * gradient, everything.reshape(-1, 2, 3)).min()
        cost = as_graph_cost(problem, cut, gradient, 3.0, cut.perturbed(problem, gradient, 3.0))
        assert cost >= least - 1e-3
        found += cost <= least + 1e-3
        tried += 1
    assert tried >= 10
    assert found >= 0.8 * tried


def costs_of_all(problem: GridProblem, cut: LiftedCut, added: np.ndarray, z: np.ndarray) -> np.ndarray:
    """The costs of many labellings, shaped (many, h, w)."""
    costs = problem.node_costs[cut.class_of].copy()
    costs[: cut.num_masks] += added
    rows, cols = np.indices(problem.shape)
    total = costs[z, rows, cols].sum((1, 2))
    for edges, (dr, dc) in zip(problem.affinity_costs, problem.offsets.tolist(), strict=True):
        for r, c in np.ndindex(problem.shape):
            if 0 <= r + dr < problem.shape[0] and 0 <= c + dc < problem.shape[1]:
                total += edges[r, c] * (z[:, r, c] != z[:, r + dr, c + dc])
    return total


def test_neighbours_that_hold_each_other_back_go_together():
    """Two pixels that attract by 9 both gain 5 by the other class: neither does alone, 5 < 9, but 10 > 0."""
    problem = GridProblem(np.zeros((2, 1, 2)), [[[9.0, 0.0]]], [(0, 1)], [False, False])
    cut = LiftedCut.of(problem, solve(problem), TrueSegments.unknown((1, 2)), 1)
    gradient = np.full((1, 1, 2), 5.0, np.float32)
    assert cut.class_of[cut.start].tolist() == [[0, 0]]
    assert cut.class_of[cut.perturbed(problem, gradient, 1.0)].tolist() == [[1, 1]]


def test_matching_maximises_the_summed_iou():
    """Prediction 0 overlaps both true instances, 1 only the first: greedy by prediction would waste one."""
    true = TrueSegments(np.array([[0, 0, 0, 1, 1]]), np.array([1, 1]))
    predicted = np.array([[1, 0, 0, 0, 2]])
    assert true.matches_of(predicted, np.array([1, 1, 0]), np.array([False, True])).tolist() == [1, 0, -1]


def test_stuff_belongs_together_even_where_it_does_not_overlap():
    true = TrueSegments(np.array([[-1, 0]]), np.array([0]))
    predicted = np.array([[0, 1]])
    assert true.matches_of(predicted, np.array([0, 1]), np.array([False, False])).tolist() == [0, -1]
    assert true.matches_of(predicted, np.array([0, 1]), np.array([True, False])).tolist() == [-1, -1]


def test_both_sides_of_the_gradient_are_differences_over_lambda():
    """Pixel by pixel against the definition, eq. (3) of Abbas and Swoboda 2021, with two steps."""
    problem, cut, gradient = lifted(5, 6, 7)
    steps = np.array([2.0, 30.0])
    solutions = [cut.perturbed(problem, gradient, step) for step in steps]
    valid = np.random.default_rng(0).random(problem.shape) < 0.8
    nodes, edges = cut.gradients(problem, solutions, steps, valid=valid)
    classes = np.arange(len(problem.splittable))[:, None, None]
    x = [(cut.class_of[z] == classes).astype(float) for z in (cut.start, *solutions)]
    wanted = sum((x_step - x[0]) * valid / step / 2 for x_step, step in zip(x[1:], steps, strict=True))
    np.testing.assert_allclose(nodes, wanted, atol=1e-6)
    assert nodes.any()
    for o, (rows, cols) in enumerate(problem.offsets.tolist()):
        for r, c in np.ndindex(problem.shape):
            q = (r + rows, c + cols)
            inside = 0 <= q[0] < problem.shape[0] and 0 <= q[1] < problem.shape[1]
            y = [
                float(z[r, c] != z[q]) if inside and valid[r, c] and valid[q] else 0.0
                for z in (cut.start, *solutions)
            ]
            assert abs(edges[o, r, c] - ((y[1] - y[0]) / 2 + (y[2] - y[0]) / 30) / 2) < 1e-6
