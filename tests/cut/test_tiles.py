"""Large grids tile by tile: sound, as good as in one piece, and whole across the borders of tiles."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.cut import Contraction, Cut, CutProblem, Greedy, GridProblem, solve, synthetic_problem
from intarsia.errors import InputError
from tests.cut.problems import random_grid
from tests.cut.test_solving import HEURISTICS, assert_sound
from tests.cut.test_volumes import balls, random_volume


def nuclei(side: int, seed: int = 0) -> tuple[GridProblem, np.ndarray]:
    """Discs on a background with one pixel between them, seen by a network that errs, and the truth."""
    random = np.random.default_rng(seed)
    rows, cols = np.mgrid[:side, :side]
    truth = np.zeros((side, side), int)
    for row in range(8, side, 17):
        for col in range(8, side, 17):
            truth[(rows - row) ** 2 + (cols - col) ** 2 <= 64] = truth.max() + 1
    node_costs = np.where((truth > 0) == np.array([True, False])[:, None, None], -2.0, 2.0)
    node_costs += random.normal(0.0, 1.5, size=node_costs.shape)
    offsets = [(1, 0), (0, 1), (4, 0), (0, 4), (10, 0), (0, 10)]
    affinity_costs = random.normal(0.0, 1.5, size=(len(offsets), side, side))
    for costs, (down, right) in zip(affinity_costs, offsets, strict=True):
        first = (slice(0, side - down), slice(0, side - right))
        costs[first] += np.where(truth[first] == truth[down:, right:], 3.0, -3.0)
    return GridProblem(node_costs, affinity_costs, offsets, [True, False]), truth


@pytest.mark.parametrize("solver", HEURISTICS)
@given(seed=st.integers(0, 10**6), refine=st.booleans(), min_size=st.sampled_from([0, 7]))
@settings(deadline=None, max_examples=15)
def test_answers_in_tiles_are_sound(solver: str, seed: int, refine: bool, min_size: int):
    problem = random_grid(seed, 2 + seed % 60, 40)
    by = Greedy(min_size=min_size) if solver == "greedy" else solver
    assert_sound(problem, solve(problem, solver=by, refine=refine, tile=16))


@pytest.mark.parametrize("solver", HEURISTICS)
@pytest.mark.parametrize("seed", range(5))
def test_answers_on_volumes_in_tiles_are_sound(solver: str, seed: int):
    problem = random_volume(seed, (9, 20, 31))
    assert_sound(problem, solve(problem, solver=solver, tile=16))


@pytest.mark.parametrize("solver", [Contraction(), Greedy()])
@pytest.mark.parametrize("refine", [False, True])
def test_nuclei_are_whole_across_the_borders_of_tiles(solver: Contraction | Greedy, refine: bool):
    problem, truth = nuclei(170)
    cut = solve(problem, solver=solver, refine=refine, tile=40)
    for nucleus in range(1, truth.max() + 1):
        (pieces, counts) = np.unique(cut.clusters[truth == nucleus], return_counts=True)
        largest = pieces[counts.argmax()]
        assert counts.max() > 0.95 * counts.sum()
        assert (truth[cut.clusters == largest] == nucleus).mean() > 0.95


def test_tiles_cost_no_more_than_the_whole():
    """Blocks of points that agree are one from the start, which no single wrong pair talks apart."""
    problem, _ = nuclei(256)
    whole = solve(problem, solver="contraction", refine=True).cost
    assert solve(problem, solver="contraction", refine=True, tile=64).cost <= whole + 2e-4 * abs(whole)
    problem = balls((24, 40, 48))
    whole = solve(problem, solver="contraction", refine=True).cost
    assert solve(problem, solver="contraction", refine=True, tile=64).cost <= whole + 5e-3 * abs(whole)


def test_a_grid_no_larger_than_a_tile_is_cut_as_one():
    problem, _ = nuclei(64)
    same_answer(solve(problem, solver="contraction"), solve(problem, solver="contraction", tile=64))


def test_the_answer_in_tiles_does_not_depend_on_the_threads():
    problem, _ = synthetic_problem(120, 200, num_classes=5, noise=2.0)
    for solver in ("greedy", "contraction"):
        alone = solve(problem, solver=solver, tile=48)
        same_answer(alone, solve(problem, solver=solver, tile=48, threads=3))


def test_what_attracts_is_one_cluster_through_all_tiles():
    """One class, every pair at 1: each tile is a cluster, and their borders join them. Nothing is cut."""
    costs = np.ones((2, 70, 90), np.float32)
    for solver in HEURISTICS:
        cut = solve(GridProblem(costs[:1] * 0, costs, [(0, 1), (1, 0)], [True]), solver=solver, tile=16)
        assert (cut.clusters.max(), cut.cost) == (0, 0.0)


def test_small_clusters_are_those_of_the_image_not_of_the_tiles():
    """Columns 15 and 16 are one cluster of 40 points, 20 on each side of the border between two tiles."""
    inside = np.isin(np.arange(32), [15, 16])
    apart = np.where(inside[:-1] == inside[1:], 1.0, -1.0)
    costs = np.zeros((2, 20, 32), np.float32)
    costs[0, :, :-1], costs[1] = apart, 1.0
    problem = GridProblem(np.zeros((1, 20, 32), np.float32), costs, [(0, 1), (1, 0)], [True])
    sizes = np.bincount(solve(problem, solver=Greedy(min_size=30), tile=16).clusters.ravel())
    assert sorted(sizes) == [40, 300, 300]


def test_memory_of_tiles_is_a_few_numbers_a_point():
    """Algorithm 2 on the whole takes 300 bytes a point."""
    code = """
        import resource
        import numpy as np
        from intarsia.cut import GridProblem, solve
        random = np.random.default_rng(0)
        costs = random.normal(0.5, 1.0, size=(6, 1024, 1024)).astype(np.float32)
        offsets = [(1, 0), (0, 1), (4, 0), (0, 4), (10, 0), (0, 10)]
        problem = GridProblem(costs[:2], costs, offsets, [True, False])
        solve(GridProblem(costs[:2, :64], costs[:, :64], offsets, [True, False]), tile=16)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        solve(problem, solver="contraction", tile=256)
        print(1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024**2)
    """
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert float(answer.stdout) < 90


def test_tiles_are_refused_where_there_are_none():
    graph = CutProblem([[0.0], [0.0]], [[0, 1]], [1.0], [True])
    grid = GridProblem(np.zeros((1, 2, 2)), np.zeros((0, 2, 2)), [], [True])
    with pytest.raises(InputError, match="`tile` must be None for a CutProblem, which has no sides, got 16"):
        solve(graph, tile=16)
    with pytest.raises(InputError, match="`tile` must be a whole number, at least 16, got 8"):
        solve(grid, tile=8)
    with pytest.raises(InputError, match="`tile` must be None where the solver starts from a cut, got 16"):
        solve(grid, solver=Greedy(start=solve(grid)), tile=16)


def same_answer(first: Cut, second: Cut) -> None:
    np.testing.assert_array_equal(first.labels, second.labels)
    np.testing.assert_array_equal(first.clusters, second.clusters)
    assert first.cost == second.cost
