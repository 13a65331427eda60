"""Cuts on panoptic labels: what one image's backward pass perturbs and solves again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Int64

import intarsia._native as _native
from intarsia.cut import Cut, GridProblem
from intarsia.layers.panoptic_masks import TrueSegments

MOST_POLISHES = 4


@dataclass(frozen=True, eq=False)
class LiftedCut:
    """The solution of one image as panoptic labels, and the labels it could have had.

    The labels are, in this order: the predicted segments that have a mask, the true segments without a
    matched prediction, predicted segments too small for a mask, and each class without any segment. Only the
    first two have masks and so are perturbed.

    Source: Abbas and Swoboda 2021 (COPS), Algorithm 1.

    Attributes:
        class_of: m, the class of each label.
        matches: For each predicted segment with a mask its true segment or -1, then each missed true segment.
        start: z, the label of each pixel.
        clusters: The connected pieces of z, numbered in the order of their first pixels.
    """

    class_of: Int32[np.ndarray, " j"]
    matches: Int64[np.ndarray, " s"]
    start: Int32[np.ndarray, "h w"]
    clusters: Int32[np.ndarray, "h w"]

    @classmethod
    def of(cls, problem: GridProblem, cut: Cut, truth: TrueSegments, min_size: int) -> LiftedCut:
        """Lift a cut, after moves of pixels and regions that lower its cost if they can.

        The moves are ours: they are those of the backward pass, so that nothing changes there without a
        perturbation.

        Args:
            problem: What was cut.
            cut: The answer of the solver.
            truth: The segments to be found.
            min_size: Segments of splittable classes with fewer points of the grid have no mask.
        """
        # segments that count come first, in the order of the cut
        segments, class_of, clusters = _polish(problem, cut)
        sizes = np.bincount(segments.ravel(), minlength=len(class_of))
        large = (sizes >= min_size) | ~problem.splittable[class_of]
        order = np.argsort(~large, kind="stable")
        rank = np.empty(len(order), np.int32)
        rank[order] = np.arange(len(order))
        num_predicted = int(large.sum())
        start, class_of = rank[segments], class_of[order]
        # true segments that no segment was matched with follow, and then those that do not count
        matches = truth.matches_of(start, class_of[:num_predicted], problem.splittable)
        missed = np.setdiff1d(np.arange(len(truth.categories)), matches)
        start[start >= num_predicted] += len(missed)
        present = np.concatenate(
            [class_of[:num_predicted], truth.categories[missed], class_of[num_predicted:]]
        )
        # each class of which there is no segment is a label of its own
        absent = np.setdiff1d(np.arange(len(problem.splittable)), present)
        return cls(
            np.concatenate([present, absent]).astype(np.int32),
            np.concatenate([matches, missed]),
            start,
            clusters,
        )

    @property
    def num_masks(self) -> int:
        """Predicted segments with masks and missed true segments."""
        return len(self.matches)

    def perturbed(self, problem: GridProblem, gradient: np.ndarray, step: float) -> Int32[np.ndarray, "h w"]:
        """z_lambda: labels of low cost after lambda dL/dz is added to the node costs, searched from z."""
        planes = np.arange(len(self.class_of), dtype=np.int32)
        planes[self.num_masks :] = -1
        return _native.solve_lifted(
            problem.node_costs,
            problem.affinity_costs,
            problem.offsets,
            self.class_of,
            planes,
            gradient,
            self.start,
            step,
        )

    def gradients(
        self, problem: GridProblem, solutions: Sequence[np.ndarray], steps: np.ndarray, *, valid: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """dL/dc_V and dL/dc_E, eq. (4) over Algorithm 1.

        The mean over lambda of (x_lambda - x) / lambda and (y_lambda - y) / lambda, at valid pixels and edges
        between them.
        """
        nodes = np.zeros_like(problem.node_costs)
        edges = np.zeros_like(problem.affinity_costs)
        if not solutions:  # nothing was perturbed
            return nodes, edges
        weights = (1 / (len(steps) * steps)).astype(np.float32)
        _native.add_lifted_differences(
            problem.offsets, self.class_of, self.start, np.stack(solutions), weights, valid, nodes, edges
        )
        return nodes, edges


def _polish(problem: GridProblem, cut: Cut) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Segments, their classes, and connected clusters, numbered by first pixels; no costlier than the cut."""
    k = np.arange(len(problem.splittable), dtype=np.int32)
    nothing = np.zeros((0, *problem.shape), np.float32)
    clusters, labels = cut.clusters, cut.labels
    for _ in range(MOST_POLISHES):
        segments, class_of = _segments(labels, clusters, problem.splittable)
        fresh = k[problem.splittable | ~np.isin(k, class_of)]  # a class outside P is one segment at most
        classes = np.concatenate([class_of, fresh])
        none = np.full(len(classes), -1, np.int32)
        new_segments = _native.solve_lifted(
            problem.node_costs, problem.affinity_costs, problem.offsets, classes, none, nothing, segments, 0.0
        )
        clusters, labels = _native.connected_pieces(problem.offsets, new_segments), classes[new_segments]
        if np.array_equal(new_segments, segments):
            break
    return *_segments(labels, clusters, problem.splittable), clusters


def _segments(
    labels: np.ndarray, clusters: np.ndarray, splittable: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Clusters of splittable classes, and each other class as a whole, in the order of their first pixels."""
    keys = np.where(splittable[labels], len(splittable) + clusters, labels).ravel()
    first = np.full(keys.max() + 1, len(keys))
    first[keys[::-1]] = np.arange(len(keys))[::-1]
    names = np.argsort(first, kind="stable")[: np.count_nonzero(first < len(keys))]
    number = np.empty(len(first), np.int32)
    number[names] = np.arange(len(names), dtype=np.int32)
    return number[keys].reshape(labels.shape), labels.ravel()[first[names]].astype(np.int32)
