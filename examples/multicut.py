"""Multicut on a small graph: attractive and repulsive edges decide how many clusters there are.

    python examples/multicut.py [OUT.png]

Eight nodes, one class that may be split, no node costs. The best partition keeps the attractive (green)
edges and cuts the repulsive (red) ones as far as it can; the drawing shows cut edges dashed.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from intarsia.cut import CutProblem, solve

places = np.array([(0, 0), (1, 0), (0, 1), (1, 1), (2.6, 0), (3.6, 0.2), (3.0, 1.1), (1.8, 2.2)])
edges = [(0, 1), (0, 2), (1, 3), (2, 3), (1, 4), (3, 6), (4, 5), (4, 6), (5, 6), (3, 7), (6, 7), (0, 3)]
costs = [2.0, 1.5, -0.4, 2.0, -1.5, -1.0, 1.0, 1.5, 2.0, 0.6, 0.7, 1.0]

problem = CutProblem(np.zeros((len(places), 1)), edges, costs, [True])
cut, best = solve(problem, refine=True), solve(problem, solver="optimal")
print(f"clusters {cut.clusters.tolist()}, cost {cut.cost:.2f}, the optimum is {best.cost:.2f}")

for (i, j), cost in zip(edges, costs, strict=True):
    kept = cut.clusters[i] == cut.clusters[j]
    color = "seagreen" if cost > 0 else "firebrick"
    (line,) = plt.plot(*places[[i, j]].T, color=color, linewidth=1 + 1.5 * abs(cost), zorder=1)
    line.set_linestyle("-" if kept else "--")
plt.scatter(*places.T, s=420, c=cut.clusters, cmap="Set2", edgecolors="black", zorder=2)
for i, place in enumerate(places):
    plt.annotate(str(i), place, ha="center", va="center")
plt.axis("off")
plt.title(f"cost {cut.cost:.2f}: dashed edges are cut")
if len(sys.argv) > 1:
    plt.savefig(sys.argv[1], dpi=120, bbox_inches="tight")
