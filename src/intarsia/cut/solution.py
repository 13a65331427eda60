"""What a solver answers: labels and clusters, what they cost, and how they were found."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32

from intarsia._check import counted

__all__ = ["Cut", "Level", "Stats"]


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
        >>> from intarsia.cut import CutProblem, solve
        >>> cut = solve(CutProblem([[0.0], [0.0]], [[0, 1]], [-1.0], [True]))
        >>> cut.clusters.tolist(), cut.cost
        ([0, 1], -1.0)
    """

    labels: Int32[np.ndarray, "*shape"]
    clusters: Int32[np.ndarray, "*shape"]
    cost: float
    stats: Stats

    def __repr__(self) -> str:
        size = "x".join(map(str, self.labels.shape))
        clusters = counted(int(self.clusters.max(initial=-1)) + 1, "cluster")
        return f"Cut({size}, {clusters}, cost={self.cost:g})"
