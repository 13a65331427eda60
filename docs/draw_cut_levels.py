"""Draws the picture of docs/cut.md: python docs/draw_cut_levels.py [FOLDER]"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from intarsia import _native
from intarsia.cut import CutProblem, GridProblem, solve, synthetic_problem


def main() -> None:
    problem, scene = synthetic_problem(96, 160, num_classes=9, noise=1.5, seed=4)
    names, regions = np.unique(scene, return_inverse=True)
    regions = regions.reshape(scene.shape)
    cheapest = problem.node_costs.argmin(axis=0)
    offsets = np.pad(problem.offsets, ((0, 0), (1, 0)))  # an image is a volume of one plane
    superpixels = _native.superpixels(problem.affinity_costs[:, None], offsets)[0]
    parts = np.unique(superpixels, return_inverse=True)[1].reshape(superpixels.shape)
    graph = between(problem, parts)
    coarse, cut = solve(graph), solve(problem)
    pictures = [
        ("the scene", colored(np.where(names >= 1000, names, names + 5)[regions], regions)),
        ("cheapest class of each pixel", colored(cheapest, cheapest)),
        (f"{parts.max() + 1} superpixels", colored(graph.node_costs.argmin(axis=1)[parts], parts)),
        (
            f"coarse problem solved: cost {coarse.cost:.0f}",
            colored(coarse.labels[parts], coarse.clusters[parts]),
        ),
        (f"pixels moved: cost {cut.cost:.0f}", colored(cut.labels, cut.clusters)),
    ]
    moved = (coarse.labels[parts] != cut.labels)[..., None]
    pictures.append(("pixels that changed class", np.where(moved, 0.0, 0.6 + 0.4 * pictures[-1][1])))
    figure, axes = plt.subplots(2, 3, figsize=(13, 5.6), layout="constrained")
    for axis, (title, picture) in zip(axes.flat, pictures, strict=True):
        axis.imshow(picture, interpolation="nearest")
        axis.set_title(title)
        axis.axis("off")
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/pictures")
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "cut_levels.png", dpi=80)
    print(cut.stats.table())


def between(problem: GridProblem, parts: np.ndarray) -> CutProblem:
    """The problem between parts of the image: their costs are sums."""
    flat, count = parts.ravel(), int(parts.max()) + 1
    node_costs = [np.bincount(flat, plane.ravel(), count) for plane in problem.node_costs]
    graph = problem.to_graph()
    ends = np.sort(flat[graph.edges], axis=1)
    apart = ends[:, 0] != ends[:, 1]
    pairs, which = np.unique(ends[apart], axis=0, return_inverse=True)
    sums = np.bincount(which.ravel(), graph.edge_costs[apart], len(pairs))
    return CutProblem(np.stack(node_costs, axis=1), pairs, sums, problem.splittable)


def colored(labels: np.ndarray, clusters: np.ndarray) -> np.ndarray:
    """A color a class, a shade a cluster, borders dark."""
    colors = plt.get_cmap("tab10")(labels % 10)[..., :3]
    shade = np.random.default_rng(0).uniform(0.8, 1.1, int(clusters.max()) + 1)[clusters]
    border = np.zeros(clusters.shape, bool)
    border[:, 1:] |= clusters[:, 1:] != clusters[:, :-1]
    border[1:] |= clusters[1:] != clusters[:-1]
    return np.clip(colors * shade[..., None], 0, 1) * np.where(border, 0.3, 1.0)[..., None]


if __name__ == "__main__":
    main()
