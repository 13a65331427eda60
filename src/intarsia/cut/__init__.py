"""Asymmetric multiway cuts: say which class each node prefers and which pairs belong together, get segments.

Minimise  sum_i c_V(i, x_i) + sum_ij c_E(ij) y_ij  over labels x and valid partitions y (COPS paper, eq. 2).
`docs/cut.md` explains the algorithm with pictures.

The package is also the command of its name: `intarsia.cut("problem.npz")` solves a saved problem.
"""

from intarsia._command_package import is_also_command
from intarsia.cut.files import load_problem, save_problem
from intarsia.cut.grid import GridProblem
from intarsia.cut.offsets import offsets_of, pair_slices
from intarsia.cut.problem import CutProblem
from intarsia.cut.solution import Cut, Level, Stats
from intarsia.cut.solvers import Contraction, Greedy, Optimal
from intarsia.cut.solving import solve, solve_batch
from intarsia.cut.synthetic import synthetic_problem

__all__ = [
    "Contraction",
    "Cut",
    "CutProblem",
    "Greedy",
    "GridProblem",
    "Level",
    "Optimal",
    "Stats",
    "load_problem",
    "offsets_of",
    "pair_slices",
    "save_problem",
    "solve",
    "solve_batch",
    "synthetic_problem",
]

is_also_command(__name__, "intarsia.commands.cut:cut")
