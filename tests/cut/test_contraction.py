"""Algorithm 2 against itself written plainly, and on a grid against its graph."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.sparse.csgraph import connected_components

from intarsia.cut import CutProblem, GridProblem, solve
from tests.cut.problems import random_graph, random_grid


@pytest.mark.parametrize("num_nodes", [2, 12, 70])
@pytest.mark.parametrize("density", [0.1, 0.9])
@pytest.mark.parametrize("seed", range(4))
def test_contraction_merges_what_the_paper_merges(num_nodes: int, density: float, seed: int):
    """With 70 nodes most have more than 32 edges, so that pairs of them are found by a table."""
    problem = random_graph(seed, num_nodes, 3, density=density)
    cut = solve(problem, solver="contraction")
    labels, clusters = contracted(problem)
    assert_array_equal(cut.labels, labels)
    assert_array_equal(cut.clusters, pieces(problem, labels, clusters))
    assert cut.cost == pytest.approx(problem.cost(cut.labels, cut.clusters))


@pytest.mark.parametrize("solver", ["contraction", "lazy contraction"])
@pytest.mark.parametrize("seed", range(10))
def test_a_grid_is_contracted_like_its_graph(solver: str, seed: int):
    """Rounded to halves, many pairs are equally similar, and ties go the same way."""
    grid = random_grid(seed, 23, 31)
    node_costs, affinity_costs = np.round(2 * grid.node_costs) / 2, np.round(2 * grid.affinity_costs) / 2
    for problem in (grid, GridProblem(node_costs, affinity_costs, grid.offsets, grid.splittable)):
        cut, of_graph = (solve(p, solver=solver) for p in (problem, problem.to_graph()))
        assert_array_equal(cut.labels.ravel(), of_graph.labels)
        assert_array_equal(cut.clusters.ravel(), of_graph.clusters)
        assert cut.cost == pytest.approx(of_graph.cost, rel=1e-12)


def contracted(problem: CutProblem) -> tuple[np.ndarray, np.ndarray]:
    """Lines 1 to 18 of the algorithm, everything computed anew after every merge."""
    members = [[i] for i in range(len(problem.node_costs))]
    costs = joint_costs(problem)
    while True:
        best, pair = 0.0, None
        sums = [problem.node_costs[m].sum(axis=0, dtype=np.float64) for m in members]
        for a, b in itertools.combinations(range(len(members)), 2):
            between = costs[np.ix_(members[a], members[b])]
            if not np.isfinite(between).any():
                continue
            apart = sums[a].min() + sums[b].min()
            similarity = np.nansum(between) + apart - (sums[a] + sums[b]).min()
            if similarity >= best:
                best, pair = similarity, (a, b)
        if pair is None:
            break
        members[pair[0]] += members.pop(pair[1])
    labels, clusters = np.empty((2, len(problem.node_costs)), np.int32)
    for number, m in enumerate(members):
        clusters[m] = number
        labels[m] = problem.node_costs[m].sum(axis=0, dtype=np.float64).argmin()
    return labels, clusters


def joint_costs(problem: CutProblem) -> np.ndarray:
    """The summed cost of each pair's edges, NaN where there is none."""
    n = len(problem.node_costs)
    costs = np.zeros((n, n))
    for (i, j), cost in zip(problem.edges, problem.edge_costs, strict=True):
        costs[i, j] += cost
        costs[j, i] += cost
    return np.where(joined(problem), costs, np.nan)


def joined(problem: CutProblem) -> np.ndarray:
    n = len(problem.node_costs)
    pairs = np.zeros((n, n), bool)
    pairs[problem.edges[:, 0], problem.edges[:, 1]] = pairs[problem.edges[:, 1], problem.edges[:, 0]] = True
    return pairs


def pieces(problem: CutProblem, labels: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """Lines 19 to 23: clusters, and all of a class that may not be split, as far as edges join them."""
    keys = np.where(problem.splittable[labels], len(problem.splittable) + clusters, labels)
    return connected_components(joined(problem) & (keys[:, None] == keys))[1]
