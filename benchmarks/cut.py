"""How fast and how good are the cut solvers, next to their peers in the same run?

    python benchmarks/cut.py [--problems FOLDER_OR_FILES ...] [--repeats 3] [--plots FOLDER]

Prints one table. Without --problems it makes its own. Files are .npz as `intarsia.cut.save_problem`
writes them, or with c_V, edges, c_E, thing_mask, shape and distances (edges down, then right, per distance).
Peers, if they are installed: mwatershed (mutex watershed, knows no classes: each of its segments gets its
cheapest) and bioimage-cpp (semantic mutex watershed). Times are process CPU and wall ms, the least of the
repeats; "/ yardstick" divides by the CPU time of the two yardsticks that are printed above each problem, a
stable argsort of all edge costs and an argmin over all node costs, to compare machines. "gap" is to the
lowest cost of any row of that problem. LPMP, which the COPS paper ran, is not run here: for the
problems it was measured on, its row has the cost it found and its time over the yardstick of the machine it
ran on. MiB is what the solver added to the memory of a fresh process that
holds the problem (Linux), "x input" that over the size of the costs. --special solves each problem as
multicut (no classes) and as multiway cut (nothing splittable) as well. At the end: how busy a batch keeps
the cores (CPU over wall), and how well time limits are kept.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cut_scaling import plot_scaling

from intarsia.cut import GridProblem, load_problem, solve, solve_batch, synthetic_problem

Segments = tuple[np.ndarray, np.ndarray]

# LPMP's greedy contraction on the problems of its name: wall ms over those of the yardsticks on the machine
# that it ran on, where that was quiet, and its cost.
LPMP: dict[str, tuple[float, float]] = {
    "city_64x128_medium_s0": (np.nan, -62189.5),
    "city_128x256_medium_s0": (np.nan, -260305.5),
    "city_256x512_easy_s0": (2505 / 245, -1193111.6),
    "city_256x512_medium_s0": (2401 / 245, -854359.5),
    "city_256x512_hard_s0": (2295 / 245, -383583.3),
    "city_512x1024_medium_s0": (np.nan, -2665231.1),
    "coco_160x160_easy_s0": (np.nan, -278642.7),
    "coco_160x160_medium_s0": (np.nan, -190440.9),
    "coco_160x160_hard_s0": (np.nan, -100204.8),
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--problems", nargs="*", type=Path, default=[])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--plots", type=Path, help="also measure scaling, and draw it into this folder")
    parser.add_argument("--special", action="store_true")
    parser.add_argument("--skip", nargs="*", default=[], help="rows to leave out, such as contraction")
    options = parser.parse_args()
    columns = f"{'CPU ms':>9}{'wall':>9}{'/ yardstick':>13}{'cost':>15}{'gap %':>8}{'MiB':>7}{'x input':>9}"
    print(f"{'problem':<26}{'solver':<26}{columns}")
    for name, problem in load(options.problems):
        show(name, problem, options.repeats, options.skip)
        for kind, special in special_cases(problem).items() if options.special else ():
            show(f"{name[:15]} {kind}", special, options.repeats, options.skip)
    show_batch()
    show_limits()
    if options.plots:
        plot_scaling(options.plots)


def load(paths: list[Path]) -> list[tuple[str, GridProblem]]:
    if not paths:
        sizes = ((64, 128), (128, 256), (256, 512))
        made = [
            (f"{h}x{w} noise {noise}", synthetic_problem(h, w, noise=noise)[0])
            for h, w in sizes
            for noise in (1, 2)
        ]
        return [*made, ("160x160 133 classes", synthetic_problem(160, 160, num_classes=133)[0])]
    files = [file for path in paths for file in (sorted(path.glob("*.npz")) if path.is_dir() else [path])]
    return [(file.stem, read(file)) for file in files]


def read(file: Path) -> GridProblem:
    with np.load(file) as arrays:
        if "c_V" not in arrays.files:
            problem = load_problem(file)
            assert isinstance(problem, GridProblem), f"{file} is no image"
            return problem
        height, width = (int(size) for size in arrays["shape"])
        node_costs = arrays["c_V"].reshape(height, width, -1).transpose(2, 0, 1)
        costs, planes, offsets, at = arrays["c_E"], [], [], 0
        for distance in arrays["distances"].tolist():
            for rows, cols in ((distance, 0), (0, distance)):
                if rows >= height or cols >= width:
                    continue
                plane = np.zeros((height, width), np.float32)
                inside = plane[: height - rows, : width - cols]
                inside[:] = costs[at : at + inside.size].reshape(inside.shape)
                at += inside.size
                planes.append(plane)
                offsets.append((rows, cols))
        return GridProblem(node_costs, np.stack(planes), offsets, arrays["thing_mask"])


def show(name: str, problem: GridProblem, repeats: int, skip: list[str]) -> None:
    rows = {key: run for key, run in solvers(problem).items() if key not in skip}
    results = {key: measure(run, repeats) for key, run in rows.items()}
    by_pixel = problem.node_costs.reshape(len(problem.node_costs), -1).T.copy()
    sort, argmin = (measure(run, repeats)[:2] for run in yardsticks(problem, by_pixel))
    yardstick = sort[0] + argmin[0]
    for key, (cpu, wall) in (("(argsort of edges)", sort), ("(argmin of nodes)", argmin)):
        print(f"{name:<26}{key:<26}{cpu:>9.1f}{wall:>9.1f}{cpu / yardstick:>13.3f}")
    input_mib = (problem.node_costs.nbytes + problem.affinity_costs.nbytes) / 2**20
    costs = {key: problem.cost(*answer) for key, (_, _, answer) in results.items()}
    lpmp_times, lpmp_cost = LPMP.get(name, (np.nan, np.inf))
    best = min(*costs.values(), lpmp_cost)
    if name in LPMP:
        gap = 100 * (lpmp_cost - best) / abs(best)
        print(f"{name:<26}{'LPMP, elsewhere':<26}{lpmp_times:>31.3f}{lpmp_cost:>15.1f}{gap:>8.2f}")
    for key, (cpu, wall, _) in results.items():
        gap = 100 * (costs[key] - best) / abs(best)
        peak = peak_mib(problem, key)
        print(
            f"{name:<26}{key:<26}{cpu:>9.1f}{wall:>9.1f}{cpu / yardstick:>13.3f}{costs[key]:>15.1f}"
            f"{gap:>8.2f}{peak:>7.0f}{peak / input_mib:>9.2f}",
            flush=True,
        )


def solvers(problem: GridProblem) -> dict[str, Callable[[], Segments]]:
    """Every row of the table: what runs, returning labels and clusters."""

    def ours(**options) -> Callable[[], Segments]:
        def run() -> Segments:
            cut = solve(problem, **options)
            return cut.labels, cut.clusters

        return run

    rows = {
        "greedy": ours(),
        "greedy, 2 threads": ours(threads=2),
        "greedy, refined": ours(refine=True),
        "contraction": ours(solver="contraction"),
        "lazy contraction": ours(solver="lazy contraction"),
    }
    return {**rows, **peers(problem)}


def peers(problem: GridProblem) -> dict[str, Callable[[], Segments]]:
    rows: dict[str, Callable[[], Segments]] = {}
    offsets = [tuple(offset) for offset in problem.offsets.tolist()]
    try:
        import mwatershed  # pyright: ignore[reportMissingImports]

        affinities = problem.affinity_costs.astype(np.float64)
        rows["mwatershed"] = lambda: name_segments(problem, mwatershed.agglom(affinities, offsets))
    except ImportError:
        pass
    try:
        from bioimage_cpp.segmentation import (  # pyright: ignore[reportMissingImports]
            semantic_mutex_watershed,
        )

        attract, repel = np.maximum(problem.affinity_costs, 0), np.maximum(-problem.affinity_costs, 0)
        liking = problem.node_costs.max(axis=0) - problem.node_costs
        stack = np.concatenate([attract, repel, liking])

        def run() -> Segments:
            found = semantic_mutex_watershed(stack, offsets * 2, len(offsets))
            return name_segments(problem, found[0])

        rows["bioimage-cpp semantic MWS"] = run
        if len(problem.node_costs) == 1:
            rows["bioimage-cpp GAEC"] = lambda: additive_contraction(problem)
    except ImportError:
        pass
    return rows


def additive_contraction(problem: GridProblem) -> Segments:
    from bioimage_cpp import graph  # pyright: ignore[reportMissingImports]

    plain = problem.to_graph()
    edges = graph.UndirectedGraph(len(plain.node_costs))
    edges.insert_edges(plain.edges)
    objective = graph.multicut.MulticutObjective(edges, plain.edge_costs.astype(np.float64))
    found = graph.multicut.GreedyAdditiveMulticut().optimize(objective)
    return name_segments(problem, np.asarray(found).reshape(problem.shape))


def name_segments(problem: GridProblem, segments: np.ndarray) -> Segments:
    """A feasible answer: segments take their cheapest class, one unsplittable class is one segment."""
    ids, clusters = np.unique(segments, return_inverse=True)
    clusters = clusters.reshape(problem.shape)
    sums = np.stack([np.bincount(clusters.ravel(), plane.ravel(), len(ids)) for plane in problem.node_costs])
    labels = sums.argmin(axis=0)[clusters]
    return labels, np.where(problem.splittable[labels], len(problem.splittable) + clusters, labels)


def yardsticks(problem: GridProblem, by_pixel: np.ndarray) -> tuple[Callable[[], Segments], ...]:
    def sort() -> Segments:
        costs = problem.affinity_costs.astype(np.float64)
        return np.argsort(costs, axis=None, kind="stable"), np.zeros(0)

    return sort, lambda: (by_pixel.argmin(1), np.zeros(0))


def special_cases(problem: GridProblem) -> dict[str, GridProblem]:
    none = np.zeros((1, *problem.shape), np.float32)
    whole = np.zeros(len(problem.splittable), bool)
    return {
        "multicut": GridProblem(none, problem.affinity_costs, problem.offsets, [True]),
        "multiway": GridProblem(problem.node_costs, problem.affinity_costs, problem.offsets, whole),
    }


def show_batch() -> None:
    batch = [synthetic_problem(128, 256, seed=seed)[0] for seed in range(16)]
    solve_batch(batch, threads=2)
    for threads in (1, 2):
        cpu, wall = time.process_time(), time.perf_counter()
        for _ in range(10):
            solve_batch(batch, threads=threads)
        cpu, wall = 100 * (time.process_time() - cpu), 100 * (time.perf_counter() - wall)
        busy = f"{cpu / wall:.2f} cores busy"
        print(f"16 of 128x256, {threads} threads: {cpu:.1f} CPU ms, {wall:.1f} wall ms, {busy}")


def show_limits() -> None:
    problem = synthetic_problem(256, 512, noise=2.0)[0]
    runs: list[dict[str, Any]] = [{"refine": True}, {"solver": "contraction"}]
    for options in runs:
        whole = solve(problem, **options).stats.seconds
        for share in (0.5, 0.7, 0.9):
            begin = time.perf_counter()
            cut = solve(problem, time_limit_s=share * whole, **options)
            taken = (time.perf_counter() - begin) / (share * whole)
            print(
                f"256x512 {options}, limit {share * whole:.3f} s: took {taken:.2f} of it, cost {cut.cost:.1f}"
            )


def measure(run: Callable[[], Segments], repeats: int) -> tuple[float, float, Segments]:
    times, answer = [], run()
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        answer = run()
        times.append((1000 * (time.process_time() - cpu), 1000 * (time.perf_counter() - wall)))
    return min(cpu for cpu, _ in times), min(wall for _, wall in times), answer


def peak_mib(problem: GridProblem, key: str) -> float:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    arrays = problem.node_costs, problem.affinity_costs, problem.offsets, problem.splittable
    child = context.Process(target=_report_peak, args=(there, arrays, key))
    child.start()
    grown = here.recv()
    child.join()
    return grown


def _report_peak(pipe, arrays: tuple, key: str) -> None:
    run = solvers(GridProblem(*arrays))[key]
    Path("/proc/self/clear_refs").write_text("5")  # Linux: the peak counts from here
    before = _status_kib("VmRSS")
    run()
    pipe.send((_status_kib("VmHWM") - before) / 1024)


def _status_kib(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith(key)))


if __name__ == "__main__":
    main()
