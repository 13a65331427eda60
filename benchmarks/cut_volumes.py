"""What a voxel of a volume costs beside a pixel of an image: time, memory, threads, and peers.

    python benchmarks/cut_volumes.py [--repeats 3] [--large]

Prints one table. A volume of 16x256x256 and an image of 1024x1024 hold the same number of points, balls
and discs that cover about the same share, the same classes and as many offsets; "ns" is CPU time a
point, the least of the repeats. "MiB" is what solving added to the peak of a forked process (Linux), "x
input" that over the size of the costs. --large solves 64x256x256 on one and on two threads (wall).
Peers, if they are installed (the extra `bench`), without classes, on an image of 512x512 and a volume of
8x128x128, since bioimage-cpp's greedy additive contraction takes minutes on larger ones: that and mwatershed
on the same affinities.
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from intarsia.cut import GridProblem, pair_slices, solve

VOLUME, IMAGE, LARGE = (16, 256, 256), (1024, 1024), (64, 256, 256)
PEERS_VOLUME, PEERS_IMAGE = (8, 128, 128), (512, 512)
VOLUME_OFFSETS = [(1, 0, 0), (0, 1, 0), (0, 0, 1), (2, 0, 0), (0, 4, 0), (0, 0, 4), (0, 9, 0), (0, 0, 9)]
IMAGE_OFFSETS = [(1, 0), (0, 1), (4, 0), (0, 4), (9, 0), (0, 9), (18, 0), (0, 18)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--large", action="store_true")
    options = parser.parse_args()
    print(f"{'':<34}{'ns':>9}{'cost a point':>14}{'segments':>10}{'MiB':>8}{'x input':>9}")
    for num_classes in (5, 1):
        for name, shape, offsets in (("image", IMAGE, IMAGE_OFFSETS), ("volume", VOLUME, VOLUME_OFFSETS)):
            problem = scene(shape, offsets, num_classes=num_classes)
            title = f"{name} {'x'.join(map(str, shape))}, {num_classes} classes"
            print_row(title, problem, lambda problem=problem: solve(problem).clusters, options.repeats)
    for name, shape, offsets in (
        ("image", PEERS_IMAGE, IMAGE_OFFSETS),
        ("volume", PEERS_VOLUME, VOLUME_OFFSETS),
    ):
        problem = scene(shape, offsets, num_classes=1)
        title = f"{name} {'x'.join(map(str, shape))}, 1 class"
        print_row(title, problem, lambda problem=problem: solve(problem).clusters, options.repeats)
        for peer, run in peers(problem).items():
            print_row(f"  {peer}", problem, run, 1)
    if options.large:
        problem = scene(LARGE, VOLUME_OFFSETS, num_classes=5)
        one, two = (
            min(solve(problem, threads=n).stats.seconds for _ in range(options.repeats)) for n in (1, 2)
        )
        print(f"{'x'.join(map(str, LARGE))}: {one:.2f} s, on two threads {two:.2f} s: {one / two:.2f} times")


def scene(shape: tuple[int, ...], offsets: list[Any], *, num_classes: int, seed: int = 0) -> GridProblem:
    """Balls in several classes on a background, unsure classes and affinities."""
    random = np.random.default_rng(seed)
    truth = np.zeros(shape, np.int32)
    density = 400 if len(shape) == 2 else 4000  # points a disc or ball: both cover about half
    planes = np.indices(shape, sparse=False, dtype=np.int32)
    for ball in range(1, 1 + truth.size // density):
        radius = random.uniform(4, 12)
        center = [random.uniform(0, size) for size in shape]
        box = tuple(slice(max(0, int(c - radius)), int(c + radius) + 2) for c in center)
        far = sum((plane[box] - c) ** 2 for plane, c in zip(planes, center, strict=True))
        truth[box][np.asarray(far) < radius**2] = ball
    classes = np.where(truth > 0, 1 + truth % max(1, num_classes - 1), 0) % num_classes
    node_costs = np.empty((num_classes, *shape), np.float32)
    for k in range(num_classes):
        node_costs[k] = (3.0 * (classes != k) + random.normal(size=shape)) * (num_classes > 1)
    affinity_costs = np.zeros((len(offsets), *shape), np.float32)
    for costs, offset in zip(affinity_costs, offsets, strict=True):
        first, second = pair_slices(shape, offset)
        same = truth[first] == truth[second]
        costs[first] = np.where(same, 2.0, -2.0) + 1.5 * random.normal(size=same.shape)
    splittable = np.arange(num_classes) > 0 if num_classes > 1 else np.ones(1, bool)
    return GridProblem(node_costs, affinity_costs, offsets, splittable)


def peers(problem: GridProblem) -> dict[str, Callable[[], np.ndarray]]:
    rows: dict[str, Callable[[], np.ndarray]] = {}
    try:
        import mwatershed  # pyright: ignore[reportMissingImports]

        offsets = [tuple(offset) for offset in problem.offsets.tolist()]
        affinities = problem.affinity_costs.astype(np.float64)
        rows["mwatershed"] = lambda: mwatershed.agglom(affinities, offsets)
    except ImportError:
        print("  mwatershed is not installed: pip install 'intarsia[bench]'")
    try:
        from bioimage_cpp.graph import UndirectedGraph, multicut  # pyright: ignore[reportMissingImports]

        def contract() -> np.ndarray:
            plain = problem.to_graph()
            graph = UndirectedGraph(len(plain.node_costs))
            graph.insert_edges(plain.edges)
            objective = multicut.MulticutObjective(graph, plain.edge_costs.astype(np.float64))
            return np.asarray(multicut.GreedyAdditiveMulticut().optimize(objective)).reshape(problem.shape)

        rows["bioimage-cpp GAEC"] = contract
    except ImportError:
        print("  bioimage-cpp is not installed: pip install 'intarsia[bench]'")
    return rows


def print_row(title: str, problem: GridProblem, run: Callable[[], np.ndarray], repeats: int) -> None:
    times, clusters = [], np.empty(0)
    for _ in range(repeats):
        begin = time.process_time()
        clusters = run()
        times.append(time.process_time() - begin)
    size = clusters.size
    cut = solve(problem) if len(problem.node_costs) > 1 else None
    cost = cut.cost if cut else problem.cost(np.zeros(problem.shape, np.int32), clusters.astype(np.int64))
    added = added_mib(run) if Path("/proc/self/status").exists() else float("nan")
    inputs = (problem.node_costs.nbytes + problem.affinity_costs.nbytes) / 2**20
    print(
        f"{title:<34}{1e9 * min(times) / size:>9.1f}{cost / size:>14.5f}{len(np.unique(clusters)):>10}"
        f"{added:>8.0f}{added / inputs:>9.2f}"
    )


def added_mib(run: Callable[[], np.ndarray]) -> float:
    """What a run adds to the memory of a forked process at its peak."""
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=lambda: queue.put(_growth(run)))
    worker.start()
    growth = queue.get()
    worker.join()
    return growth


def _growth(run: Callable[[], np.ndarray]) -> float:
    ctypes.CDLL(None).malloc_trim(0)  # what was freed before is not taken from there
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
    before = _peak_mib()
    run()
    return _peak_mib() - before


def _peak_mib() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    main()
