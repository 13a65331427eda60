"""Embeddings grouped by a cut: near ones attract, far ones repel, and categories are decided with them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float32

from intarsia.cut import GridProblem
from intarsia.cut.offsets import pair_slices
from intarsia.decoding.cut_view import CutView
from intarsia.decoding.softmax import softmax
from intarsia.panoptic import Categories

__all__ = ["embedding_affinities", "embedding_cut_view"]

_LARGEST = 6.0  # log-odds; a pair of equal embeddings is not infinitely sure
_FARTHEST = 20.0  # of the exponent, beyond which log-odds are clipped and powers would overflow


def embedding_affinities(
    embeddings: Float32[np.ndarray, "d h w"],
    offsets: Sequence[tuple[int, int]],
    *,
    radius: float | Float32[np.ndarray, "h w"],
) -> Float32[np.ndarray, "o h w"]:
    """Log-odds that two points are one instance: 0 where their embeddings are `radius` apart.

    The probability is exp(-ln 2 (distance / radius)^2), a Gaussian that is 1/2 at the radius.

    Source: Neven et al. 2019 for the Gaussian; to cut by its log-odds, clipped at 6, is ours.

    Args:
        embeddings: On the grid.
        offsets: (rows, columns) from a point to its neighbour.
        radius: Distance of which nothing can be said; where each point has its own, a pair has their
            geometric mean.

    Returns:
        c_E as `intarsia.cut.GridProblem` takes it; 0 for pairs that leave the grid.

    Example:
        >>> line = np.array([[[0.0, 2.0, 2.0]]], np.float32)
        >>> (embedding_affinities(line, [(0, 1)], radius=2.0).round() + 0.0).tolist()
        [[[0.0, 6.0, 0.0]]]
    """
    height, width = embeddings.shape[1:]
    costs = np.zeros((len(offsets), height, width), np.float32)
    radii = np.broadcast_to(np.asarray(radius, np.float32), (height, width))
    for plane, offset in zip(costs, offsets, strict=True):
        first, second = pair_slices((height, width), offset)
        difference = embeddings[(..., *first)] - embeddings[(..., *second)]  # d h w
        distance = np.square(difference, out=difference).sum(axis=0)
        decay = np.float32(math.log(2)) * distance / (radii[first] * radii[second])
        decay = np.minimum(decay, np.float32(_FARTHEST))
        plane[first] = -np.log(np.maximum(np.expm1(decay), np.float32(1e-6)))
    return costs.clip(-_LARGEST, _LARGEST)


def embedding_cut_view(
    logits: Float32[np.ndarray, "k hs ws"],
    embeddings: Float32[np.ndarray, "d hs ws"],
    size: tuple[int, int],
    *,
    categories: Categories,
    offsets: Sequence[tuple[int, int]],
    radius: float | Float32[np.ndarray, "hs ws"],
    stride: int,
) -> CutView:
    """The cut problem of one image: categories cost their negative logits, pairs what embeddings say.

    Stuff has no embeddings to speak of, so a pair counts as much as both ends are likely to be things.

    Args:
        logits: Of the categories, on the grid.
        embeddings: The network's embedding of each point.
        size: Height and width of the image.
        categories: What the channels of the logits mean.
        offsets: (rows, columns) from a point to its neighbour.
        radius: As in `embedding_affinities`.
        stride: Pixels between neighbours on the grid.
    """
    costs = embedding_affinities(embeddings, offsets, radius=radius)
    is_thing = categories.is_thing
    thing = softmax(logits)[is_thing].sum(axis=0)  # hs ws
    for plane, offset in zip(costs, offsets, strict=True):
        first, second = pair_slices(thing.shape, offset)
        plane[first] *= thing[first] * thing[second]
    return CutView(GridProblem(-logits, costs, offsets, is_thing), logits, size, stride)
