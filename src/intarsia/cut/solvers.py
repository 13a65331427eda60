"""The solvers as values: what one of them knows and the others do not is a field of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from intarsia._check import fail, nearest
from intarsia.cut.arrays import as_count, as_flag
from intarsia.cut.solution import Cut

__all__ = ["SOLVERS", "Contraction", "Greedy", "Optimal", "Solver", "solver_named", "solver_with_min_size"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Greedy:
    """Ours: local moving on several levels. The fastest that keeps the quality.

    Source: ours, after the multi-level local moving of Shi et al. 2021; docs/cut.md tells how it works.

    Attributes:
        refine: Local search on top, as with `refine` of `solve`.
        min_size: Clusters of fewer nodes are given to the neighbour that costs least (at a higher cost, or
            they would be there already).
        start: A solution to improve instead of starting from the costs alone.

    Raises:
        ValueError: If a field is out of its range.

    Example:
        >>> Greedy(min_size=8).min_size
        8
    """

    refine: bool = False
    min_size: int = 0
    start: Cut | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "refine", as_flag("refine", self.refine))
        object.__setattr__(self, "min_size", as_count("min_size", self.min_size, least=0))
        if self.start is not None and not isinstance(self.start, Cut):
            fail("start", "a Cut or None", type(self.start).__name__)


@dataclass(frozen=True, kw_only=True)
class Contraction:
    """The COPS paper's Algorithm 2: greedy contraction of the most similar pair of clusters.

    Source: Abbas and Swoboda 2021 (COPS), Algorithm 2.

    Attributes:
        lazy: With the stale similarities of LPMP, the code behind the paper's numbers; for comparison.

    Raises:
        ValueError: If `lazy` is no bool.

    Example:
        >>> Contraction(lazy=True)
        Contraction(lazy=True)
    """

    lazy: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "lazy", as_flag("lazy", self.lazy))


@dataclass(frozen=True, kw_only=True)
class Optimal:
    """The exact answer of a problem of at most 16 nodes, by dynamic programming over sets of nodes.

    Example:
        >>> Optimal()
        Optimal()
    """


Solver = Greedy | Contraction | Optimal

SOLVERS: dict[str, Solver] = {
    "greedy": Greedy(),
    "contraction": Contraction(),
    "lazy contraction": Contraction(lazy=True),
    "optimal": Optimal(),
}
"""Names for the command line and for those who need no settings."""


def solver_named(solver: str | Solver) -> Solver:
    """The solver that a name stands for; a solver stands for itself.

    Raises:
        ValueError: If there is none of this name.

    Example:
        >>> solver_named("optimal")
        Optimal()
    """
    if isinstance(solver, Greedy | Contraction | Optimal):
        return solver
    if not isinstance(solver, str):
        fail("solver", "a name, Greedy(...), Contraction(...) or Optimal()", repr(solver))
    if solver not in SOLVERS:
        fail("solver", "the name of one", repr(solver), hint=nearest(solver, SOLVERS))
    return SOLVERS[solver]


def solver_with_min_size(solver: str | Solver, min_size: int) -> Solver:
    """The solver that leaves no smaller clusters, for those who are given both by name.

    Raises:
        ValueError: If `min_size` is not 0 and the solver does not know it.

    Example:
        >>> solver_with_min_size("contraction", 0)
        Contraction(lazy=False)
    """
    solver = solver_named(solver)
    if isinstance(solver, Greedy):
        return replace(solver, min_size=min_size) if min_size else solver
    if as_count("min_size", min_size, least=0):
        fail("min_size", "0 for a solver other than greedy", min_size)
    return solver
