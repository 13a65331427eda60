"""Cut problems on disk."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from intarsia._check import fail
from intarsia._files import whole
from intarsia.cut.grid import GridProblem
from intarsia.cut.problem import CutProblem

__all__ = ["load_problem", "save_problem"]

_GRID = ("node_costs", "affinity_costs", "offsets", "splittable")
_GRAPH = ("node_costs", "edges", "edge_costs", "splittable")


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
    with whole(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, **{name: getattr(problem, name) for name in names})


def load_problem(path: str | Path) -> CutProblem | GridProblem:
    """Read a problem that `save_problem` wrote.

    Raises:
        ValueError: If the file is missing, no .npz file, or lacks an array.

    Example:
        >>> load_problem("no_such_file.npz")
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `path` must be an .npz file that exists, got no_such_file.npz.
    """
    if not Path(path).is_file():
        fail("path", "an .npz file that exists", path)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            values = {name: arrays[name] for name in arrays.files}
    except (ValueError, OSError, zipfile.BadZipFile, AttributeError) as error:
        fail("path", "an .npz file", f"{path} ({error})")
    names = _GRID if "affinity_costs" in values else _GRAPH
    missing = [name for name in names if name not in values]
    if missing:
        fail("path", f"a file with the arrays {', '.join(names)}", f"{path} without {', '.join(missing)}")
    return (GridProblem if names is _GRID else CutProblem)(*(values[name] for name in names))
