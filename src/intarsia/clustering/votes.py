"""The category of each instance by the vote of its pixels."""

from __future__ import annotations

import numpy as np
from jaxtyping import Int, Int32, Int64, Shaped

import intarsia._native as _native
from intarsia._check import fail
from intarsia.categories import VOID_INDEX


def majority_vote(
    instances: Int[np.ndarray, "h w"], semantic: Shaped[np.ndarray, ...], *, void: int = VOID_INDEX
) -> Int64[np.ndarray, " n"]:
    """The most frequent category index among each instance's pixels; of equally frequent ones the lowest.

    Source: Yang et al. 2019, "DeeperLab", section 3.3.

    Args:
        instances: 0 for none, 1 to n.
        semantic: Int `h w` category indices, or Float `k h w` logits, whose largest is the pixel's vote.
        void: Index that has no vote.

    Returns:
        The category index of instance 1, 2, ... up to the largest in the map; `void` where none has a vote.

    Raises:
        ValueError: If the sizes differ.

    Example:
        >>> instances = np.array([[0, 1, 1, 1, 3]])
        >>> majority_vote(instances, np.array([[9, 4, 7, 7, 255]])).tolist()
        [7, 255, 255]
    """
    if semantic.shape[-2:] != instances.shape or semantic.ndim not in (2, 3):
        fail("semantic", f"of size {instances.shape} like `instances`", semantic.shape)
    labels = semantic.argmax(0) if semantic.ndim == 3 else semantic
    pairs = _native.count_id_pairs(_flat(instances), _flat(labels))  # instance, category, pixels
    num_instances = int(pairs[:, 0].max(initial=0))
    pairs = pairs[(pairs[:, 0] > 0) & (pairs[:, 1] != void)]
    rising = pairs[np.lexsort((-pairs[:, 1], pairs[:, 2]))]  # the last one written wins
    winners = np.full(num_instances, void, np.int64)
    winners[rising[:, 0] - 1] = rising[:, 1]
    return winners


def _flat(ids: np.ndarray) -> Int32[np.ndarray, " n"]:
    return np.ascontiguousarray(ids, np.int32).reshape(-1)
