"""How many small problems of many kinds are solved to the optimum, which brute force confirms."""

import itertools

import numpy as np
import pytest

from intarsia.cut import CutProblem, Greedy, solve
from tests.cut.problems import least_cost

KINDS = {
    "no classes": {"num_classes": 1},
    "two classes": {"num_classes": 2},
    "four classes": {"num_classes": 4},
    "attractive": {"num_classes": 3, "attraction": 0.5},
    "repulsive": {"num_classes": 3, "attraction": -0.5},
    "signed": {"num_classes": 2, "strength": 4.0},
    "weak classes": {"num_classes": 3, "certainty": 0.1},
    "near ties": {"num_classes": 3, "rounded": True},
}


def small_problem(
    seed: int,
    sizes: tuple[int, int],
    *,
    num_classes: int,
    attraction: float = 0.0,
    strength: float = 1.0,
    certainty: float = 1.0,
    rounded: bool = False,
) -> CutProblem:
    """Nodes of which a third, two thirds or all pairs are joined; no, some or all classes are splittable."""
    random = np.random.default_rng(seed)
    num_nodes = int(random.integers(sizes[0], sizes[1] + 1))
    pairs = np.array(list(itertools.combinations(range(num_nodes), 2)), np.int32).reshape(-1, 2)
    pairs = pairs[random.random(len(pairs)) < random.choice([0.33, 0.67, 1.0])]
    node_costs = certainty * random.normal(size=(num_nodes, num_classes))
    edge_costs = strength * random.normal(attraction, 1.0, size=len(pairs))
    if rounded:
        node_costs, edge_costs = np.round(2 * node_costs) / 2, np.round(edge_costs)
    splittable = random.random(num_classes) < random.choice([0.0, 0.5, 1.0])
    return CutProblem(node_costs, pairs, edge_costs, splittable | (num_classes == 1))


def share_optimal(problems: list[CutProblem], *, refine: bool) -> float:
    gaps = [solve(p, refine=refine).cost - solve(p, solver="optimal").cost for p in problems]
    return float(np.mean(np.array(gaps) < 1e-4))


@pytest.mark.parametrize("kind", KINDS)
def test_of_three_to_ten_nodes_92_of_100_are_optimal_and_99_when_refined(kind: str):
    problems = [small_problem(seed, (3, 10), **KINDS[kind]) for seed in range(150)]
    assert share_optimal(problems, refine=False) >= 0.92
    assert share_optimal(problems, refine=True) >= 0.99


@pytest.mark.parametrize("kind", KINDS)
def test_of_thirteen_and_fourteen_nodes_most_are_optimal_when_refined(kind: str):
    """No set of nodes is looked at here: this is what the search finds by itself."""
    problems = [small_problem(seed, (13, 14), **KINDS[kind]) for seed in range(25)]
    assert share_optimal(problems, refine=True) >= 0.8


@pytest.mark.parametrize("kind", KINDS)
def test_the_optimum_is_what_trying_everything_finds(kind: str):
    for seed in range(6):
        problem = small_problem(seed, (2, 6), **KINDS[kind])
        best = least_cost(problem)
        assert solve(problem, solver="optimal").cost == pytest.approx(best, abs=1e-4)
        assert solve(problem).cost == pytest.approx(best, abs=1e-4)


def test_a_small_problem_without_time_or_with_a_smallest_size_is_searched():
    problem = small_problem(3, (9, 9), num_classes=3)
    assert [level.name for level in solve(problem).stats.levels] == ["all sets of nodes"]
    searched = solve(problem, solver=Greedy(min_size=2))
    assert searched.stats.levels[-1].name == "nodes"
    assert np.bincount(searched.clusters).min() >= 2 or searched.clusters.max() == 0
