"""Embeddings as after training: one noisy centre an object, mixtures where objects meet."""

from __future__ import annotations

import numpy as np


def embedded_objects(
    height: int, width: int, *, num_objects: int, dims: int, noise: float, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings (d h w) and true instances (h w, from 1); centres are at least 3 apart."""
    generator = np.random.default_rng(seed)
    places = generator.uniform(0, 1, (num_objects, 2)) * [height, width]
    rows, cols = np.mgrid[:height, :width]
    objects = ((rows[None] - places[:, :1, None]) ** 2 + (cols[None] - places[:, 1:, None]) ** 2).argmin(0)
    means = np.array(distant_points(generator, num_objects, dims))
    second = np.roll(objects, 2, axis=1)  # another object only near an edge
    share = np.where(objects == second, 1.0, generator.uniform(0.5, 1, objects.shape))[..., None]
    embeddings = share * means[objects] + (1 - share) * means[second]
    embeddings += generator.normal(0, noise, embeddings.shape)
    return embeddings.transpose(2, 0, 1).astype(np.float32), objects + 1


def distant_points(generator: np.random.Generator, num: int, dims: int) -> list[np.ndarray]:
    points: list[np.ndarray] = []
    while len(points) < num:
        point = generator.normal(0, 3, dims)
        if all(np.linalg.norm(point - other) >= 3 for other in points):
            points.append(point)
    return points
