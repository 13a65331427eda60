"""Maps of blocks of the facades' categories, and what a network may have found of them."""

from __future__ import annotations

import numpy as np

from intarsia.panoptic import PanopticMap, Segment


def random_map(seed: int) -> PanopticMap:
    generator = np.random.default_rng(seed)
    ids = np.kron(generator.integers(0, 6, (4, 5)), np.ones((12, 12), int))
    rows = [(1, 0.5), (1, 0.9), (2, 0.4), (6, 1.0), (7, 1.0)]
    segments = [Segment(n, k, score=s, is_crowd=n == 3) for n, (k, s) in enumerate(rows, start=1)]
    return PanopticMap.keeping_visible(ids, segments)


def found_map(seed: int) -> PanopticMap:
    """The map of this seed with a quarter of its blocks from another one; no crowds."""
    generator = np.random.default_rng(seed)
    other = np.kron(generator.random((4, 5)) < 0.25, np.ones((12, 12), bool))
    ids = np.where(other, random_map(seed + 50).ids, random_map(seed).ids)
    rows = [(1, 0.5), (1, 0.9), (2, 0.4), (6, 1.0), (7, 1.0)]
    return PanopticMap.keeping_visible(ids, [Segment(n, k, score=s) for n, (k, s) in enumerate(rows, 1)])
