"""Mean shift: instances from embeddings, without their number, without a limit to it."""

from __future__ import annotations

from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int32

import intarsia._native as _native
from intarsia._check import check_least, fail, nearest
from intarsia.clustering.foreground import foreground_columns


def mean_shift(
    embeddings: Float[np.ndarray, "d h w"],
    foreground: Bool[np.ndarray, ...],
    *,
    bandwidth: float,
    min_points: int,
    seed: int = 0,
    seed_order: Literal["random", "density"] = "random",
    max_iterations: int = 100,
    max_failures: int | None = None,
    patience: int | None = 1000,
    leftover_radius: float | None = None,
) -> Int32[np.ndarray, "h w"]:
    """Group the foreground of one category around the means that a flat kernel climbs to.

    From an unused foreground pixel climb to the mean of the unused pixels within the bandwidth until it rests
    (a step of at most 1e-4). The unused pixels around that mean become an instance, unless half of all pixels
    there belong to one already or they are fewer than `min_points`; either way they are used up. Ends when
    fewer than `min_points` pixels are unused. Native, on one thread, with the interpreter lock released;
    pixels near each other in the embedding space are kept together, so a step looks at few of them.

    Source: De Brabandere, Neven and Van Gool 2017, section 2 ("fast variant of mean-shift"), as in their code
    without its morphological opening. `patience`, leftovers and the density order are ours; so is that a
    group that is too small never counts as an instance in the rule of half.

    Args:
        embeddings: One embedding a pixel.
        foreground: Bool `h w`, the pixels to group.
        bandwidth: Radius of the kernel, more than 0; see `resolve_bandwidth`.
        min_points: Least number of an instance's points on the map that is given, at least 1.
        seed: Decides the random order of the seeds; 0, as every seed will do.
        seed_order: "random", or "density" to begin where the most pixels are near each other.
        max_iterations: Steps after which a seed has failed; 100, a bound on the time alone.
        max_failures: Consecutive failed seeds that end the search; the authors' 20. None does not end it.
        patience: Consecutive seeds without a new instance that end the search: a bound on the time that
            scattered noise may take. None tries all.
        leftover_radius: Foreground pixels of no instance go to the nearest mean within this radius; None
            leaves them at 0.

    Returns:
        0 for none, 1 to n for the instances in the order they were found.

    Raises:
        ValueError: If the foreground has another size, an embedding in it is not finite, or an option is not
            in its range.

    Example:
        >>> embeddings = np.array([[[0.0, 0.1, 5.0, 5.1]]])
        >>> mean_shift(embeddings, np.ones((1, 4), bool), bandwidth=1.0, min_points=2)
        array([[2, 2, 1, 1]], dtype=int32)
    """
    _check_bandwidth(bandwidth)
    for name, value in (("min_points", min_points), ("max_iterations", max_iterations)):
        check_least(name, value, 1)
    if seed_order not in ("random", "density"):
        fail("seed_order", '"random" or "density"', repr(seed_order))
    # only the foreground takes part; the order of seeds is drawn, or left to the density
    columns = foreground_columns(embeddings, foreground)
    num_points = columns.shape[1]
    order = (
        np.random.default_rng(seed).permutation(num_points)
        if seed_order == "random"
        else np.empty(0, np.int64)
    )
    # no limit to failures or patience: more than there are points
    labels, centers = _native.mean_shift(
        columns,
        order,
        bandwidth,
        min_points,
        max_iterations,
        max_failures or num_points + 1,
        patience or num_points + 1,
    )
    # points of no cluster join the nearest mean in reach
    if leftover_radius is not None:
        free = labels == 0
        labels[free] = _native.nearest_center(
            np.ascontiguousarray(columns[:, free]), centers, leftover_radius
        )
    # back to the grid
    result = np.zeros(foreground.shape, np.int32)
    result[foreground] = labels
    return result


def assign_to_centers(
    embeddings: Float[np.ndarray, "d h w"],
    foreground: Bool[np.ndarray, ...],
    centers: Float[np.ndarray, ...],
    *,
    bandwidth: float,
) -> Int32[np.ndarray, "h w"]:
    """Give each foreground pixel to the nearest of known centres within the bandwidth.

    With the true means as centres it tells the error of the embedding from the error of the grouping.

    Source: the authors' code of De Brabandere et al. 2017 (grouping with the truth), with the nearest centre
    where several are within the bandwidth, which is ours.

    Args:
        embeddings: One embedding a pixel.
        foreground: Bool `h w`, the pixels to assign.
        centers: Float `n d`, one embedding a centre.
        bandwidth: Largest distance to a centre, not reached; more than 0.

    Returns:
        0 for none, i + 1 for centre i.

    Raises:
        ValueError: If sizes differ, or a value is not finite.

    Example:
        >>> embeddings, centers = np.array([[[0.0, 0.8, 5.0]]]), np.array([[1.0], [0.0]])
        >>> assign_to_centers(embeddings, np.ones((1, 3), bool), centers, bandwidth=1.0)
        array([[2, 1, 0]], dtype=int32)
    """
    _check_bandwidth(bandwidth)
    if centers.ndim != 2 or centers.shape[1] != embeddings.shape[0]:
        fail("centers", f"shaped (n, {embeddings.shape[0]}), like `embeddings`", centers.shape)
    if not np.isfinite(centers).all():
        fail("centers", "finite", "NaN or infinity")
    columns = foreground_columns(embeddings, foreground)
    result = np.zeros(foreground.shape, np.int32)
    result[foreground] = _native.nearest_center(columns, np.ascontiguousarray(centers, np.float32), bandwidth)
    return result


def resolve_bandwidth(bandwidth: str | float, *, delta_v: float, delta_d: float) -> float:
    """The bandwidth that a preset names, or the number itself.

    "delta_v" holds a cluster seen from its mean if the loss is zero, "2delta_v" seen from any member, and
    "delta_d" (the authors' code) is half the least distance of two means.

    Raises:
        ValueError: If the name is unknown or the number is not positive.

    Example:
        >>> resolve_bandwidth("2delta_v", delta_v=0.5, delta_d=1.5)
        1.0
    """
    if not isinstance(bandwidth, str):
        _check_bandwidth(bandwidth)
        return float(bandwidth)
    presets = {"delta_v": delta_v, "2delta_v": 2 * delta_v, "delta_d": delta_d}
    if bandwidth not in presets:
        fail("bandwidth", "a preset or a number", repr(bandwidth), hint=nearest(bandwidth, presets))
    return presets[bandwidth]


def _check_bandwidth(bandwidth: float) -> None:
    if not 0 < bandwidth < float("inf"):
        fail("bandwidth", "a positive number", bandwidth)
