"""Solve one problem, or many of them on several threads."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from intarsia import _native
from intarsia._check import fail, nearest
from intarsia.cut.grid import GridProblem
from intarsia.cut.problem import CutProblem, check_answer

SOLVERS = ("greedy", "contraction", "lazy contraction", "optimal")
LARGEST_OPTIMAL = 16


@dataclass(frozen=True)
class Level:
    """One line of the log: what a stage worked on, and what it left.

    Attributes:
        seconds: Since the start.

    Example:
        >>> Level("pixels", 8, 2, -3.0, 0.001).name
        'pixels'
    """

    name: str
    nodes: int
    clusters: int
    cost: float
    seconds: float


@dataclass(frozen=True)
class Stats:
    """How a cut was found.

    Attributes:
        seconds: Wall time inside the solver.
        finished: False if the time limit cut it short.
        levels: The log, stage by stage.

    Example:
        >>> print(Stats(0.001, True, (Level("pixels", 8, 2, -3.0, 0.001),)).table())
        stage                     nodes   clusters           cost         ms
        pixels                        8          2         -3.000        1.0
    """

    seconds: float
    finished: bool
    levels: tuple[Level, ...]

    def table(self) -> str:
        """The log as text, one line a stage.

        Example:
            >>> len(Stats(0.0, True, ()).table().splitlines())
            1
        """
        lines = [f"{'stage':<22}{'nodes':>9}{'clusters':>11}{'cost':>15}{'ms':>11}"]
        lines += [
            f"{level.name:<22}{level.nodes:>9}{level.clusters:>11}{level.cost:>15.3f}"
            f"{1000 * level.seconds:>11.1f}"
            for level in self.levels
        ]
        return "\n".join(lines)


@dataclass(frozen=True, eq=False)
class Cut:
    """A feasible answer to a cut problem.

    Attributes:
        labels: The class of each node or pixel, x.
        clusters: Its cluster, numbered 0..C-1 in the order of first nodes. A cluster has one class and is
            connected by edges of the problem; two clusters of a class that is not splittable never share an
            edge.
        cost: Eq. (2), summed in float64.
        stats: How it was found.

    Example:
        >>> cut = solve(CutProblem([[0.0], [0.0]], [[0, 1]], [-1.0], [True]))
        >>> cut.clusters.tolist(), cut.cost
        ([0, 1], -1.0)
    """

    labels: Int32[np.ndarray, "*shape"]
    clusters: Int32[np.ndarray, "*shape"]
    cost: float
    stats: Stats


def solve(
    problem: CutProblem | GridProblem,
    *,
    solver: str = "greedy",
    refine: bool = False,
    threads: int = 1,
    seed: int = 0,
    time_limit_s: int | float | None = None,
    min_size: int = 0,
    start: Cut | None = None,
) -> Cut:
    """Find a partition into labelled segments of low cost.

    Source: "contraction" is Algorithm 2 of Abbas and Swoboda 2021 (COPS); "greedy" is ours, after the
    multi-level local moving of Shi et al. 2021; docs/cut.md tells how it works.

    Args:
        solver: "greedy", the fastest that keeps the quality; "contraction", the paper's Algorithm 2; "lazy
            contraction", the same with the stale similarities of LPMP, for comparison; "optimal", exact, for
            at most 16 nodes.
        refine: Local search on top of any solver: never a higher cost, more time.
        threads: Of this one problem. The answer does not depend on it.
        seed: The solvers here break ties by index and draw nothing, so every seed gives the same answer.
        time_limit_s: Return the best answer so far after this time, or as soon as the costs are read and an
            answer is written; None for no limit.
        min_size: Clusters of fewer nodes are given to the neighbour that costs least (at a higher cost, or
            they would be there already). "greedy" only.
        start: A solution to improve instead of starting from the costs alone. "greedy" only.

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
    _check_options(problem, solver, threads, time_limit_s, min_size)
    first_labels, first_clusters = _start_of(problem, start)
    options = (
        first_labels,
        first_clusters,
        solver,
        refine,
        threads,
        min_size,
        math.inf if time_limit_s is None else float(time_limit_s),
    )
    if isinstance(problem, GridProblem):
        answer = _native.cut_grid(
            problem.node_costs, problem.affinity_costs, problem.offsets, problem.splittable, *options
        )
    else:
        answer = _native.cut_graph(
            problem.node_costs, problem.edges, problem.edge_costs, problem.splittable, *options
        )
    labels, clusters, cost, finished, levels = answer
    stats = Stats(levels[-1][-1], finished, tuple(Level(*level) for level in levels))
    return Cut(labels.reshape(problem.shape), clusters.reshape(problem.shape), cost, stats)


def solve_batch(
    problems: Sequence[CutProblem | GridProblem],
    *,
    threads: int | None = None,
    solver: str = "greedy",
    refine: bool = False,
    seed: int = 0,
    time_limit_s: int | float | None = None,
    min_size: int = 0,
) -> list[Cut]:
    """Solve many problems, each on one thread of a pool, largest first.

    The solvers release the interpreter lock, so all threads are busy as long as there are problems.

    Args:
        threads: How many problems at a time; None for one a core. The answers do not depend on it.
        solver: As in `solve`, like the rest; `time_limit_s` holds for each problem.

    Returns:
        One cut a problem, in their order; the same as `solve` gives.

    Raises:
        ValueError: If an argument is out of its range.

    Example:
        >>> problem = CutProblem([[0.0], [0.0]], [[0, 1]], [1.0], [True])
        >>> [cut.cost for cut in solve_batch([problem, problem], threads=2)]
        [0.0, 0.0]
    """
    if threads is None:
        threads = os.cpu_count() or 1
    if threads < 1:
        fail("threads", "at least 1", threads)
    largest_first = sorted(range(len(problems)), key=lambda i: -problems[i].node_costs.size)

    def work(i: int) -> Cut:
        return solve(
            problems[i], solver=solver, refine=refine, seed=seed, time_limit_s=time_limit_s, min_size=min_size
        )

    with ThreadPoolExecutor(min(threads, max(1, len(problems)))) as pool:
        cuts = dict(zip(largest_first, pool.map(work, largest_first), strict=True))
    return [cuts[i] for i in range(len(problems))]


def _check_options(
    problem: CutProblem | GridProblem,
    solver: str,
    threads: int,
    time_limit_s: int | float | None,
    min_size: int,
) -> None:
    if solver not in SOLVERS:
        fail("solver", "the name of one", repr(solver), hint=nearest(solver, SOLVERS))
    num_nodes = math.prod(problem.shape)
    if solver == "optimal" and num_nodes > LARGEST_OPTIMAL:
        fail("problem", f"of at most {LARGEST_OPTIMAL} nodes for the optimal solver", num_nodes)
    if threads < 1:
        fail("threads", "at least 1", threads)
    if time_limit_s is not None and not time_limit_s > 0:
        fail("time_limit_s", "above 0 or None", time_limit_s)
    if min_size < 0:
        fail("min_size", "at least 0", min_size)


def _start_of(problem: CutProblem | GridProblem, start: Cut | None) -> tuple[np.ndarray, np.ndarray]:
    if start is None:
        return np.empty(0, np.int32), np.empty(0, np.int32)
    labels, clusters = check_answer(start.labels, start.clusters, problem.shape, problem.splittable.size)
    numbers = np.unique(clusters, return_inverse=True)[1]
    return np.ascontiguousarray(labels.ravel(), np.int32), numbers.ravel().astype(np.int32)
