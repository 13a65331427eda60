"""Seed decoding: each seed takes the pixels within the margin that it predicts for itself."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int, Int32

import intarsia._native as _native
from intarsia._check import check_least, fail
from intarsia.clustering.foreground import foreground_columns

HALF = math.log(2.0)
"""λ d^2 at which a membership is one half: the margin is sqrt(HALF / λ) = 1.17741 σ."""


@dataclass(frozen=True, slots=True)
class SeedGroups:
    """Instances from seeds; instance i + 1 has centre i. The highest seed comes first."""

    instances: Int32[np.ndarray, "h w"]  # 0 for none
    centers: Float32[np.ndarray, "n d"]
    log_lambda: Float32[np.ndarray, " n"]
    scores: Float32[np.ndarray, " n"]  # the value of the seed


def seed_decoding(
    embeddings: Float[np.ndarray, "d h w"],
    seeds: Float[np.ndarray, ...],
    log_lambda: Float[np.ndarray, ...],
    *,
    foreground: Bool[np.ndarray, ...],
    threshold: float = 0.5,
    min_points: int = 8,
    refinements: int = 0,
    patience: int = 500,
) -> SeedGroups:
    """Instances one after the other, each around the highest seed that is left.

    A seed takes the foreground with φ = exp(-λ |e - e_seed|^2) > 1/2, its own λ: the ball of 1.17741 σ. That
    is an instance if it has `min_points` points and more than half of them are unused; they are used up
    either way. There is no limit to the number of instances. Native, on one thread, with the interpreter lock
    released; pixels near each other in the embedding space are kept together, so a seed looks at few of them.

    Source: Neven et al. 2019, released code; that a seed need not be rejected twice (`patience` instead of a
    limit), and the refinement, are ours.

    Args:
        embeddings: One embedding a pixel.
        seeds: Float `h w`, how good a seed each pixel is.
        log_lambda: Float `h w`, logarithm of λ = 1 / (2 σ^2).
        foreground: Bool `h w`, the pixels to group.
        threshold: Least value of a seed, in [0, 1]; from one half on a pixel is rather a seed than none.
        min_points: Least number of points of the given map within a margin, at least 1; 8, between the 4 and
            16 that `intarsia ablate hle` compares it with.
        refinements: How often a centre moves to the φ-weighted mean of what is within the margin; 0 leaves it
            at the seed.
        patience: Consecutive seeds without a new instance that end the search.

    Returns:
        The instances, none where no seed reaches the threshold.

    Raises:
        ValueError: If sizes differ, a value in the foreground is not finite, or an option is out of range.

    Example:
        >>> line = np.array([[[0.0, 0.5, 5.0, 5.5]]])
        >>> seeds, everywhere = np.array([[0.6, 0.9, 0.7, 0.2]]), np.ones((1, 4), bool)
        >>> seed_decoding(line, seeds, np.zeros((1, 4)), foreground=everywhere, min_points=2).instances
        array([[1, 1, 2, 2]], dtype=int32)
    """
    for name, value in (("min_points", min_points), ("patience", patience)):
        check_least(name, value, 1)
    check_least("refinements", refinements, 0)
    columns = foreground_columns(embeddings, foreground)
    labels, centers, lambdas, scores = _native.decode_seeds(
        columns,
        _inside("seeds", seeds, foreground),
        np.exp(_inside("log_lambda", log_lambda, foreground)),
        threshold,
        min_points,
        refinements,
        patience,
    )
    return SeedGroups(
        instances=_place(labels, foreground), centers=centers, log_lambda=np.log(lambdas), scores=scores
    )


def assign_by_membership(
    embeddings: Float[np.ndarray, "d h w"],
    centers: Float[np.ndarray, ...],
    log_lambda: Float[np.ndarray, " n"],
    *,
    foreground: Bool[np.ndarray, ...],
    least: float = 0.5,
    categories: tuple[Int[np.ndarray, ...], Int[np.ndarray, ...]] | None = None,
) -> Int32[np.ndarray, "h w"]:
    """Give each foreground pixel to the known centre of which it is most likely a member.

    With the centres of an earlier frame it carries instances through a video without new seeds.

    Source: ours.

    Args:
        embeddings: One embedding a pixel.
        centers: Float `n d`, one embedding a centre.
        log_lambda: Logarithm of λ of each centre.
        foreground: Bool `h w`, the pixels to assign.
        least: A membership exp(-λ |e - μ|^2) that is not enough; 0.5 keeps to the margins.
        categories: Int `h w` and Int `n`: pixels only join centres of their category.

    Returns:
        0 for none, i + 1 for centre i.

    Raises:
        ValueError: If sizes differ, a value is not finite, or `least` is not in (0, 1).

    Example:
        >>> line, everywhere = np.array([[[0.0, 0.5, 5.0]]]), np.ones((1, 3), bool)
        >>> assign_by_membership(line, np.array([[5.5], [0.0]]), np.zeros(2), foreground=everywhere)
        array([[2, 2, 1]], dtype=int32)
    """
    if not 0 < least < 1:
        fail("least", "in (0, 1)", least)
    if centers.ndim != 2 or centers.shape[1] != embeddings.shape[0] or len(centers) != len(log_lambda):
        fail("centers", f"shaped ({len(log_lambda)}, {embeddings.shape[0]})", centers.shape)
    if not (np.isfinite(centers).all() and np.isfinite(log_lambda).all()):
        fail("centers", "finite, with a finite `log_lambda`", "NaN or infinity")
    columns = foreground_columns(embeddings, foreground)
    if categories is None:
        of_pixels, of_centers = np.zeros(columns.shape[1], np.int32), np.zeros(len(centers), np.int32)
    else:
        of_pixels = categories[0][foreground].astype(np.int32)
        of_centers = categories[1].astype(np.int32)
    labels = _native.likeliest_center(
        columns, of_pixels, _array(centers), np.exp(_array(log_lambda)), of_centers, least
    )
    return _place(labels, foreground)


def _inside(name: str, values: np.ndarray, foreground: np.ndarray) -> Float32[np.ndarray, " n"]:
    if values.shape != foreground.shape:
        fail(name, f"{foreground.shape} like `foreground`", values.shape)
    columns = values[foreground].astype(np.float32)
    if not np.isfinite(columns).all():
        fail(name, "finite in the foreground", "NaN or infinity")
    return columns


def _array(values: np.ndarray) -> Float32[np.ndarray, ...]:
    return np.ascontiguousarray(values, np.float32)


def _place(labels: np.ndarray, foreground: np.ndarray) -> Int32[np.ndarray, "h w"]:
    result = np.zeros(foreground.shape, np.int32)
    result[foreground] = labels
    return result
