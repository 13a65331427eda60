"""How fast are pixels grouped into instances?

One image, one thread, process CPU time, best of a few rounds in which both sides take turns. Memory is what
one call adds to the peak of a fresh process. References: every pixel against every centre (centre and
offset), the rules of mean shift and of seed decoding in plain NumPy, scikit-learn's mean shift on 10,000
points.

Run:  python benchmarks/grouping.py
"""

from __future__ import annotations

import argparse
import ctypes
import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.ndimage import maximum_filter

from intarsia.clustering import center_offset_grouping, mean_shift, seed_decoding

DIMS, NOISE, BANDWIDTH = 8, 0.2, 1.5
Case = Callable[[], object]


def main() -> None:
    parser = argparse.ArgumentParser(description="Grouping against the straightforward forms.")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of each pair")
    parser.add_argument("--only", default="", help="rows whose name contains this")
    arguments = parser.parse_args()
    table = Table("grouping", "reference ms", "ours ms", "times faster", "reference MB", "ours MB")
    for name in (n for n in PAIRS if arguments.only in n):
        slow_ms, fast_ms = in_fresh_process(milliseconds, name, arguments.rounds)
        slow_mb, fast_mb = (in_fresh_process(extra_megabytes, name, side) for side in (0, 1))
        numbers = (slow_ms, fast_ms, slow_ms / fast_ms, slow_mb, fast_mb)
        table.add_row(name, *(f"{x:.1f}" for x in numbers))
    Console(width=110).print(table)


def in_fresh_process(function: Callable, *arguments):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(function, arguments)


def milliseconds(name: str, rounds: int) -> list[float]:
    sides = PAIRS[name]()
    best = [float("inf")] * 2
    for _ in range(rounds):
        for side, case in enumerate(sides):
            start = time.process_time()
            case()
            best[side] = min(best[side], 1000 * (time.process_time() - start))
    return best


def extra_megabytes(name: str, side: int) -> float:
    case = PAIRS[name]()[side]
    ctypes.CDLL(None).malloc_trim(0)  # free memory that is kept would hide what the call needs
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is in use
    before = status_kilobytes("VmRSS")
    case()
    return (status_kilobytes("VmHWM") - before) / 1024


def status_kilobytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def center_pair(height: int, width: int, num_objects: int) -> tuple[Case, Case]:
    """Offsets that miss the centre by a pixel or two, as a trained network's do; everything is a thing."""
    centers, objects = object_map(height, width, num_objects)
    rows, cols = np.mgrid[:height, :width]
    heat = np.zeros((height, width))
    for row, col in centers:
        heat = np.maximum(heat, np.exp(-((rows - row) ** 2 + (cols - col) ** 2) / (2 * 8.0**2)))
    offsets = np.stack([centers[objects, 0] - rows, centers[objects, 1] - cols]).astype(np.float32)
    offsets += np.random.default_rng(1).normal(0, 1.5, offsets.shape).astype(np.float32)
    arrays = heat.astype(np.float32), offsets, np.ones((height, width), bool)
    return lambda: dense_grouping(*arrays), lambda: center_offset_grouping(*arrays)


def dense_grouping(heat: np.ndarray, offsets: np.ndarray, things: np.ndarray) -> np.ndarray:
    heat = np.where(heat > 0.1, heat, np.float32(-1))
    centers = np.argwhere((heat == maximum_filter(heat, 7)) & (heat > 0)).astype(np.float32)  # n 2
    down, right = (np.indices(heat.shape, np.float32) + offsets).reshape(2, -1)
    distance = np.square(centers[:, :1] - down) + np.square(centers[:, 1:] - right)  # n (h w)
    return (distance.argmin(0) + 1).reshape(heat.shape) * things


def mean_shift_pair(num_objects: int) -> tuple[Case, Case]:
    embeddings = embedded(256, 512, num_objects)
    foreground = np.ones((256, 512), bool)
    points = np.ascontiguousarray(embeddings.reshape(DIMS, -1).T)
    order = np.random.default_rng(0).permutation(len(points))
    return (
        lambda: plain_mean_shift(points, order, 50),
        lambda: mean_shift(embeddings, foreground, bandwidth=BANDWIDTH, min_points=50),
    )


def plain_mean_shift(points: np.ndarray, order: np.ndarray, min_size: int) -> np.ndarray:
    unused, labels = np.ones(len(points), bool), np.zeros(len(points), np.int32)
    for seed in order:
        if unused.sum() < min_size:
            break
        if not unused[seed]:
            continue
        mean, step = points[seed].astype(np.float64), np.inf
        while step > 1e-4:
            free = points[unused]
            near = free[((free - mean) ** 2).sum(1) < BANDWIDTH**2]
            step = np.linalg.norm(near.mean(0) - mean) if len(near) else 0.0
            mean = near.mean(0) if len(near) else mean
        around = ((points - mean) ** 2).sum(1) < BANDWIDTH**2
        group = around & unused
        if group.sum() >= min_size and 2 * (labels[around] > 0).sum() < around.sum():
            labels[group] = labels.max() + 1
        unused &= ~group
        unused[seed] = False
    return labels


def seed_pair(height: int, width: int, num_objects: int) -> tuple[Case, Case]:
    """A position that points at the object's centre and eight features; seeds are low where objects meet."""
    centers, objects = object_map(height, width, num_objects)
    generator = np.random.default_rng(1)
    features = embedded(height, width, num_objects) / 10
    places = np.moveaxis(centers[objects] / 64.0, 2, 0) + generator.normal(0, 0.1, (2, height, width))
    embeddings = np.concatenate([places, features]).astype(np.float32)
    edge = (objects != np.roll(objects, 2, axis=1)) | (objects != np.roll(objects, 2, axis=0))
    seeds = np.where(edge, 0.3, generator.uniform(0.6, 1, objects.shape)).astype(np.float32)
    log_lambda = np.full(objects.shape, np.log(4.0), np.float32)
    points = embeddings.reshape(len(embeddings), -1).T.copy()
    foreground = np.ones(objects.shape, bool)
    return (
        lambda: plain_seed_decoding(points, seeds.ravel(), np.exp(log_lambda.ravel())),
        lambda: seed_decoding(embeddings, seeds, log_lambda, foreground=foreground),
    )


def plain_seed_decoding(points: np.ndarray, seeds: np.ndarray, lambdas: np.ndarray) -> np.ndarray:
    unused, labels = np.ones(len(points), bool), np.zeros(len(points), np.int32)
    while unused.sum() >= 8:
        seed = int(np.where(unused, seeds, -1).argmax())
        if seeds[seed] < 0.5:
            break
        around = np.exp(-lambdas[seed] * ((points - points[seed]) ** 2).sum(1)) > 0.5
        free = around & unused
        if around.sum() >= 8 and 2 * free.sum() > around.sum():
            labels[free] = labels.max() + 1
        unused &= ~around
        unused[seed] = False
    return labels


def scikit_learn_pair() -> tuple[Case, Case]:
    from sklearn.cluster import MeanShift  # pyright: ignore[reportMissingImports]

    embeddings = embedded(100, 100, 10)
    points = np.ascontiguousarray(embeddings.reshape(DIMS, -1).T)
    foreground = np.ones((100, 100), bool)
    return (
        lambda: MeanShift(bandwidth=BANDWIDTH, bin_seeding=True, min_bin_freq=10).fit_predict(points),
        lambda: mean_shift(embeddings, foreground, bandwidth=BANDWIDTH, min_points=10),
    )


def embedded(height: int, width: int, num_objects: int) -> np.ndarray:
    """One noisy centre an object, at least 3 apart, and mixtures of two where objects meet."""
    generator = np.random.default_rng(0)
    means: list[np.ndarray] = []
    while len(means) < num_objects:
        point = generator.normal(0, 3, DIMS)
        if all(np.linalg.norm(point - other) >= 3 for other in means):
            means.append(point)
    _, objects = object_map(height, width, num_objects)
    second = np.roll(objects, 2, axis=1)
    share = np.where(objects == second, 1.0, generator.uniform(0, 1, objects.shape))[..., None]
    values = share * np.array(means)[objects] + (1 - share) * np.array(means)[second]
    values += generator.normal(0, NOISE, values.shape)
    return np.ascontiguousarray(values.transpose(2, 0, 1), np.float32)


def object_map(height: int, width: int, num_objects: int) -> tuple[np.ndarray, np.ndarray]:
    """Random centres, and the nearest one's number at each pixel."""
    centers = np.random.default_rng(0).integers(0, [height, width], (num_objects, 2))
    rows, cols = np.mgrid[:height, :width]
    nearest, objects = np.full((height, width), np.inf), np.zeros((height, width), np.int64)
    for i, (row, col) in enumerate(centers):
        distance = (rows - row) ** 2 + (cols - col) ** 2
        objects[distance < nearest] = i
        nearest = np.minimum(nearest, distance)
    return centers, objects


PAIRS: dict[str, Callable[[], tuple[Case, Case]]] = {
    "centres, 256x512, 10 objects": lambda: center_pair(256, 512, 10),
    "centres, 256x512, 50 objects": lambda: center_pair(256, 512, 50),
    "centres, 1024x2048, 10 objects": lambda: center_pair(1024, 2048, 10),
    "centres, 1024x2048, 50 objects": lambda: center_pair(1024, 2048, 50),
    "mean shift, 256x512, 10 objects": lambda: mean_shift_pair(10),
    "mean shift, 256x512, 50 objects": lambda: mean_shift_pair(50),
    "seeds, 256x512, 50 objects": lambda: seed_pair(256, 512, 50),
    "seeds, 1024x2048, 50 objects": lambda: seed_pair(1024, 2048, 50),
    "mean shift, 10,000 points, scikit-learn": scikit_learn_pair,
}

if __name__ == "__main__":
    main()
