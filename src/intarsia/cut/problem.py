"""The problem on any graph, and the cost of an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float32, Int32

from intarsia._check import counted, fail
from intarsia.cut.arrays import as_array, as_costs, as_flags, as_indices, check_finite, check_size


@dataclass(frozen=True, eq=False, init=False)
class CutProblem:
    """An asymmetric multiway cut problem on a graph.

    Minimise  sum_i c_V(i, x_i) + sum_ij c_E(ij) y_ij  over classes x and partitions y: y_ij = 1 between
    different classes, y_ij = 0 inside a class that may not be split. One splittable class is multicut (k =
    1), none is multiway cut. A positive edge cost attracts, a negative one repels. Parallel edges add up.

    Source: Abbas and Swoboda 2021 (COPS), eq. (2), after Kroeger et al. 2014.

    Attributes:
        node_costs: c_V, shaped (n, k); kept as float32, without a copy if it is float32 and contiguous.
        edges: The two ends of each edge, shaped (e, 2), different nodes in [0, n); a copy, read-only.
        edge_costs: c_E, shaped (e,).
        splittable: Shaped (k,): which classes are in P, that is, may form several clusters that touch.

    Raises:
        ValueError: If a cost is not finite, an index out of range, an edge a self loop, a shape or dtype
            wrong, or there is no node or no class.

    Example:
        >>> problem = CutProblem([[0, 1], [0, 1], [1, 0]], [[0, 1], [1, 2]], [-2.0, 0.5], [True, False])
        >>> problem.cost(np.array([0, 0, 1]), np.array([0, 1, 2]))
        -1.5
    """

    node_costs: Float32[np.ndarray, "n k"]
    edges: Int32[np.ndarray, "e 2"]
    edge_costs: Float32[np.ndarray, " e"]
    splittable: Bool[np.ndarray, " k"]

    def __init__(self, node_costs: Any, edges: Any, edge_costs: Any, splittable: Any) -> None:
        # kinds and shapes first, then what is in them: a sentence about the shape helps more
        node_costs = as_costs("node_costs", node_costs, "n k")
        num_nodes, num_classes = node_costs.shape
        check_size(num_nodes, num_classes)
        edges = as_indices("edges", _edge_rows(edges), "e 2")
        edge_costs = as_costs("edge_costs", edge_costs, "e")
        if len(edges) != len(edge_costs):
            fail("edge_costs", f"one a row of `edges` ({len(edges)})", len(edge_costs))
        check_finite("node_costs", node_costs)
        check_finite("edge_costs", edge_costs)
        _check_edges(edges, num_nodes)
        # the fields are frozen for everybody else
        object.__setattr__(self, "node_costs", node_costs)
        object.__setattr__(self, "edges", edges)
        object.__setattr__(self, "edge_costs", edge_costs)
        object.__setattr__(self, "splittable", as_flags("splittable", splittable, num_classes))

    def __repr__(self) -> str:
        nodes, classes = counted(len(self.node_costs), "node"), counted(self.splittable.size, "class")
        return f"CutProblem({nodes}, {counted(len(self.edges), 'edge')}, {classes})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of an answer: (n,).

        Example:
            >>> CutProblem([[0.0]], [], [], [True]).shape
            (1,)
        """
        return (len(self.node_costs),)

    def cost(self, labels: Any, clusters: Any) -> float:
        """The cost of an answer, eq. (2), in float64 and by other code than the solvers'.

        Args:
            labels: The class of each node, shaped (n,).
            clusters: The cluster of each node, shaped (n,), any integers.

        Raises:
            ValueError: If the answer is not feasible: shapes or classes that do not exist, a cluster that
                joins different classes along an edge, or an unsplittable class that is cut.

        Example:
            >>> CutProblem([[0.0, 3.0]], [], [], [True, True]).cost([1], [0])
            3.0
        """
        labels, clusters = check_answer(labels, clusters, self.shape, self.splittable.size)
        total = self.node_costs[np.arange(len(labels)), labels].sum(dtype=np.float64)
        # an edge costs where it is cut, which the constraints leave to clusters alone
        i, j = self.edges.T
        cut = check_pairs(labels[i], labels[j], clusters[i], clusters[j], self.splittable)
        return float(total + self.edge_costs[cut].sum(dtype=np.float64))


def check_answer(
    labels: Any, clusters: Any, shape: tuple[int, ...], num_classes: int
) -> tuple[np.ndarray, np.ndarray]:
    """Labels and clusters as arrays of the wanted shape, with labels that name classes.

    Raises:
        ValueError: If they are anything else.

    Example:
        >>> check_answer([0, 1], [0, 1], (2,), 2)[0]
        array([0, 1])
    """
    arrays = {"labels": as_array("labels", labels), "clusters": as_array("clusters", clusters)}
    for name, array in arrays.items():
        if array.shape != shape:
            fail(name, f"shaped {shape}", array.shape)
        if array.dtype.kind not in "iu":
            fail(name, "integers", f"dtype {array.dtype}")
    if arrays["labels"].min() < 0 or arrays["labels"].max() >= num_classes:
        fail("labels", f"in [0, {num_classes})", f"{arrays['labels'].min()} to {arrays['labels'].max()}")
    return arrays["labels"], arrays["clusters"]


def check_pairs(
    label_i: np.ndarray,
    label_j: np.ndarray,
    cluster_i: np.ndarray,
    cluster_j: np.ndarray,
    splittable: np.ndarray,
) -> np.ndarray:
    """y_ij of the edges whose ends have these labels and clusters.

    Raises:
        ValueError: If a constraint of eq. (2) is violated.

    Example:
        >>> zero, one = np.array([0]), np.array([1])
        >>> check_pairs(zero, one, zero, one, np.array([True, False]))
        array([ True])
    """
    # two classes are never in one cluster, and a class that is not splittable is whole
    cut, differ = cluster_i != cluster_j, label_i != label_j
    if (differ & ~cut).any():
        fail("clusters", "of one class each", "a cluster that joins two classes along an edge")
    if (cut & ~differ & ~splittable[label_i]).any():
        fail("clusters", "whole where the class is not splittable", "an edge inside such a class that is cut")
    return cut


def _check_edges(edges: np.ndarray, num_nodes: int) -> None:
    if not len(edges):
        return
    if edges.min() < 0 or edges.max() >= num_nodes:
        fail("edges", f"in [0, {num_nodes})", int(edges.min()) if edges.min() < 0 else int(edges.max()))
    loops = np.flatnonzero(edges[:, 0] == edges[:, 1])
    if len(loops):
        fail("edges", "between different nodes", f"a self loop in row {loops[0]}")


def _edge_rows(edges: Any) -> Any:
    # an empty list has one axis, and is no edge
    array = as_array("edges", edges)
    return np.empty((0, 2), np.int32) if array.shape == (0,) else array
