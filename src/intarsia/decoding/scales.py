"""A picture seen at several scales and cut once: what a network says of each, on one grid, with all pairs.

Enlarged k times, a pair d points apart is one d / k apart in the picture as it is: a network that knows pairs
1, 4 and 10 apart knows some 2 and 5 apart as well, and what it knows of a point it says k^2 times. One cut
weighs all. Source: ours.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import numpy as np

from intarsia._check import fail

__all__ = ["ONE_LOOK", "Looks", "Merge", "Offsets", "Scales", "merged_looks", "offsets_at_scales"]

Offsets: TypeAlias = tuple[tuple[int, int], ...]
"""(rows, columns) on the grid from a point to its neighbour."""

Scales: TypeAlias = tuple[int, ...]
"""By what a picture is enlarged for each look at it: whole numbers, so that grids lie upon each other."""

ONE_LOOK: Scales = (1,)
"""One look, at the picture's own size."""

Looks: TypeAlias = Mapping[int, Mapping[str, np.ndarray]]
"""What a network says of one picture or batch, by the scale at which it sees it."""

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
    """What looks at several scales say of one grid: the mean over looks, and of each over its k x k points.

    Costs of pairs are divided by the number of all looks, also of pairs that not every look knows, so that
    one more look leaves the weight of pairs beside categories about as it was.

    Args:
        looks: By scale, each with `node_costs`, `semantic_logits` and `affinity_costs`; the rows and columns
            that they end in are k times those at scale 1.
        offsets: From the first point to the second, of each channel of the looks' `affinity_costs`.

    Returns:
        The same names, `affinity_costs` of `offsets_at_scales`.

    Example:
        >>> planes = {name: np.ones((1, 2, 2)) for name in ("node_costs", "semantic_logits")}
        >>> once = planes | {"affinity_costs": np.full((1, 2, 2), 3.0)}
        >>> twice = {name: 2 * array.repeat(2, 1).repeat(2, 2) for name, array in once.items()}
        >>> merged = merged_looks({1: once, 2: twice}, ((0, 2),))
        >>> merged["node_costs"][0, 0].tolist(), merged["affinity_costs"][:, 0, 0].tolist()
        ([1.5, 1.5], [1.5, 3.0])
    """
    share = np.float32(1 / len(looks))
    on_grid = {
        scale: {name: _block_mean(array, scale) for name, array in look.items()}
        for scale, look in looks.items()
    }
    means = {
        name: share * sum(look[name] for look in on_grid.values())
        for name in ("node_costs", "semantic_logits")
    }
    of_pairs: dict[tuple[int, int], np.ndarray] = {}
    for scale, look in on_grid.items():
        for number, offset in _pairs_at(offsets, scale):
            costs = share * look["affinity_costs"][..., number, :, :]
            of_pairs[offset] = of_pairs[offset] + costs if offset in of_pairs else costs
    return means | {"affinity_costs": np.stack(list(of_pairs.values()), axis=-3)}


def _pairs_at(offsets: Sequence[tuple[int, int]], scale: int) -> list[tuple[int, tuple[int, int]]]:
    """The number and the offset in the picture of each pair that ends on the grid."""
    return [
        (number, (down // scale, right // scale))
        for number, (down, right) in enumerate(offsets)
        if down % scale == 0 and right % scale == 0
    ]


def _block_mean(array: np.ndarray, side: int) -> np.ndarray:
    """The mean over blocks of so many points a side."""
    total = sum(array[..., row::side, column::side] for row, column in np.ndindex(side, side))
    return np.asarray(total, np.float32) / np.float32(side**2)
