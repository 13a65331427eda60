"""Where affinities lead from a point, taken together: a random walk that follows the odds of joining."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float32, Float64

from intarsia.cut.offsets import pair_slices

__all__ = ["AffinityField", "AffinityWalk"]

Field: TypeAlias = Float32[np.ndarray, "h w"]
NUM_STEPS, RESTART = 60, 0.03
"""How far the walk goes, and how often it begins anew at the point."""
LEAST_PROB = 1e-4


@dataclass(frozen=True, eq=False)
class AffinityField:
    """The affinities of an image.

    Attributes:
        prob: That a point and the one at the offset are in one segment.
        offsets: (rows, columns) on the grid, one a channel.
    """

    prob: Float32[np.ndarray, "o h w"]
    offsets: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class AffinityWalk:
    """A random walk on the grid, which goes to each partner of a point in proportion to the odds of joining.

    Odds of 50 inside a segment against 1 across its border keep it inside, though no single affinity is sure.

    Attributes:
        steps: scipy's `csr_array`: how much of each point goes to each.
        degree: The odds of all pairs of each point.
        shape: Of the grid.

    Example:
        >>> walk = AffinityWalk.of(np.array([[[0.99, 0.01, 0.5]]], np.float32), [(0, 1)])
        >>> shares, heat = walk.shares((0, 0))
        >>> shares.argmax().item(), round(float(shares[0, 2]), 2)
        (0, 0.0)
    """

    steps: Any
    degree: Float64[np.ndarray, " n"]
    shape: tuple[int, int]

    @classmethod
    def of(cls, prob: Float32[np.ndarray, "o h w"], offsets: Sequence[tuple[int, int]]) -> AffinityWalk:
        """The walk of an image.

        Args:
            prob: That a point and the one at the offset are in one segment.
            offsets: (rows, columns) on the grid.
        """
        from scipy.sparse import coo_array

        height, width = prob.shape[1:]
        index = np.arange(height * width, dtype=np.int32).reshape(height, width)
        pairs = [pair_slices((height, width), offset) for offset in offsets]
        first = np.concatenate([index[first_end].ravel() for first_end, _ in pairs] or [index[:0].ravel()])
        second = np.concatenate([index[other].ravel() for _, other in pairs] or [index[:0].ravel()])
        sure = np.concatenate(
            [plane[first_end].ravel() for plane, (first_end, _) in zip(prob, pairs, strict=True)] or [[]]
        )
        sure = np.clip(sure.astype(np.float64), LEAST_PROB, 1 - LEAST_PROB)
        odds = np.tile(sure / (1 - sure), 2)
        edges = (np.concatenate([second, first]), np.concatenate([first, second]))
        graph = coo_array((odds, edges), (index.size, index.size)).tocsr()
        degree = np.maximum(graph.sum(axis=0), 1e-12)
        graph.data /= degree[graph.indices]
        return cls(graph, degree, (height, width))

    def shares(self, point: tuple[int, int]) -> tuple[Field, Field]:
        """How often the walk is at each point; and as heat, 0 to 1, beside what chance would have."""
        start = np.zeros(self.degree.size)
        start[point[0] * self.shape[1] + point[1]] = 1
        share = start
        for _ in range(NUM_STEPS):
            share = (1 - RESTART) * (self.steps @ share) + RESTART * start
        share /= max(share.sum(), 1e-12)  # a point without a partner loses what comes to it
        density = share / self.degree
        heat = np.sqrt(np.minimum(density / max(np.percentile(density, 99.9), 1e-30), 1))
        return share.reshape(self.shape).astype(np.float32), heat.reshape(self.shape).astype(np.float32)
