"""Nuclei in a microscope picture, from affinities that nothing was trained for.

    python examples/instances_from_affinities.py [IMAGE] [OUT.png]

Two classes: bright things that may be split, and dark ground that may not. Node costs come from the
logarithm of the brightness, edge costs from how far it dips on the way between two pixels: where it does, a
border is likely.
"""

import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from intarsia.cut import Greedy, GridProblem, solve

PHOTO = Path(__file__).parent / "photos" / "nuclei.tif"
OFFSETS = [(0, 1), (1, 0), (0, 10), (10, 0), (10, 10), (10, -10)]


def blurred(image: np.ndarray, radius: int) -> np.ndarray:
    """The mean over a square window, by sums of sums."""
    padded = np.pad(image, (radius + 1, radius), mode="edge").cumsum(0).cumsum(1)
    side = 2 * radius + 1
    return (
        padded[side:, side:] - padded[:-side, side:] - padded[side:, :-side] + padded[:-side, :-side]
    ) / side**2


def affinities(level: np.ndarray, rows: int, columns: int) -> np.ndarray:
    """Near pixels are alike; far ones, where both are bright, unless it is darker between them."""
    reach = max(abs(rows), abs(columns))
    way = [np.roll(level, (-rows * t // reach, -columns * t // reach), (0, 1)) for t in range(reach + 1)]
    if reach == 1:
        return 1.0 - 3 * np.abs(way[0] - way[1])
    ends = np.minimum(way[0], way[-1])
    return np.where(ends > 0, 0.2 - 15 * (ends - np.minimum.reduce(way)), 0)


with Image.open(sys.argv[1] if len(sys.argv) > 1 else PHOTO) as photo:
    grey = np.asarray(photo if photo.mode.startswith("I") else photo.convert("L"), np.float64)
level = blurred(np.log(blurred(grey, 1) + 5), 2)
level -= np.median(level) + 0.3  # most of the picture is ground
brightness = 8 * level
node_costs = np.stack([np.maximum(-brightness, 0), np.maximum(brightness, 0)]).astype(np.float32)
affinity_costs = np.stack([affinities(level, *offset) for offset in OFFSETS]).astype(np.float32)

cut = solve(GridProblem(node_costs, affinity_costs, OFFSETS, [True, False]), solver=Greedy(min_size=40))
is_thing = cut.labels == 0
things = np.unique(cut.clusters[is_thing])
height, width = grey.shape
print(f"{len(things)} things in {height}x{width} pixels, {1000 * cut.stats.seconds:.0f} ms")

if len(sys.argv) > 2:
    colors = np.random.default_rng(1).uniform(0.2, 1, (int(cut.clusters.max()) + 1, 3))
    shown = np.clip(level - level.min(), 0, np.percentile(level - level.min(), 99.5))
    shown /= shown.max()
    overlay = 0.5 * shown[..., None] + 0.5 * np.where(is_thing[..., None], colors[cut.clusters], 0)
    figure, axes = plt.subplots(1, 2, figsize=(10, 5), layout="constrained")
    axes[0].imshow(shown, cmap="gray")
    axes[1].imshow(overlay)
    for axis in axes:
        axis.axis("off")
    figure.savefig(sys.argv[2], dpi=110)
