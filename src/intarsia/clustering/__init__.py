"""Grouping of pixels: mean shift in embedding space."""

import numpy as np
from jaxtyping import Bool, Float, Int32

from intarsia._check import fail, nearest


def resolve_bandwidth(bandwidth: str | float, *, delta_v: float, delta_d: float) -> float:
    """A radius from its preset, "delta_v", "2delta_v" or "delta_d", or from the number itself."""
    presets = {"delta_v": delta_v, "2delta_v": 2 * delta_v, "delta_d": delta_d}
    if isinstance(bandwidth, str) and bandwidth not in presets:
        fail("bandwidth", "a preset or a number", repr(bandwidth), hint=nearest(bandwidth, presets))
    return presets[bandwidth] if isinstance(bandwidth, str) else float(bandwidth)


def mean_shift(
    embeddings: Float[np.ndarray, "d h w"],
    foreground: Bool[np.ndarray, "h w"],
    *,
    bandwidth: float,
    min_size_px: int = 1,
) -> Int32[np.ndarray, "h w"]:
    """Clusters of the foreground numbered from 1, by flat-kernel mean shift on the pixels still free."""
    points = embeddings[:, foreground].T  # n d
    label = np.zeros(len(points), np.int32)
    count = 0
    while (free := np.flatnonzero(label == 0)).size:
        mean = points[free[0]]
        near = free[:1]
        for _ in range(50):
            near = free[np.square(points[free] - mean).sum(axis=1) < bandwidth**2]
            if not len(near) or np.abs(points[near].mean(axis=0) - mean).max() < 1e-4:
                break
            mean = points[near].mean(axis=0)
        count += 1
        label[near if len(near) else free[:1]] = count
    kept = np.bincount(label, minlength=count + 1) >= min_size_px
    kept[0] = False
    labels = np.zeros(foreground.shape, np.int32)
    labels[foreground] = (np.cumsum(kept) * kept)[label]
    return labels


def assign_to_centers(
    embeddings: Float[np.ndarray, "d h w"],
    foreground: Bool[np.ndarray, "h w"],
    centers: Float[np.ndarray, "n d"],
    *,
    bandwidth: float,
) -> Int32[np.ndarray, "h w"]:
    """The nearest centre of each foreground pixel, numbered from 1; 0 where none is within the bandwidth."""
    points = embeddings[:, foreground].T  # n d
    distance = np.stack([np.square(points - center).sum(axis=1) for center in centers])
    nearest_center = np.where(distance.min(axis=0) < bandwidth**2, distance.argmin(axis=0) + 1, 0)
    labels = np.zeros(foreground.shape, np.int32)
    labels[foreground] = nearest_center
    return labels
