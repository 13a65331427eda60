"""Volumes: as good as their graphs, images where they have one plane, planes where nothing joins them."""

import subprocess
import sys
import textwrap

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.cut import GridProblem, load_problem, pair_slices, save_problem, solve
from tests.cut.problems import random_grid
from tests.cut.test_solving import HEURISTICS, assert_sound

OFFSETS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (-2, 3, 0), (0, 0, -4), (1, -1, 1), (9, 0, 0)]


def random_volume(seed: int, shape: tuple[int, int, int], num_classes: int = 3) -> GridProblem:
    random = np.random.default_rng(seed)
    offsets = [OFFSETS[o] for o in random.permutation(len(OFFSETS))[: random.integers(1, len(OFFSETS) + 1)]]
    return GridProblem(
        random.normal(size=(num_classes, *shape)),
        random.normal(0.2, 1.0, size=(len(offsets), *shape)),
        offsets,
        random.random(num_classes) < 0.6,
    )


def balls(shape: tuple[int, int, int], seed: int = 0) -> GridProblem:
    """Balls of one class on a background."""
    random = np.random.default_rng(seed)
    truth = np.zeros(shape, int)
    points = np.stack(np.meshgrid(*map(np.arange, shape), indexing="ij"), axis=-1)
    for ball in range(1, 7):
        center = random.uniform(0, shape)
        truth[((points - center) ** 2).sum(axis=-1) < random.uniform(3, 7) ** 2] = ball
    node_costs = 2.0 * ((truth > 0) != np.arange(2)[:, None, None, None]) + random.normal(size=(2, *shape))
    offsets = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 4, 0), (0, 0, 4)]
    affinity_costs = random.normal(size=(len(offsets), *shape))
    for costs, offset in zip(affinity_costs, offsets, strict=True):
        first, second = pair_slices(shape, offset)
        costs[first] += np.where(truth[first] == truth[second], 2.0, -2.0)
    return GridProblem(node_costs, affinity_costs, offsets, [False, True])


@pytest.mark.parametrize("solver", HEURISTICS)
@given(
    seed=st.integers(0, 10**6),
    shape=st.tuples(st.integers(1, 6), st.integers(1, 12), st.integers(1, 12)),
    refine=st.booleans(),
)
@settings(deadline=None, max_examples=25)
def test_answers_on_volumes_are_sound(solver: str, seed: int, shape: tuple[int, int, int], refine: bool):
    problem = random_volume(seed, shape)
    assert_sound(problem, solve(problem, solver=solver, refine=refine))


@pytest.mark.parametrize("refine", [False, True])
def test_a_volume_is_solved_as_well_as_its_graph_on_any_number_of_threads(refine: bool):
    problem = balls((12, 40, 48))
    cut = solve(problem, refine=refine)
    assert_sound(problem, cut)
    of_graph = solve(problem.to_graph(), refine=refine).cost
    assert cut.cost <= of_graph + 5e-3 * abs(of_graph)
    for threads in (2, 3):
        other = solve(problem, refine=refine, threads=threads)
        assert other.cost == cut.cost
        assert (other.clusters == cut.clusters).all()


@given(seed=st.integers(0, 10**6))
@settings(deadline=None, max_examples=20)
def test_an_image_is_a_volume_of_one_plane(seed: int):
    image = random_grid(seed, 40, 45)
    volume = GridProblem(
        image.node_costs[:, None],
        image.affinity_costs[:, None],
        [(0, *offset) for offset in image.offsets.tolist()],
        image.splittable,
    )
    one, same = solve(image, refine=True), solve(volume, refine=True)
    assert same.cost == one.cost
    assert (same.clusters[0] == one.clusters).all()


def test_planes_that_nothing_joins_are_cut_like_images():
    """All classes are splittable, so planes have nothing in common; only the tiles differ."""
    offsets = [(0, 1), (1, 0), (0, -4)]
    random = np.random.default_rng(0)
    affinity_costs = random.normal(0.5, 1.0, size=(3, 3, 30, 40))
    node_costs = random.normal(size=(2, 3, 30, 40))
    volume = GridProblem(node_costs, affinity_costs, [(0, *offset) for offset in offsets], [True, True])
    planes = [GridProblem(node_costs[:, d], affinity_costs[:, d], offsets, [True, True]) for d in range(3)]
    apart = sum(solve(plane, refine=True).cost for plane in planes)
    assert solve(volume, refine=True).cost == pytest.approx(apart, rel=0.02)


def test_what_lies_beyond_the_volume_is_not_looked_at(tmp_path):
    problem = balls((4, 16, 16))
    costs = problem.affinity_costs.copy()
    for plane, offset in zip(costs, problem.offsets.tolist(), strict=True):
        inside = np.zeros(plane.shape, bool)
        inside[pair_slices(plane.shape, offset)[0]] = True
        plane[~inside] = np.nan
    marked = GridProblem(problem.node_costs, costs, problem.offsets, problem.splittable)
    save_problem(tmp_path / "volume.npz", marked)
    for refine in (False, True):
        cut = solve(load_problem(tmp_path / "volume.npz"), refine=refine)
        assert cut.cost == solve(problem, refine=refine).cost
        assert cut.clusters.shape == (4, 16, 16)


def test_without_classes_memory_is_about_twice_that_of_the_costs():
    """There are many small superpixels then; the tables that add up their edges go strip by strip."""
    code = """
        import resource
        import numpy as np
        from intarsia.cut import GridProblem, solve
        shape = (16, 256, 256)
        offsets = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (0, 4, 0), (0, 0, 4), (0, 9, 0), (0, 0, 9)]
        costs = np.random.default_rng(0).normal(0.5, 1.0, size=(7, *shape)).astype(np.float32)
        problem = GridProblem(np.zeros((1, *shape), np.float32), costs, offsets, [True])
        solve(GridProblem(np.zeros((1, 2, 16, 16)), costs[:, :2, :16, :16], offsets, [True]))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        solve(problem)
        grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
        print(grown / (costs.nbytes + problem.node_costs.nbytes))
    """
    answer = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert float(answer.stdout) < 3
