"""The default solver: how good, how small its segments, and what must not change its answer."""

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.cut import Cut, CutProblem, Greedy, GridProblem, solve
from tests.cut.problems import random_graph, random_grid
from tests.cut.test_solving import assert_sound

seeds = st.integers(0, 10**6)


def scene(seed: int, height: int = 48, width: int = 72) -> GridProblem:
    """Discs of one thing class on two halves of stuff, with noise; large enough for superpixels."""
    random = np.random.default_rng(seed)
    rows, cols = np.mgrid[:height, :width]
    truth = (cols > width / 2).astype(int)
    for disc in range(5):
        row, col, radius = random.uniform(0, height), random.uniform(0, width), random.uniform(4, 10)
        truth[(rows - row) ** 2 + (cols - col) ** 2 < radius**2] = 2 + disc
    classes = np.minimum(truth, 2)
    node_costs = 1.5 * random.normal(size=(3, height, width)) + 2.0 * (classes != np.arange(3)[:, None, None])
    offsets = [(0, 1), (1, 0), (0, 4), (4, 0), (7, -3)]
    affinity_costs = np.stack(
        [2.0 - 5.0 * (truth != np.roll(truth, (-r, -c), axis=(0, 1))) for r, c in offsets]
    ) + random.normal(size=(len(offsets), height, width))
    return GridProblem(node_costs, affinity_costs, offsets, [False, False, True])


def share_optimal(*, refine: bool) -> float:
    """Of 60 random graphs of 3 to 9 nodes."""
    problems = [random_graph(seed, 3 + seed % 7, 1 + seed % 4) for seed in range(60)]
    found = [solve(problem, refine=refine).cost for problem in problems]
    best = [solve(problem, solver="optimal").cost for problem in problems]
    return float(np.mean(np.abs(np.subtract(found, best)) < 1e-4))


def test_most_small_problems_are_solved_to_the_optimum_and_nearly_all_with_refinement():
    assert share_optimal(refine=False) >= 0.85
    assert share_optimal(refine=True) >= 0.95


@pytest.mark.parametrize("seed", range(4))
def test_it_costs_less_than_algorithm_2_on_images(seed: int):
    problem = scene(seed)
    assert solve(problem).cost <= solve(problem, solver="contraction").cost


@given(seed=seeds)
@settings(deadline=None, max_examples=30)
def test_refinement_never_costs_more(seed: int):
    for problem in (random_graph(seed, 2 + seed % 40, 1 + seed % 4, density=0.3), random_grid(seed, 20, 30)):
        refined = solve(problem, refine=True)
        assert_sound(problem, refined)
        assert refined.cost <= solve(problem).cost + 1e-5


@pytest.mark.parametrize("seed", range(3))
def test_refinement_never_costs_more_on_images(seed: int):
    problem = scene(seed)
    refined = solve(problem, refine=True)
    assert_sound(problem, refined)
    assert refined.cost <= solve(problem).cost


@pytest.mark.parametrize("solver", ["contraction", "lazy contraction"])
def test_refinement_of_any_solver_never_costs_more(solver: str):
    rough = random_grid(4, 30, 40)
    for problem in (scene(2), scene(2).to_graph(), rough):
        refined = solve(problem, solver=solver, refine=True)
        assert_sound(problem, refined)
        assert refined.cost <= solve(problem, solver=solver).cost
    assert solve(rough, solver=solver, refine=True).cost < solve(rough, solver=solver).cost


def test_a_node_may_take_the_second_class_where_a_neighbour_repels_it_from_the_first():
    """Class 0 is the cheapest of both nodes, and one label: only class 1, at 1, lets them part and gain 5."""
    problem = CutProblem([[0, 9, 9], [0, 1, 9]], [[0, 1]], [-5.0], [False] * 3)
    assert solve(problem).cost == -4.0
    assert solve(problem).labels.tolist() == [0, 1]


def test_halves_that_would_swap_their_labels_agree_in_the_end():
    """Each pixel is joined with one of the other half at 10, and of another class by 1. Seen from where the
    other is, both gain 9 by taking its class; if both do, nothing is gained and 2 are lost."""
    upper = np.arange(128)[:, None] < 64
    node_costs = (
        np.stack([~upper, upper]).repeat(256, axis=2).astype(float)
    )  # classes 0 and 1 are cheap above and below
    problem = GridProblem(node_costs, np.full((1, 128, 256), 10.0), [(64, 0)], [False, False])
    cut = solve(problem)
    assert_sound(problem, cut)
    assert cut.cost == 64 * 256


@pytest.mark.parametrize("size", [(64, 96), (180, 200)], ids=["one stretch", "two stretches"])
@pytest.mark.parametrize("refine", [False, True])
def test_any_number_of_threads_gives_the_same_answer(refine: bool, size: tuple[int, int]):
    problem = scene(7, *size)
    one = solve(problem, refine=refine)
    for threads in (2, 3, 8):
        other = solve(problem, threads=threads, refine=refine, seed=threads)
        assert other.cost == one.cost
        assert (other.clusters == one.clusters).all()


def test_the_graph_of_an_image_is_solved_about_as_well():
    problem = scene(1)
    cut = solve(problem.to_graph())
    assert_sound(problem.to_graph(), cut)
    assert cut.cost == pytest.approx(solve(problem).cost, rel=0.02)


@pytest.mark.parametrize("solver", ["greedy", "contraction"])
@given(seed=seeds)
@settings(deadline=None, max_examples=20)
def test_renaming_classes_keeps_the_answer_of_every_solver(solver: str, seed: int):
    """Without ties the names of the classes mean nothing."""
    problem = random_graph(seed, 2 + seed % 30, 4, density=0.3)
    classes = np.random.default_rng(seed).permutation(4)
    renamed = CutProblem(
        problem.node_costs[:, classes], problem.edges, problem.edge_costs, problem.splittable[classes]
    )
    cut, same = solve(problem, solver=solver), solve(renamed, solver=solver)
    assert same.cost == pytest.approx(cut.cost, abs=1e-4)
    assert (classes[same.labels] == cut.labels).all()
    assert (same.clusters == cut.clusters).all()


@pytest.mark.parametrize("seed", range(3))
def test_turning_an_image_over_costs_about_the_same(seed: int):
    """Tiles lie differently, so the answer may differ a little."""
    problem = scene(seed)
    turned = GridProblem(
        problem.node_costs[:, ::-1, ::-1],
        problem.affinity_costs[:, ::-1, ::-1],
        -problem.offsets,
        problem.splittable,
    )
    cost, same = solve(problem).cost, solve(turned).cost
    assert same == pytest.approx(cost, rel=5e-3)
    assert solve(turned, refine=True).cost == pytest.approx(solve(problem, refine=True).cost, rel=2e-3)


@given(seed=seeds)
@settings(deadline=None, max_examples=30)
def test_renaming_classes_and_nodes_changes_nothing_but_names(seed: int):
    """The optimum keeps its cost, and its answer translates."""
    problem = random_graph(seed, 7, 3)
    random = np.random.default_rng(seed)
    nodes, classes = random.permutation(7), random.permutation(3)
    renamed = CutProblem(
        problem.node_costs[nodes][:, classes],
        np.argsort(nodes)[problem.edges],
        problem.edge_costs,
        problem.splittable[classes],
    )
    best, same = solve(problem, solver="optimal"), solve(renamed, solver="optimal")
    assert same.cost == pytest.approx(best.cost, abs=1e-4)
    assert problem.cost(
        classes[same.labels][np.argsort(nodes)], same.clusters[np.argsort(nodes)]
    ) == pytest.approx(best.cost, abs=1e-4)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("min_size", [2, 20, 10**6])
def test_no_segment_is_smaller_than_asked_for_unless_it_is_alone(seed: int, min_size: int):
    problem = scene(seed)
    cut = solve(problem, solver=Greedy(min_size=min_size))
    assert_sound(problem, cut)
    sizes = np.bincount(cut.clusters.ravel())
    assert sizes.min() >= min_size or len(sizes) == 1


def test_small_segments_go_where_it_costs_least():
    """Pixel 1 would be alone of class 1 at no cost; class 0 to its left costs 5, class 2 to its right 4."""
    node_costs = [[0, 9, 9], [5, 0, 4], [9, 9, 0]]
    problem = CutProblem(node_costs, [[0, 1], [1, 2]], [0.0, 0.0], [False, False, False])
    assert solve(problem).labels.tolist() == [0, 1, 2]
    assert solve(problem, solver=Greedy(min_size=2)).cost >= 4
    larger = CutProblem(
        [[0, 9, 9], *node_costs, [9, 9, 0]], [[0, 1], [1, 2], [2, 3], [3, 4]], [0.0] * 4, [False] * 3
    )
    assert solve(larger, solver=Greedy(min_size=2)).labels.tolist() == [0, 0, 2, 2, 2]


@pytest.mark.parametrize("solver", ["greedy", "contraction"])
def test_a_time_limit_gives_the_best_answer_so_far(solver: str):
    problem = scene(3, 200, 300)
    cut = solve(problem, solver=solver, refine=solver == "greedy", time_limit_s=1e-4)
    assert_sound(problem, cut)
    assert not cut.stats.finished
    assert solve(scene(3), solver=solver, time_limit_s=60).stats.finished


def test_the_optimal_solver_gives_a_good_answer_if_there_is_no_time():
    problem = random_graph(1, 16, 20, density=1.0)
    begin = time.perf_counter()
    cut = solve(problem, solver="optimal", time_limit_s=0.05)
    assert time.perf_counter() - begin < 5
    assert_sound(problem, cut)
    assert not cut.stats.finished


@pytest.mark.parametrize(("seed", "size"), [(0, (48, 72)), (1, (48, 72)), (2, (180, 200))])
def test_a_start_is_never_made_worse(seed: int, size: tuple[int, int]):
    problem = scene(seed, *size)
    random = np.random.default_rng(seed)
    labels = np.where(random.random(problem.shape) < 0.5, 2, 0).astype(np.int32)
    clusters = np.where(labels == 2, 5 + np.arange(labels.size).reshape(labels.shape), 0).astype(np.int32)
    start = Cut(labels, clusters, problem.cost(labels, clusters), solve(problem).stats)
    improved = solve(problem, solver=Greedy(start=start))
    assert_sound(problem, improved)
    assert improved.cost < start.cost
    again = solve(problem, solver=Greedy(start=improved))
    assert again.cost <= improved.cost + 1e-6 * abs(improved.cost)


def test_the_log_ends_with_the_answer():
    cut = solve(scene(0), solver=Greedy(refine=True, min_size=4))
    last = cut.stats.levels[-1]
    assert last.cost == cut.cost
    assert last.clusters == cut.clusters.max() + 1
    assert [level.seconds for level in cut.stats.levels] == sorted(
        level.seconds for level in cut.stats.levels
    )
    assert len(cut.stats.table().splitlines()) == 1 + len(cut.stats.levels)
