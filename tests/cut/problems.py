"""Problems that the tests share: the worked ones of the papers, and random small ones."""

from __future__ import annotations

import itertools
from functools import partial

import numpy as np
from hypothesis import strategies as st

from intarsia.cut import CutProblem, GridProblem


def triangle(splittable: list[bool]) -> CutProblem:
    """Three nodes that all prefer class 0; 0 and 1 attract each other, both repel 2."""
    return CutProblem([[0, 1, 2]] * 3, [[0, 1], [0, 2], [1, 2]], [1, -1, -1], splittable)


def square() -> CutProblem:
    """A 2x2 grid whose optimum, -7, holds one stuff pixel and two instances of class 1."""
    node_costs = [[-2, 0, 0], [0, -1, 0.2], [0, -1, 0.1], [0, -1.2, 0]]
    return CutProblem(
        node_costs, [[0, 1], [0, 2], [1, 3], [2, 3]], [0.5, -0.3, 0.8, -2], [False, True, False]
    )


def refresh_pair() -> CutProblem:
    """A 2x3 grid on which refreshing all similarities finds the optimum -4.2, refreshing few -2.3."""
    node_costs = [
        [0.5, 1, -0.2],
        [-1.1, 0.9, -1.3],
        [-0.7, 0.6, -2.3],
        [0.4, -0.6, 0.1],
        [-0.1, 0.2, 0.7],
        [-0.8, 1.4, 0.7],
    ]
    edges = [[0, 1], [0, 3], [1, 2], [1, 4], [2, 5], [3, 4], [4, 5]]
    return CutProblem(node_costs, edges, [1.1, 1.5, 1.1, 1.1, 0.4, -1.1, 0.2], [False, True, True])


def random_graph(seed: int, num_nodes: int, num_classes: int, *, density: float = 0.6) -> CutProblem:
    """Every pair is joined with this probability, some twice; at times all or no class is splittable."""
    random = np.random.default_rng(seed)
    pairs = np.array(list(itertools.combinations(range(num_nodes), 2)), np.int32).reshape(-1, 2)
    pairs = np.concatenate(
        [pairs[random.random(len(pairs)) < density], pairs[random.random(len(pairs)) < 0.1]]
    )
    splittable = random.random(num_classes) < random.choice([0.0, 0.5, 1.0])
    return CutProblem(
        random.normal(size=(num_nodes, num_classes)), pairs, random.normal(size=len(pairs)), splittable
    )


def random_grid(seed: int, height: int, width: int, num_classes: int = 3) -> GridProblem:
    """Smooth enough to have regions, with offsets near and far, some of them negative."""
    random = np.random.default_rng(seed)
    offsets = [(0, 1), (1, 0), (3, -2), (0, -4), (2, 2)][: random.integers(1, 6)]
    blocks = random.normal(size=(num_classes, -(-height // 4), -(-width // 4)))
    node_costs = np.kron(blocks, np.ones((4, 4)))[:, :height, :width] + 0.7 * random.normal(
        size=(num_classes, height, width)
    )
    return GridProblem(
        node_costs,
        random.normal(0.2, 1.0, size=(len(offsets), height, width)),
        offsets,
        random.random(num_classes) < 0.6,
    )


def least_cost(problem: CutProblem) -> float:
    """The optimum by looking at every partition and every way to name its parts."""
    num_nodes, num_classes = problem.node_costs.shape
    best = np.inf
    for clusters in _partitions(num_nodes):
        best = min(best, _least_for(problem, np.array(clusters), num_classes))
    return best


def _partitions(num_nodes: int):
    """All restricted growth strings: every partition of the nodes once."""

    def extend(prefix: tuple[int, ...]):
        if len(prefix) == num_nodes:
            yield prefix
            return
        for cluster in range(max(prefix, default=-1) + 2):
            yield from extend((*prefix, cluster))

    yield from extend(())


def _least_for(problem: CutProblem, clusters: np.ndarray, num_classes: int) -> float:
    """The best classes for a partition in which an unsplittable class takes at most one part."""
    parts = clusters.max() + 1
    sums = np.zeros((parts, num_classes))
    np.add.at(sums, clusters, problem.node_costs.astype(np.float64))
    cut = clusters[problem.edges[:, 0]] != clusters[problem.edges[:, 1]]
    split = sums[:, problem.splittable].min(axis=1, initial=np.inf)
    stuff = [int(k) for k in np.flatnonzero(~problem.splittable)]
    best = split.sum()
    for count in range(1, min(parts, len(stuff)) + 1):
        for chosen in itertools.permutations(range(parts), count):
            rest = [part for part in range(parts) if part not in chosen]
            for classes in itertools.combinations(stuff, count):
                best = min(best, split[rest].sum() + sums[list(chosen), list(classes)].sum())
    return float(best + problem.edge_costs[cut].sum(dtype=np.float64))


# What builds a problem: the test calls it (a strategy must not, since the run-time type checks draw random
# numbers).
graphs = st.builds(
    partial,
    st.just(random_graph),
    seed=st.integers(0, 10**6),
    num_nodes=st.integers(1, 6),
    num_classes=st.integers(1, 3),
    density=st.sampled_from([0.0, 0.4, 1.0]),
)
grids = st.builds(
    partial,
    st.just(random_grid),
    seed=st.integers(0, 10**6),
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    num_classes=st.integers(1, 4),
)
