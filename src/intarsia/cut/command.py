"""Problems in files, and the command that solves one."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import numpy as np

from intarsia._check import fail
from intarsia.cut.grid import GridProblem
from intarsia.cut.problem import CutProblem
from intarsia.cut.solving import Cut, solve

_GRID = ("node_costs", "affinity_costs", "offsets", "splittable")
_GRAPH = ("node_costs", "edges", "edge_costs", "splittable")


def cut_file(
    path: str | Path,
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
            affinity_costs and offsets (an image), as `save_problem` writes it.
        solver: greedy, contraction, lazy contraction or optimal.
        refine: Local search on top, for a lower cost at more time.
        threads: Threads for this problem; the answer does not depend on them.
        seed: For solvers that draw; those here do not.
        time_limit_s: Stop after about this time with the best answer so far.
        min_size: Give segments of fewer nodes to a neighbour.
        output: An .npz file to write labels and clusters to.

    Returns:
        The cut.

    Raises:
        ValueError: If the file holds no problem.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_problem(f"{folder}/one.npz", CutProblem([[0.0, 3.0]], [], [], [True, True]))
        ...     cut = cut_file(f"{folder}/one.npz", solver="optimal")  # doctest: +ELLIPSIS
        cost 0.000, 1 segments of 1 classes, 1 nodes, ... ms
        stage ...
    """
    problem = load_problem(path)
    cut = solve(
        problem,
        solver=solver,
        refine=refine,
        threads=threads,
        seed=seed,
        time_limit_s=time_limit_s,
        min_size=min_size,
    )
    if output is not None:
        _write(output, labels=cut.labels, clusters=cut.clusters)
    stopped = "" if cut.stats.finished else " (stopped by the time limit)"
    print(
        f"cost {cut.cost:.3f}, {int(cut.clusters.max()) + 1} segments of {len(np.unique(cut.labels))}"
        f" classes, {cut.labels.size} nodes, {1000 * cut.stats.seconds:.1f} ms{stopped}"
    )
    print(cut.stats.table())
    return cut


def save_problem(path: str | Path, problem: CutProblem | GridProblem) -> None:
    """Write a problem to an .npz file.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_problem(f"{folder}/p.npz", CutProblem([[0.0]], [], [], [True]))
        ...     type(load_problem(f"{folder}/p.npz")).__name__
        'CutProblem'
    """
    names = _GRID if isinstance(problem, GridProblem) else _GRAPH
    _write(path, **{name: getattr(problem, name) for name in names})


def load_problem(path: str | Path) -> CutProblem | GridProblem:
    """Read a problem that `save_problem` wrote.

    Raises:
        ValueError: If the file is missing, no .npz file, or lacks an array.

    Example:
        >>> load_problem("no_such_file.npz")
        Traceback (most recent call last):
            ...
        intarsia._check.InputError: `path` must be an .npz file that exists, got no_such_file.npz.
    """
    if not Path(path).is_file():
        fail("path", "an .npz file that exists", path)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, zipfile.BadZipFile, AttributeError) as error:
        fail("path", "an .npz file", f"{path} ({error})")
    names = _GRID if "affinity_costs" in found else _GRAPH
    missing = [name for name in names if name not in found]
    if missing:
        fail("path", f"a file with the arrays {', '.join(names)}", f"{path} without {', '.join(missing)}")
    return (GridProblem if names is _GRID else CutProblem)(*(found[name] for name in names))


def _write(path: str | Path, **arrays: np.ndarray) -> None:
    """Write aside, then rename: no half-written file is left."""
    path = Path(path)
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with aside.open("wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
