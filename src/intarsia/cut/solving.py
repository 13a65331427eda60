"""Solve one problem, or many of them on several threads."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence

import numpy as np

import intarsia._native as _native
from intarsia._check import fail
from intarsia._threads import map_in_threads
from intarsia.cut.arrays import as_count, as_flag, as_seconds
from intarsia.cut.grid import GridProblem
from intarsia.cut.problem import CutProblem, check_answer
from intarsia.cut.solution import Cut, Level, Stats
from intarsia.cut.solvers import Contraction, Greedy, Optimal, Solver, solver_named

LARGEST_OPTIMAL = 16
_MOST_THREADS = 1024
_LARGEST_INT = 2**31 - 1
_LEAST_TILE = 16


def solve(
    problem: CutProblem | GridProblem,
    *,
    solver: str | Solver = "greedy",
    refine: bool = False,
    threads: int = 1,
    tile: int | None = None,
    seed: int = 0,
    time_limit_s: int | float | None = None,
) -> Cut:
    """Find a partition into labelled segments of low cost.

    Args:
        problem: A graph, an image or a volume with its costs.
        solver: `Greedy()`, the fastest that keeps the quality; `Contraction()`, the paper's Algorithm 2;
            `Optimal()`, exact, for at most 16 nodes. What only one of them knows is a field of it:
            `Greedy(min_size=8, start=cut)`, `Contraction(lazy=True)`. Names stand for those without
            settings: "greedy", "contraction", "lazy contraction", "optimal".
        refine: Local search on top of any solver: never a higher cost, more time.
        threads: Of this one problem. The answer does not depend on it, and no more are used than cores.
        tile: Side of the tiles, in points, in which a longer grid is cut; the pieces of all tiles are joined
            by one more cut. Tiles of a volume have about as many points. It takes less memory, and
            `Contraction` less time: in tiles it begins with blocks of points that agree. None cuts the whole
            at once.
        seed: The solvers here break ties by index and draw nothing, so every seed gives the same answer.
        time_limit_s: Return the best answer so far after this time, or as soon as the costs are read and an
            answer is written; None for no limit.

    Returns:
        The cut. `stats.finished` says whether the time limit cut it short.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> node_costs = np.zeros((1, 1, 4), np.float32)
        >>> affinity_costs = np.array([[[1.0, -2.0, 1.0, 0.0]]], np.float32)
        >>> solve(GridProblem(node_costs, affinity_costs, [(0, 1)], [True])).clusters.tolist()
        [[0, 0, 1, 1]]
    """
    # what is asked fits together
    solver = solver_named(solver)
    _check_problem("problem", problem)
    _check_fits(problem, solver)
    as_count("seed", seed, least=0)
    threads = min(as_count("threads", threads, least=1), _MOST_THREADS)
    refine = as_flag("refine", refine) or (isinstance(solver, Greedy) and solver.refine)
    min_size = min(solver.min_size, _LARGEST_INT) if isinstance(solver, Greedy) else 0
    start = solver.start if isinstance(solver, Greedy) else None
    tile_side = 0 if tile is None else _tile_side(problem, tile, start)
    options = _native.CutOptions(_native_solver(solver), refine, threads, min_size, tile_side)
    limit_s, starts = as_seconds("time_limit_s", time_limit_s), _start_of(problem, start)
    # the solver works on volumes and on graphs; an image is a volume of one plane
    if isinstance(problem, GridProblem):
        answer = _native.cut_grid(*_as_volume(problem), problem.splittable, *starts, options, limit_s)
    else:
        graph = problem.node_costs, problem.edges, problem.edge_costs
        answer = _native.cut_graph(*graph, problem.splittable, *starts, options, limit_s)
    labels, clusters, cost, finished, levels = answer
    stats = Stats(levels[-1][-1], finished, tuple(Level(*level) for level in levels))
    return Cut(labels.reshape(problem.shape), clusters.reshape(problem.shape), cost, stats)


def solve_batch(
    problems: Sequence[CutProblem | GridProblem],
    *,
    threads: int | None = None,
    solver: str | Solver = "greedy",
    refine: bool = False,
    seed: int = 0,
    time_limit_s: int | float | None = None,
) -> list[Cut]:
    """Solve many problems, each on one thread of a pool, largest first.

    The solvers release the interpreter lock, so all threads are busy as long as there are problems.

    Args:
        problems: Of any kinds and sizes.
        threads: How many problems at a time; None for one a core. The answers do not depend on it.
        solver: As in `solve`.
        refine: As in `solve`: local search on top of the solver.
        seed: As in `solve`, where every seed gives the same answer.
        time_limit_s: As in `solve`, for each problem by itself.

    Returns:
        One cut a problem, in their order; the same as `solve` gives.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> problem = CutProblem([[0.0], [0.0]], [[0, 1]], [1.0], [True])
        >>> [cut.cost for cut in solve_batch([problem, problem], threads=2)]
        [0.0, 0.0]
    """
    cores = os.cpu_count() or 1
    threads = cores if threads is None else min(as_count("threads", threads, least=1), _MOST_THREADS)
    for i, problem in enumerate(problems):
        _check_problem(f"problems[{i}]", problem)
    largest_first = sorted(range(len(problems)), key=lambda i: -problems[i].node_costs.size)

    def work(i: int) -> Cut:
        return solve(problems[i], solver=solver, refine=refine, seed=seed, time_limit_s=time_limit_s)

    cuts = dict(zip(largest_first, map_in_threads(work, largest_first, workers=threads), strict=True))
    return [cuts[i] for i in range(len(problems))]


def _check_problem(name: str, problem: object) -> None:
    if not isinstance(problem, CutProblem | GridProblem):
        fail(name, "a CutProblem or a GridProblem", type(problem).__name__)


def _check_fits(problem: CutProblem | GridProblem, solver: Solver) -> None:
    num_nodes = math.prod(problem.shape)
    if isinstance(solver, Optimal) and num_nodes > LARGEST_OPTIMAL:
        fail("problem", f"of at most {LARGEST_OPTIMAL} nodes for the optimal solver", num_nodes)


def _tile_side(problem: CutProblem | GridProblem, tile: int, start: Cut | None) -> int:
    if not isinstance(problem, GridProblem):
        fail("tile", "None for a CutProblem, which has no sides", tile)
    if start is not None:
        fail("tile", "None where the solver starts from a cut", tile)
    return min(as_count("tile", tile, least=_LEAST_TILE), _LARGEST_INT)


def _native_solver(solver: Solver) -> _native.Solver:
    if isinstance(solver, Contraction):
        return _native.Solver.lazy_contraction if solver.lazy else _native.Solver.contraction
    return _native.Solver.greedy if isinstance(solver, Greedy) else _native.Solver.optimal


def _as_volume(problem: GridProblem) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Node costs, affinity costs and offsets; an image is a volume of one plane."""
    node_costs, affinity_costs, offsets = problem.node_costs, problem.affinity_costs, problem.offsets
    if len(problem.shape) == 3:
        return node_costs, affinity_costs, offsets
    return node_costs[:, None], affinity_costs[:, None], np.pad(offsets, ((0, 0), (1, 0)))


def _start_of(problem: CutProblem | GridProblem, start: Cut | None) -> tuple[np.ndarray, np.ndarray]:
    if start is None:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    labels, clusters = check_answer(start.labels, start.clusters, problem.shape, problem.splittable.size)
    numbers = np.unique(clusters, return_inverse=True)[1]
    return np.ascontiguousarray(labels.ravel(), np.int32), numbers.ravel().astype(np.int32)
