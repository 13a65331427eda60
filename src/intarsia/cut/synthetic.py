"""Cut problems like those of a panoptic network, from a drawn scene: for pictures and measurements."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from intarsia.cut.grid import GridProblem
from intarsia.cut.offsets import pair_slices

_DISTANCES = (1, 4, 16, 32, 64, 128)


def synthetic_problem(
    height: int, width: int, *, num_classes: int = 19, noise: float = 1.0, seed: int = 0
) -> tuple[GridProblem, Int[np.ndarray, "h w"]]:
    """A scene of regions and overlapping discs, seen by an imagined network that is unsure.

    The first two fifths of the classes are things (splittable), the rest stuff. Costs are negative logits:
    smooth errors of classes, soft borders in the affinities, independent noise on every edge; edges go down
    and right to 1, 4, 16, 32, 64 and 128 pixels, as in the COPS paper, as far as the image reaches.

    Args:
        height: Of the scene, in pixels.
        width: Of the scene, in pixels.
        noise: 0 for a network that is always right; 1 is moderate, 2 hard.
        num_classes: Of which the first two fifths can be split; 19, as Cityscapes has.
        seed: Fixes the scene and its noise; the same numbers give the same problem on every machine.

    Returns:
        The problem, and the scene: the class of stuff pixels, 1000 and more for the discs.

    Example:
        >>> problem, scene = synthetic_problem(16, 24, num_classes=5)
        >>> problem.shape, problem.splittable.tolist(), scene.shape
        ((16, 24), [True, True, False, False, False], (16, 24))
    """
    # the truth
    random = np.random.default_rng(seed)
    splittable = np.arange(num_classes) < max(1, 2 * num_classes // 5)
    scene, class_of = _scene(height, width, splittable, random)
    classes = class_of[scene]
    # classes are mistaken in patches of some pixels
    node_costs = np.empty((num_classes, height, width), np.float32)
    for k in range(num_classes):
        node_costs[k] = 5.0 * (classes != k) + 2.0 * noise * _smooth(random, height, width, 8)
    node_costs -= node_costs.min(axis=0)
    # affinities are mistaken in patches, too, and each pair by itself
    offsets = [(d, 0) for d in _DISTANCES if d < height] + [(0, d) for d in _DISTANCES if d < width]
    affinity_costs = np.zeros((len(offsets), height, width), np.float32)
    for costs, offset in zip(affinity_costs, offsets, strict=True):
        first, second = pair_slices((height, width), offset)
        same = scene[first] == scene[second]
        error = 0.7 * _smooth(random, same.shape[0], same.shape[1], 6) + random.normal(size=same.shape)
        costs[first] = np.where(same, 3.0, -3.0) + 1.2 * noise * error
    names = np.where(splittable[classes], 1000 + scene, classes)
    return GridProblem(node_costs, affinity_costs, offsets, splittable), names


def _scene(
    height: int, width: int, splittable: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The region of each pixel, and the class of each region: cells of stuff, then discs of things."""
    # cells around some centres, with borders that are not straight
    things, stuff = np.flatnonzero(splittable), np.flatnonzero(~splittable)
    rows, cols = np.mgrid[:height, :width] / height
    num_cells, num_discs = 6, 22
    centers = random.uniform(size=(num_cells, 2)) * (1, width / height)
    wobble = 0.05 * _smooth(random, height, width, max(4, height // 8))
    far = [(rows + wobble - r) ** 2 + (cols + wobble - c) ** 2 for r, c in centers]
    scene = np.argmin(far, axis=0)
    background = random.choice(stuff if len(stuff) else things, num_cells)
    # discs, each over those before
    for disc in range(num_discs):
        row, col = random.uniform(size=2) * (1, width / height)
        radius = random.uniform(0.03, 0.12)
        stretch = random.uniform(0.6, 1.6)
        scene[stretch * (rows - row) ** 2 + (cols - col) ** 2 / stretch < radius**2] = num_cells + disc
    kinds = random.choice(things, max(1, min(3, len(things))), replace=False)
    return scene, np.concatenate([background, random.choice(kinds, num_discs)])


def _smooth(random: np.random.Generator, height: int, width: int, scale: int) -> Float[np.ndarray, "h w"]:
    """Noise of unit variance on a coarse grid, interpolated: it varies over about `scale` pixels."""
    rows, cols = np.arange(height) / scale, np.arange(width) / scale
    coarse = random.normal(size=(int(rows[-1]) + 2, int(cols[-1]) + 2))
    r, c = rows.astype(int), cols.astype(int)
    down, right = (rows - r)[:, None], (cols - c)[None]
    above = coarse[r][:, c] * (1 - right) + coarse[r][:, c + 1] * right
    below = coarse[r + 1][:, c] * (1 - right) + coarse[r + 1][:, c + 1] * right
    return 1.5 * (above * (1 - down) + below * down)
