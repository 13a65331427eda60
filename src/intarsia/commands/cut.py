"""The command that solves a saved cut problem."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from intarsia._check import counted
from intarsia._files import whole
from intarsia.cut import Cut, load_problem, solve
from intarsia.cut.solvers import solver_with_min_size

__all__ = ["cut"]


def cut(
    path: Annotated[str, tyro.conf.Positional],
    *,
    solver: str = "greedy",
    refine: bool = False,
    threads: int = 1,
    seed: int = 0,
    time_limit_s: int | float | None = None,
    min_size: int = 0,
    output: str | Path | None = None,
) -> Cut:
    """Solve a saved cut problem; print its cost, segments, time and the log of the solver, level by level.

    Args:
        path: An .npz file with node_costs, splittable, and either edges and edge_costs (a graph) or
            affinity_costs and offsets (an image or a volume), as `save_problem` writes it.
        solver: greedy, contraction, lazy contraction or optimal.
        refine: Local search on top, for a lower cost at more time.
        threads: Threads for this problem; the answer does not depend on them.
        seed: For solvers that draw; those here do not.
        time_limit_s: Stop after about this time with the best answer so far.
        min_size: Give segments of fewer nodes to a neighbour; greedy only.
        output: An .npz file to write labels and clusters to.

    Returns:
        The cut.

    Raises:
        ValueError: If the file holds no problem.

    Example:
        >>> import tempfile
        >>> from intarsia.cut import CutProblem, save_problem
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_problem(f"{folder}/one.npz", CutProblem([[0.0, 3.0]], [], [], [True, True]))
        ...     answer = cut(f"{folder}/one.npz", solver="optimal")  # doctest: +ELLIPSIS
        cost 0.000, 1 segment of 1 label, 1 node, ... ms
        stage ...
    """
    problem = load_problem(path)
    answer = solve(
        problem,
        solver=solver_with_min_size(solver, min_size),
        refine=refine,
        threads=threads,
        seed=seed,
        time_limit_s=time_limit_s,
    )
    if output is not None:
        with whole(output) as partial, partial.open("wb") as file:
            np.savez(file, allow_pickle=False, labels=answer.labels, clusters=answer.clusters)
    remark = "" if answer.stats.finished else " (stopped by the time limit)"
    print(
        f"cost {answer.cost:.3f}, {counted(int(answer.clusters.max()) + 1, 'segment')} of"
        f" {counted(len(np.unique(answer.labels)), 'label')}, {counted(answer.labels.size, 'node')},"
        f" {1000 * answer.stats.seconds:.1f} ms{remark}"
    )
    print(answer.stats.table())
    return answer
