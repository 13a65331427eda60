"""A picture seen at several scales and cut once: what a network says of each, on one grid, with all pairs.

Enlarged k times, a pair d points apart is one d / k apart in the picture as it is: a network that knows pairs
1, 4 and 10 apart knows some 2 and 5 apart as well, and what it knows of a point it says k^2 times. One cut
weighs all. Source: ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np
from jaxtyping import Float32

from intarsia._check import fail

__all__ = [
    "ONE_LOOK",
    "Looks",
    "Merge",
    "Offsets",
    "Scales",
    "block_mean",
    "merged_looks",
    "offsets_at_scales",
]

Offsets: TypeAlias = tuple[tuple[int, int], ...]
"""(rows, columns) on the grid from a point to its neighbour."""

Scales: TypeAlias = tuple[int, ...]
"""How many times larger each look sees a picture: powers of 2, so that grids and tiles fit each other."""

ONE_LOOK: Scales = (1,)
"""One look, at the picture's own size."""

Looks: TypeAlias = Mapping[int, Mapping[str, np.ndarray]]
"""What a network says of one picture at each scale, on the grid of the picture as it is."""

Merge: TypeAlias = Callable[[Looks], Mapping[str, np.ndarray]]
"""From looks to one answer on the grid of the picture as it is."""


def offsets_at_scales(offsets: Offsets, scales: Scales) -> Offsets:
    """The pairs that looks at these scales know, on the grid of the picture as it is, each once.

    Of a look at k times the size those count whose offset is a multiple of k: others end between points.

    Args:
        offsets: Of the network.
        scales: Of the looks.

    Raises:
        ValueError: A look would tell of no pair.

    Example:
        >>> offsets_at_scales(((1, 0), (0, 1), (4, 0), (0, 4)), (1, 2))
        ((1, 0), (0, 1), (4, 0), (0, 4), (2, 0), (0, 2))
    """
    distinct: dict[tuple[int, int], None] = {}
    for scale in scales:
        pairs = [offset for _, offset in _pairs_at(offsets, scale)]
        if not pairs:
            distances = sorted({max(map(abs, offset)) for offset in offsets})
            hint = f"The grid distances of its pairs are {', '.join(map(str, distances))}."
            fail("scales", "numbers that divide a distance between pairs of this model", scale, hint=hint)
        distinct |= dict.fromkeys(pairs)
    return tuple(distinct)


def merged_looks(looks: Looks, offsets: Offsets) -> dict[str, np.ndarray]:
    """One answer of looks at several scales: the mean over the looks, and the pairs of all.

    Costs of pairs are divided by the number of all looks, also of pairs that not every look knows, so that
    one more look leaves the weight of pairs beside categories about as it was.

    Args:
        looks: Each with `node_costs`, `semantic_logits` and `affinity_costs`, on the grid of the picture as
            it is; by scale.
        offsets: From the first point to the second on the grid of a look, of each channel of its
            `affinity_costs`.

    Returns:
        The same names, `affinity_costs` of `offsets_at_scales`.

    Example:
        >>> once = dict.fromkeys(("node_costs", "semantic_logits", "affinity_costs"), np.ones((1, 2, 2)))
        >>> twice = {name: 2 * array for name, array in once.items()}
        >>> merged = merged_looks({1: once, 2: twice}, ((0, 2),))
        >>> merged["node_costs"][0, 0].tolist(), merged["affinity_costs"][:, 0, 0].tolist()
        ([1.5, 1.5], [0.5, 1.0])
    """
    share = np.float32(1 / len(looks))
    names = ("node_costs", "semantic_logits")
    means = {name: np.mean([look[name] for look in looks.values()], axis=0) for name in names}
    pairs = list(offsets_at_scales(offsets, tuple(looks)))
    like = means["node_costs"]
    costs = np.zeros((*like.shape[:-3], len(pairs), *like.shape[-2:]), np.float32)
    for scale, look in looks.items():
        for number, offset in _pairs_at(offsets, scale):
            costs[..., pairs.index(offset), :, :] += share * look["affinity_costs"][..., number, :, :]
    return means | {"affinity_costs": costs}


def block_mean(array: Float32[np.ndarray, "*c kh kw"], side: int) -> Float32[np.ndarray, "*c h w"]:
    """The mean over blocks of so many points a side, which divides the last two lengths.

    Of a plane of costs of pairs that end in other blocks, those from all points of a block to the points at
    the same places of another one.

    Example:
        >>> block_mean(np.arange(8, dtype=np.float32).reshape(2, 4), 2).tolist()
        [[2.5, 4.5]]
    """
    total = sum(array[..., row::side, column::side] for row, column in np.ndindex(side, side))
    return np.asarray(total, np.float32) / np.float32(side**2)


def _pairs_at(offsets: Sequence[tuple[int, int]], scale: int) -> list[tuple[int, tuple[int, int]]]:
    """The number and the offset in the picture of each pair that ends on the grid."""
    return [
        (number, (down // scale, right // scale))
        for number, (down, right) in enumerate(offsets)
        if down % scale == 0 and right % scale == 0
    ]
