"""The problem on an image or a volume, with no edge list."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int32

from intarsia._check import counted, fail
from intarsia.cut.arrays import as_array, as_costs, as_flags, as_indices, check_finite, check_size
from intarsia.cut.offsets import Slices, pair_slices
from intarsia.cut.problem import CutProblem, check_answer, check_pairs


@dataclass(frozen=True, eq=False, init=False)
class GridProblem:
    """An asymmetric multiway cut problem on an image or a volume: a `CutProblem` with edges given by offsets.

    Pixel (r, c) is joined with (r, c) + offsets[o] at the cost `affinity_costs[o, r, c]`; pairs that leave
    the image do not exist, and what the array holds there is not looked at. Twice the same offset, or an
    offset and its opposite, are parallel edges and add up. A volume, a stack of pages or a clip, has one
    axis more in front: (k, d, h, w), (o, d, h, w) and offsets of three numbers.

    Source: Abbas and Swoboda 2021 (COPS), eq. (2), with the edges of their section 3.1.

    Attributes:
        node_costs: c_V, shaped (k, h, w) or (k, d, h, w); kept as float32, without a copy if it is float32
            and contiguous.
        affinity_costs: c_E, shaped (o, h, w) or (o, d, h, w); positive attracts.
        offsets: (rows, columns) or (planes, rows, columns) from a pixel to its neighbour, shaped (o, 2) or
            (o, 3), not all 0; a copy, read-only.
        splittable: Shaped (k,): which classes may form several clusters that touch.

    Raises:
        ValueError: If a cost of a pair that exists is not finite, an offset is all 0, a shape or dtype
            wrong, or there is no pixel or no class.

    Example:
        >>> node_costs = np.zeros((1, 1, 3), np.float32)
        >>> affinity_costs = np.array([[[2.0, -1.0, np.nan]]], np.float32)  # the last pair leaves the image
        >>> GridProblem(node_costs, affinity_costs, [(0, 1)], [True]).cost([[0, 0, 0]], [[0, 0, 1]])
        -1.0
    """

    node_costs: Float32[np.ndarray, "k ..."]
    affinity_costs: Float32[np.ndarray, "o ..."]
    offsets: Int32[np.ndarray, "o rank"]
    splittable: Bool[np.ndarray, " k"]

    def __init__(self, node_costs: Any, affinity_costs: Any, offsets: Any, splittable: Any) -> None:
        # kinds and shapes first, then what is in them: a sentence about the shape helps more
        node_costs = _grid_costs("node_costs", node_costs, "k")
        check_size(math.prod(node_costs.shape[1:]), len(node_costs))
        offsets = _offset_rows(offsets, node_costs.ndim - 1)
        affinity_costs = _grid_costs("affinity_costs", affinity_costs, "o")
        wanted = (len(offsets), *node_costs.shape[1:])
        if affinity_costs.shape != wanted:
            fail("affinity_costs", f"shaped {wanted} to fit `offsets` and `node_costs`", affinity_costs.shape)
        check_finite("node_costs", node_costs)
        object.__setattr__(self, "node_costs", node_costs)
        object.__setattr__(self, "affinity_costs", affinity_costs)
        object.__setattr__(self, "offsets", offsets)
        object.__setattr__(self, "splittable", as_flags("splittable", splittable, len(node_costs)))
        # of pairs that leave the image nothing is looked at, so they may be anything
        for costs, (first, _) in zip(affinity_costs, self._pairs(), strict=True):
            check_finite("affinity_costs", costs[first])

    def __repr__(self) -> str:
        size = "x".join(map(str, self.shape))
        classes, offsets = counted(self.splittable.size, "class"), counted(len(self.offsets), "offset")
        return f"GridProblem({size}, {classes}, {offsets})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an answer: (h, w) or (d, h, w).

        Example:
            >>> GridProblem(np.zeros((2, 3, 4)), np.zeros((0, 3, 4)), [], [True, True]).shape
            (3, 4)
        """
        return self.node_costs.shape[1:]

    def cost(self, labels: Any, clusters: Any) -> float:
        """The cost of an answer, eq. (2), in float64 and by other code than the solvers'.

        Args:
            labels: The class of each pixel, shaped (h, w) or (d, h, w).
            clusters: The cluster of each pixel, shaped alike, any integers.

        Raises:
            ValueError: If the answer is not feasible, as in `CutProblem.cost`.

        Example:
            >>> GridProblem(np.ones((1, 1, 1)), np.zeros((0, 1, 1)), [], [True]).cost([[0]], [[0]])
            1.0
        """
        labels, clusters = check_answer(labels, clusters, self.shape, self.splittable.size)
        total = np.take_along_axis(self.node_costs, labels[None].astype(np.int64), axis=0).sum(
            dtype=np.float64
        )
        for costs, (a, b) in zip(self.affinity_costs, self._pairs(), strict=True):
            cut = check_pairs(labels[a], labels[b], clusters[a], clusters[b], self.splittable)
            total += costs[a][cut].sum(dtype=np.float64)
        return float(total)

    def to_graph(self) -> CutProblem:
        """The same problem with an edge list: pixels in row-major order, edges offset by offset.

        Example:
            >>> GridProblem(np.zeros((1, 1, 2)), [[[3.0, 0.0]]], [(0, 1)], [True]).to_graph().edges.tolist()
            [[0, 1]]
        """
        # a pixel's number is its place in memory
        index = np.arange(np.prod(self.shape), dtype=np.int32).reshape(self.shape)
        ends = [np.stack([index[a].ravel(), index[b].ravel()], axis=1) for a, b in self._pairs()]
        costs = [costs[a].ravel() for costs, (a, _) in zip(self.affinity_costs, self._pairs(), strict=True)]
        return CutProblem(
            np.moveaxis(self.node_costs, 0, -1).reshape(-1, len(self.node_costs)),
            np.concatenate([np.empty((0, 2), np.int32), *ends]),
            np.concatenate([np.empty(0, np.float32), *costs]),
            self.splittable,
        )

    def _pairs(self) -> list[tuple[Slices, Slices]]:
        """For each offset, where the first pixels of its pairs are and where the second."""
        return [pair_slices(self.shape, offset) for offset in self.offsets.tolist()]


def _grid_costs(name: str, values: Any, first_axis: str) -> np.ndarray:
    """Costs on an image or on a volume, by their number of axes."""
    array = as_array(name, values)
    return as_costs(name, array, f"{first_axis} d h w" if array.ndim == 4 else f"{first_axis} h w")


def _offset_rows(offsets: Any, rank: int) -> np.ndarray:
    offsets = as_array("offsets", offsets)
    offsets = as_indices("offsets", offsets if offsets.size else offsets.reshape(0, rank), f"o {rank}")
    if (offsets == 0).all(axis=1).any():
        fail("offsets", f"other than ({', '.join('0' * rank)})", "an offset from a pixel to itself")
    return offsets
