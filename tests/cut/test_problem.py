"""Problems are checked when they are made, and judge answers by themselves."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from intarsia.cut import CutProblem, GridProblem, solve, synthetic_problem
from tests.cut.problems import grids, square, triangle


def test_the_cost_is_nodes_plus_cut_edges():
    """Class 0 costs nothing; cutting off node 2 pays -1 twice."""
    assert triangle([True] * 3).cost(np.array([0, 0, 0]), np.array([5, 5, 9])) == -2
    assert triangle([True] * 3).cost(np.array([0, 0, 0]), np.array([0, 0, 0])) == 0
    assert square().cost(np.array([0, 1, 1, 1]), np.array([0, 1, 2, 1])) == pytest.approx(-7.0)


def test_parallel_edges_add_up():
    problem = CutProblem(np.zeros((2, 1)), [[0, 1], [1, 0], [0, 1]], [1, 2, 4], [True])
    assert problem.cost([0, 0], [0, 1]) == 7


@given(make=grids, seed=st.integers(0, 1000))
def test_a_grid_and_its_graph_cost_the_same(make: Callable[[], Any], seed: int):
    """Random classes, each pixel of a splittable class alone: feasible everywhere."""
    problem = make()
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(problem.splittable), problem.shape)
    alone = np.arange(labels.size).reshape(labels.shape)
    clusters = np.where(problem.splittable[labels], len(problem.splittable) + alone, labels)
    graph = problem.to_graph()
    assert problem.cost(labels, clusters) == pytest.approx(graph.cost(labels.ravel(), clusters.ravel()))


@pytest.mark.parametrize(
    ("labels", "clusters", "message"),
    [
        ([0, 0, 1], [0, 0, 0], "`clusters` must be of one class each"),
        ([0, 0, 0], [0, 0, 1], "`clusters` must be whole where the class is not splittable"),
        ([0, 0, 3], [0, 0, 1], r"`labels` must be in \[0, 3\), got 0 to 3"),
        ([0, 0], [0, 0], r"`labels` must be shaped \(3,\), got \(2,\)"),
        ([0, 0, 0], [0.0, 0.0, 0.0], "`clusters` must be integers, got dtype float64"),
    ],
)
def test_an_answer_that_is_not_feasible_has_no_cost(labels: list, clusters: list, message: str):
    with pytest.raises(ValueError, match=message):
        triangle([False, True, True]).cost(np.array(labels), np.array(clusters))


GOOD = {"node_costs": np.zeros((3, 2)), "edges": [[0, 1]], "edge_costs": [1.0], "splittable": [True, False]}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("node_costs", np.full((3, 2), np.nan), "`node_costs` must be finite"),
        ("node_costs", np.full((3, 2), 1e300), "`node_costs` must be finite"),
        ("node_costs", np.zeros(3), r"`node_costs` must be shaped \(n, k\), got \(3,\)"),
        ("node_costs", np.zeros((0, 2)), "`node_costs` must be of at least one node and one class"),
        ("node_costs", np.zeros((3, 0)), "`node_costs` must be of at least one node and one class"),
        ("node_costs", np.zeros((3, 2), complex), "`node_costs` must be real numbers, got dtype complex128"),
        ("node_costs", torch.zeros(3, 2, requires_grad=True), "`node_costs` must be an array or a tensor"),
        ("edges", [[0, 3]], r"`edges` must be in \[0, 3\), got 3"),
        ("edges", [[0, -1]], r"`edges` must be in \[0, 3\), got -1"),
        ("edges", [[1, 1]], "`edges` must be between different nodes, got a self loop in row 0"),
        ("edges", [[0.0, 1.0]], "`edges` must be integers, got dtype float64"),
        ("edges", [[0, 1, 2]], r"`edges` must be shaped \(e, 2\), got \(1, 3\)"),
        ("edges", [[0, 2**40]], "`edges` must be within 32 bits"),
        ("edge_costs", [np.inf], "`edge_costs` must be finite"),
        ("edge_costs", [1.0, 2.0], r"`edge_costs` must be one a row of `edges` \(1\), got 2"),
        ("splittable", [True], r"`splittable` must be shaped \(2,\), one flag a class, got \(1,\)"),
        ("splittable", [1, 0], "`splittable` must be bool, got dtype int64"),
    ],
)
def test_a_bad_graph_is_refused_by_the_name_of_its_argument(name: str, value: object, message: str):
    with pytest.raises(ValueError, match=message):
        CutProblem(**{**GOOD, name: value})


GRID = {
    "node_costs": np.zeros((2, 2, 3)),
    "affinity_costs": np.zeros((1, 2, 3)),
    "offsets": [(0, 1)],
    "splittable": [True, False],
}


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("node_costs", np.zeros((2, 0, 3)), "`node_costs` must be of at least one node and one class"),
        ("node_costs", np.full((2, 2, 3), -np.inf), "`node_costs` must be finite"),
        ("affinity_costs", np.full((1, 2, 3), np.nan), "`affinity_costs` must be finite"),
        ("affinity_costs", np.zeros((2, 2, 3)), r"`affinity_costs` must be shaped \(1, 2, 3\)"),
        ("offsets", [(0, 0)], r"`offsets` must be other than \(0, 0\)"),
        ("offsets", [(0.5, 1)], "`offsets` must be integers"),
        ("splittable", [True], "`splittable` must be shaped"),
    ],
)
def test_a_bad_grid_is_refused_by_the_name_of_its_argument(name: str, value: object, message: str):
    with pytest.raises(ValueError, match=message):
        GridProblem(**{**GRID, name: value})


def test_what_pairs_outside_of_the_image_cost_is_not_looked_at():
    costs = np.array([[[1.0, 2.0, np.nan], [4.0, 8.0, np.inf]]])
    problem = GridProblem(np.zeros((1, 2, 3)), costs, [(0, 1)], [True])
    assert problem.cost(np.zeros((2, 3), int), np.arange(6).reshape(2, 3)) == 15


def test_float32_arrays_and_tensors_are_not_copied():
    array, tensor = np.zeros((3, 2), np.float32), torch.zeros(3, 2)
    assert np.shares_memory(CutProblem(**{**GOOD, "node_costs": array}).node_costs, array)
    assert CutProblem(**{**GOOD, "node_costs": tensor}).node_costs.ctypes.data == tensor.data_ptr()


def test_a_volume_is_judged_and_turned_into_a_graph_like_an_image():
    """Two planes of 1x2: the pair across planes costs 3 where cut, the pair within a plane -1."""
    affinity_costs = np.zeros((2, 2, 1, 2))
    affinity_costs[0, 0], affinity_costs[1, :, :, 0] = 3.0, -1.0
    problem = GridProblem(np.zeros((1, 2, 1, 2)), affinity_costs, [(1, 0, 0), (0, 0, 1)], [True])
    assert problem.shape == (2, 1, 2)
    assert problem.cost(np.zeros((2, 1, 2), int), [[[0, 1]], [[0, 1]]]) == -2
    assert problem.cost(np.zeros((2, 1, 2), int), [[[0, 0]], [[1, 1]]]) == 6
    assert problem.to_graph().edges.tolist() == [[0, 2], [1, 3], [0, 1], [2, 3]]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("offsets", [(0, 1)], r"`offsets` must be shaped \(o, 3\), got \(1, 2\)"),
        ("offsets", [(0, 0, 0)], r"`offsets` must be other than \(0, 0, 0\)"),
        ("affinity_costs", np.zeros((1, 3, 4)), r"`affinity_costs` must be shaped \(1, 2, 3, 4\)"),
        ("node_costs", np.zeros((1, 1, 2, 3, 4)), r"`node_costs` must be shaped \(k, h, w\)"),
    ],
)
def test_a_bad_volume_is_refused_by_the_name_of_its_argument(name: str, value: object, message: str):
    good: dict[str, Any] = {
        "node_costs": np.zeros((2, 2, 3, 4)),
        "affinity_costs": np.zeros((1, 2, 3, 4)),
        "offsets": [(1, 0, 0)],
        "splittable": [True, False],
    }
    with pytest.raises(ValueError, match=message):
        GridProblem(**(good | {name: value}))


def test_problems_and_answers_fit_a_line():
    """And not all their costs, which are millions."""
    problem, _ = synthetic_problem(16, 24, num_classes=5)
    graph = problem.to_graph()
    assert re.fullmatch(r"GridProblem\(16x24, 5 classes, \d+ offsets\)", repr(problem))
    assert re.fullmatch(r"CutProblem\(384 nodes, \d+ edges, 5 classes\)", repr(graph))
    assert re.fullmatch(r"Cut\(16x24, \d+ clusters, cost=-\d+\.\d+\)", repr(solve(problem)))
    assert repr(solve(CutProblem([[0.0]], [], [], [True]))) == "Cut(1, 1 cluster, cost=0)"
