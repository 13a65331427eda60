"""Instances in a photograph, from affinities that nothing was trained for.

    python examples/instances_from_affinities.py [IMAGE] [OUT.png]

Two classes: bright things that may be split, and dark ground that may not. Node costs come from the
brightness, edge costs from how far it dips on the way between two pixels: where it does, a border is likely.
Without an image, the coins that scikit-image ships if that is installed, else a drawing of touching discs.
"""

import importlib.util
import sys

import matplotlib.pyplot as plt
import numpy as np
from PIL import Image

from intarsia.cut import GridProblem, solve


def photograph() -> np.ndarray:
    """Grey values in [0, 1]."""
    if len(sys.argv) > 1:
        return np.asarray(Image.open(sys.argv[1]).convert("L"), np.float32) / 255
    if importlib.util.find_spec("skimage") is None:
        return drawing()
    return importlib.import_module("skimage.data").coins().astype(np.float32) / 255


def drawing(size: int = 192) -> np.ndarray:
    """Discs with soft rims, some touching, under uneven light."""
    random = np.random.default_rng(0)
    rows, cols = np.mgrid[:size, :size]
    image = 0.15 + 0.1 * cols / size
    for row in range(24, size, 36):
        for col in range(24, size, 35):
            distance = np.hypot(rows - row - random.uniform(-3, 3), cols - col - random.uniform(-3, 3))
            image = np.maximum(image, 0.85 / (1 + np.exp((distance - 16) / 1.2)))
    return (image + 0.04 * random.normal(size=image.shape)).astype(np.float32)


def blurred(image: np.ndarray, radius: int) -> np.ndarray:
    """The mean over a square window, by sums of sums."""
    padded = np.pad(image, (radius + 1, radius), mode="edge").cumsum(0).cumsum(1)
    side = 2 * radius + 1
    return (
        padded[side:, side:] - padded[:-side, side:] - padded[side:, :-side] + padded[:-side, :-side]
    ) / side**2


image = photograph()
height, width = image.shape
smooth = blurred(image, 2)
local_level = 0.5 * (blurred(image, min(height, width) // 6) + smooth.mean())
brightness = 12 * (smooth - local_level)
node_costs = np.stack([np.maximum(-brightness, 0), np.maximum(brightness, 0)])  # thing, ground

offsets = [(0, 1), (1, 0), (0, 8), (8, 0), (8, 8), (8, -8)]
affinity_costs = np.zeros((len(offsets), height, width), np.float32)
for costs, (rows, cols) in zip(affinity_costs, offsets, strict=True):
    reach = max(abs(rows), abs(cols))
    ends = np.minimum(smooth, np.roll(smooth, (-rows, -cols), (0, 1)))
    way = [np.roll(smooth, (-rows * t // reach, -cols * t // reach), (0, 1)) for t in range(reach + 1)]
    dip = ends - np.minimum.reduce(way)
    costs[:] = 0.3 - 25 * dip if reach > 1 else 1.0 - 6 * np.abs(way[0] - way[-1])

problem = GridProblem(node_costs, affinity_costs, offsets, [True, False])
cut = solve(problem, min_size=60)
things = np.unique(cut.clusters[cut.labels == 0])
print(f"{len(things)} things in {height}x{width} pixels, {1000 * cut.stats.seconds:.0f} ms")

if len(sys.argv) > 2:
    colors = np.random.default_rng(1).uniform(0.2, 1, (int(cut.clusters.max()) + 1, 3))
    overlay = 0.5 * image[..., None] + 0.5 * np.where((cut.labels == 0)[..., None], colors[cut.clusters], 0)
    figure, axes = plt.subplots(1, 2, figsize=(10, 4.5), layout="constrained")
    axes[0].imshow(image, cmap="gray")
    axes[1].imshow(overlay)
    for axis in axes:
        axis.axis("off")
    figure.savefig(sys.argv[2], dpi=110)
