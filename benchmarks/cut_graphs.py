"""How fast and how good is the cut on graphs that are no images, next to its peers in the same run?

    python benchmarks/cut_graphs.py [--nodes 10000 100000] [--repeats 3] [--photos examples/photos]
        [--superpixels 10000 100000]

Prints one table: region adjacency graphs of triangulated points (weights follow hidden regions, with and
without classes) and of superpixels of photos (a watershed from a grid of markers, in a mosaic of the photos;
weights are border length times how much less the border shows than borders do on average; needs
scikit-image), stars, chains and cliques. Times are CPU ms of one thread, the least of the repeats; "gap" is
the one to the lowest cost of any row of that problem; "check" is what making and checking a `CutProblem` of
the arrays takes. Peers on problems without classes, if they are installed (the extra `bench`): bioimage-cpp's
greedy additive contraction and Kernighan-Lin, and mwatershed. At the end the same image as a grid and as a
graph, on one thread and on two.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from scipy import ndimage
from scipy.spatial import Delaunay, KDTree

from intarsia.cut import CutProblem, GridProblem, solve, synthetic_problem

MOST_NODES_OF_KERNIGHAN_LIN = 200_000  # it takes minutes beyond


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--nodes", nargs="*", type=int, default=[10_000, 100_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--photos", type=Path, default=Path(__file__).parents[1] / "examples" / "photos")
    parser.add_argument("--superpixels", nargs="*", type=int, default=[10_000, 100_000])
    options = parser.parse_args()
    print(f"{'':<34}{'CPU ms':>10}{'cost':>15}{'gap %':>8}")
    for name, problem in problems(options):
        print(f"{name}: {len(problem.node_costs)} nodes, {len(problem.edges)} edges")
        runs = (
            {"check": lambda problem=problem: checked(problem)}
            | ours(problem)
            | (peers(problem) if problem.node_costs.shape[1] == 1 else {})
        )
        print_rows({row: timed(run, options.repeats) for row, run in runs.items()})
    compare_with_grids(options.repeats)


def problems(options: argparse.Namespace) -> Iterator[tuple[str, CutProblem]]:
    """Named problems, small to large."""
    for size in options.superpixels:
        for num_classes in (1, 4):
            name = "superpixels, " + ("no classes" if num_classes == 1 else f"{num_classes} classes")
            yield name, superpixel_graph(options.photos, size, num_classes=num_classes)
    for size in options.nodes:
        yield "regions, no classes", region_graph(size, num_classes=1)
        yield "regions, 8 classes", region_graph(size, num_classes=8)
        yield "star", star(size)
        yield "chain", chain(size)
    yield "clique", clique(1000)


def superpixel_graph(folder: Path, size: int, *, num_classes: int) -> CutProblem:
    """Superpixels of about 5 x 5 pixels, numbered row by row; classes are colours."""
    from skimage.segmentation import watershed

    side = round(5 * size**0.5)
    picture = mosaic_of(folder, side)
    edge = sum(ndimage.gaussian_gradient_magnitude(picture[..., c], 1.0) for c in range(3))
    markers = np.zeros((side, side), np.int32)
    markers[2::5, 2::5] = 1 + np.arange(markers[2::5, 2::5].size).reshape(markers[2::5, 2::5].shape)
    parts = watershed(edge, markers, compactness=0.01) - 1  # pyright: ignore[reportArgumentType]
    edges, length, shown = borders_of(parts, np.asarray(edge))
    costs = length * (1 - shown / np.average(shown, weights=length))
    num_parts = int(parts.max()) + 1
    if num_classes == 1:
        return CutProblem(np.zeros((num_parts, 1)), edges, costs, [True])
    area = np.bincount(parts.ravel(), minlength=num_parts)
    sums = [np.bincount(parts.ravel(), picture[..., c].ravel(), minlength=num_parts) for c in range(3)]
    colors = np.stack(sums, axis=1) / area[:, None]
    typical = colors[np.random.default_rng(0).choice(num_parts, num_classes, replace=False)]
    far = ((colors[:, None] - typical) ** 2).sum(axis=2)
    node_costs = area[:, None] * far / far.mean()
    return CutProblem(node_costs, edges, costs, np.arange(num_classes) % 2 == 0)


def mosaic_of(folder: Path, side: int) -> np.ndarray:
    """The photos again and again, mirrored from one use to the next, in floats up to 1."""
    files = [file for file in sorted(folder.iterdir()) if file.suffix.lower() in (".jpg", ".jpeg", ".png")]
    photos = [np.asarray(Image.open(file).convert("RGB").resize((512, 512)), np.float32) for file in files]
    across = -(-side // 512)
    rows = [
        np.concatenate(
            [photos[(row * across + n) % len(photos)][:, :: 1 - 2 * (n % 2)] for n in range(across)], 1
        )
        for row in range(across)
    ]
    return np.concatenate(rows)[:side, :side] / 255


def borders_of(parts: np.ndarray, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of parts that touch, how long their border is, and how much of an edge it shows on average."""
    pairs, values = [], []
    for here, there in ((np.s_[:, :-1], np.s_[:, 1:]), (np.s_[:-1], np.s_[1:])):
        apart = parts[here] != parts[there]
        pairs.append(np.sort(np.stack([parts[here][apart], parts[there][apart]], axis=1).astype(np.int64)))
        values.append(np.maximum(edge[here][apart], edge[there][apart]))
    count = int(parts.max()) + 1
    keys, index, length = np.unique(
        np.concatenate(pairs) @ np.array([count, 1]), return_inverse=True, return_counts=True
    )
    edges = np.stack(np.divmod(keys, count), axis=1).astype(np.int32)
    return edges, length, np.bincount(index, np.concatenate(values)) / length


def checked(problem: CutProblem) -> float:
    """The arrays made a problem again; its cost is no answer's."""
    CutProblem(problem.node_costs, problem.edges, problem.edge_costs, problem.splittable)
    return float("nan")


def region_graph(size: int, *, num_classes: int, seed: int = 0) -> CutProblem:
    """Delaunay edges between points that are numbered row by row; hidden regions are Voronoi cells."""
    random = np.random.default_rng(seed)
    points = random.uniform(size=(size, 2))
    points = points[np.lexsort((points[:, 1], np.floor(points[:, 0] * np.sqrt(size))))]
    triangles = Delaunay(points).simplices
    pairs = triangles[:, [[0, 1], [1, 2], [0, 2]]].reshape(-1, 2)
    edges = np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int32)
    centers = random.uniform(size=(max(4, size // 100), 2))
    region = np.asarray(KDTree(centers).query(points)[1])
    same = region[edges[:, 0]] == region[edges[:, 1]]
    length = random.gamma(2.0, 0.5, size=len(edges))  # of the border, as weights of superpixels are
    costs = length * (np.where(same, 1.0, -1.0) + random.normal(0, 1.2, size=len(edges)))
    if num_classes == 1:
        return CutProblem(np.zeros((size, 1)), edges, costs, [True])
    classes = random.integers(num_classes, size=len(centers))[region]
    node_costs = 2.0 * (classes[:, None] != np.arange(num_classes)) + random.normal(size=(size, num_classes))
    return CutProblem(node_costs, edges, costs, np.arange(num_classes) % 2 == 0)


def star(size: int) -> CutProblem:
    random = np.random.default_rng(1)
    edges = np.stack([np.zeros(size - 1, int), np.arange(1, size)], axis=1)
    node_costs = random.normal(size=(size, 3))
    return CutProblem(node_costs, edges, random.normal(0.5, 1, size=size - 1), [True, False, True])


def chain(size: int) -> CutProblem:
    random = np.random.default_rng(2)
    edges = np.stack([np.arange(size - 1), np.arange(1, size)], axis=1)
    return CutProblem(random.normal(size=(size, 3)), edges, random.normal(size=size - 1), [True, False, True])


def clique(size: int) -> CutProblem:
    random = np.random.default_rng(3)
    edges = np.stack(np.triu_indices(size, 1), axis=1)
    hidden = random.integers(12, size=size)
    same = hidden[edges[:, 0]] == hidden[edges[:, 1]]
    costs = np.where(same, 1.0, -0.2) + random.normal(0, 2.0, size=len(edges))
    return CutProblem(np.zeros((size, 1)), edges, costs, [True])


def ours(problem: CutProblem) -> dict[str, Callable[[], float]]:
    options: dict[str, dict[str, Any]] = {
        "greedy": {},
        "greedy refined": {"refine": True},
        "contraction (Algorithm 2)": {"solver": "contraction"},
    }
    return {
        row: lambda settings=settings: solve(problem, **settings).cost for row, settings in options.items()
    }


def peers(problem: CutProblem) -> dict[str, Callable[[], float]]:
    """Those that are installed, judged by our own cost."""
    rows: dict[str, Callable[[], float]] = {}
    try:
        from bioimage_cpp.graph import UndirectedGraph, multicut  # pyright: ignore[reportMissingImports]

        def run(solver: Any) -> Callable[[], float]:
            def cost() -> float:
                plain = UndirectedGraph(len(problem.node_costs))
                plain.insert_edges(problem.edges)
                objective = multicut.MulticutObjective(plain, problem.edge_costs.astype(np.float64))
                return cost_of(problem, np.asarray(solver.optimize(objective)))

            return cost

        rows["bioimage-cpp GAEC"] = run(multicut.GreedyAdditiveMulticut())
        if len(problem.node_costs) <= MOST_NODES_OF_KERNIGHAN_LIN:
            rows["bioimage-cpp Kernighan-Lin"] = run(multicut.KernighanLinMulticut())
    except ImportError:
        print("  bioimage-cpp is not installed: pip install 'intarsia[bench]'")
    try:
        import mwatershed  # pyright: ignore[reportMissingImports]

        rows["mwatershed"] = lambda: cost_of(problem, mutex_watershed(mwatershed, problem))
    except ImportError:
        print("  mwatershed is not installed: pip install 'intarsia[bench]'")
    return rows


def mutex_watershed(mwatershed: Any, problem: CutProblem) -> np.ndarray:
    """Its clusters by number; nodes that are joined with nobody are their own."""
    order = np.argsort(-np.abs(problem.edge_costs), kind="stable")
    joined, ends = (problem.edge_costs[order] > 0).tolist(), problem.edges[order].tolist()
    clusters = np.arange(len(problem.node_costs))
    for node, cluster in mwatershed.cluster([(a, i, j) for a, (i, j) in zip(joined, ends, strict=True)]):
        clusters[int(node)] = len(clusters) + int(cluster)
    return clusters


def cost_of(problem: CutProblem, clusters: np.ndarray) -> float:
    return problem.cost(np.zeros(len(clusters), np.int32), clusters.astype(np.int64))


def timed(run: Callable[[], float], repeats: int) -> tuple[float, float]:
    """The least CPU ms of the repeats, and the cost."""
    times, cost = [], 0.0
    for _ in range(repeats):
        begin = time.process_time()
        cost = run()
        times.append(1000 * (time.process_time() - begin))
    return min(times), cost


def print_rows(rows: dict[str, tuple[float, float]]) -> None:
    least = min(cost for _, cost in rows.values() if cost == cost)
    for row, (cpu_ms, cost) in rows.items():
        print(f"  {row:<32}{cpu_ms:>10.1f}{cost:>15.1f}{100 * (cost - least) / abs(least):>8.2f}")


def compare_with_grids(repeats: int) -> None:
    """One image as a grid and as a graph: CPU ms of one thread, and how much faster two are on the wall."""
    print(f"{'256x512, 19 classes':<34}{'grid':>10}{'graph':>10}{'ratio':>8}{'2 threads gain':>16}")
    for name, noise in (("medium", 1.0), ("hard", 2.0)):
        grid = synthetic_problem(256, 512, noise=noise)[0]
        graph = grid.to_graph()
        for refine in (False, True):
            image, one = (cpu_ms(problem, repeats, refine=refine) for problem in (grid, graph))
            walls = [wall_s(graph, repeats, refine=refine, threads=threads) for threads in (1, 2)]
            row = f"  {name}{', refined' if refine else ''}"
            print(f"{row:<34}{image:>10.1f}{one:>10.1f}{one / image:>8.1f}{walls[0] / walls[1]:>16.2f}")


def cpu_ms(problem: CutProblem | GridProblem, repeats: int, **options: Any) -> float:
    return timed(lambda: solve(problem, **options).cost, repeats)[0]


def wall_s(problem: CutProblem | GridProblem, repeats: int, **options: Any) -> float:
    return min(solve(problem, **options).stats.seconds for _ in range(repeats))


if __name__ == "__main__":
    main()
