"""How does the cut's time grow with pixels, classes and threads?

    python benchmarks/cut_scaling.py [--out FOLDER] [--repeats 5]

Prints the least of the repeats, CPU ms for one thread and wall ms where threads are compared, and draws it
into FOLDER/cut_scaling.png. Runs on one thread and on two take turns, so that both meet the same company;
what it says of threads still holds only for a machine that has nothing else to do.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from intarsia.cut import solve, solve_batch, synthetic_problem

SIZES = [(64, 128), (128, 256), (256, 512), (512, 1024), (1024, 2048)]
CLASSES = [2, 19, 66, 133]
NOISES = {"moderate": 1.0, "hard": 2.0}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=Path("out"))
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    plot_scaling(options.out, options.repeats)


def plot_scaling(folder: Path, repeats: int = 5) -> None:
    figure, axes = plt.subplots(1, 3, figsize=(14, 3.8), layout="constrained")
    over_pixels(axes[0], repeats)
    over_classes(axes[1], repeats)
    over_threads(axes[2])
    for axis in axes:
        axis.grid(alpha=0.3, which="both")
    for axis in axes[:2]:
        axis.legend(frameon=False)
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / "cut_scaling.png", dpi=90)


def over_pixels(axis: Axes, repeats: int) -> None:
    times: list[float] = []
    for name, noise in NOISES.items():
        times = [least_ms(size, repeats, noise=noise) for size in SIZES]
        draw(axis, f"{name} noise", [height * width for height, width in SIZES], times)
    last = times[-1] / (SIZES[-1][0] * SIZES[-1][1])
    axis.plot(*zip(*((h * w, last * h * w) for h, w in SIZES), strict=True), "k:", label="in proportion")
    axis.set(xscale="log", yscale="log", xlabel="image (19 classes, one thread)", ylabel="CPU ms")
    axis.set_xticks([h * w for h, w in SIZES], [f"{h} x\n{w}" for h, w in SIZES], minor=False)
    axis.set_xticks([], minor=True)


def over_classes(axis: Axes, repeats: int) -> None:
    for name, noise in NOISES.items():
        times = [least_ms((160, 160), repeats, noise=noise, num_classes=count) for count in CLASSES]
        draw(axis, f"{name} noise", CLASSES, times)
    axis.set(xlabel="classes (160 x 160, one thread)", ylabel="CPU ms", ylim=0, xticks=CLASSES)


def over_threads(axis: Axes) -> None:
    """How many times faster: single images by strips, a batch by images."""
    names, speedups = [], []
    for size in SIZES[2:]:
        for name, noise in NOISES.items():
            problem = synthetic_problem(*size, noise=noise)[0]
            names.append(f"{size[0]} x {size[1]} {name}")
            speedups.append(speedup(lambda t, p=problem: solve(p, threads=t)))
    batch = [synthetic_problem(128, 256, seed=seed)[0] for seed in range(16)]
    names.append("16 of 128 x 256")
    speedups.append(speedup(lambda t: solve_batch(batch, threads=t)))
    print("two threads", *(f"{name}: {s:.2f}" for name, s in zip(names, speedups, strict=True)), sep="  ")
    bars = axis.barh(names, speedups, color="C7")
    axis.bar_label(bars, fmt="%.2f", padding=-30, color="white")
    axis.invert_yaxis()
    axis.set(xlabel="times faster with two threads", xlim=(0, 2))


def speedup(solve_with: Callable[[int], object], seconds: float = 4) -> float:
    """The least wall time of one thread over that of two, which take turns."""
    times: dict[int, list[float]] = {1: [], 2: []}
    while sum(times[1]) + sum(times[2]) < seconds:
        for threads in times:
            begin = time.perf_counter()
            solve_with(threads)
            times[threads].append(time.perf_counter() - begin)
    return min(times[1]) / min(times[2])


def draw(axis: Axes, name: str, places: list[int], values: list[float]) -> None:
    axis.plot(places, values, "o-", label=name)
    print(
        name,
        *(f"{x}: {y:.3g}" for x, y in zip(places, values, strict=True)),
        sep="  ",
    )


def least_ms(size: tuple[int, int], repeats: int, **options) -> float:
    problem = synthetic_problem(*size, **options)[0]
    return least(time.process_time, lambda: solve(problem), repeats)


def least(clock: Callable[[], float], run: Callable[[], object], repeats: int) -> float:
    """Milliseconds of the fastest run."""
    times = []
    for _ in range(repeats):
        begin = clock()
        run()
        times.append(1000 * (clock() - begin))
    return min(times)


if __name__ == "__main__":
    main()
