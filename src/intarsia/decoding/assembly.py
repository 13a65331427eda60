"""From a category for each pixel and numbered things to a panoptic map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int32, Integer

from intarsia.panoptic import Categories, PanopticMap, Segment

__all__ = ["Thing", "assembled"]


@dataclass(frozen=True, slots=True)
class Thing:
    """One instance that grouping found: what it shows, and how sure that is."""

    category_index: int
    score: float = 1.0


def assembled(
    semantic: Integer[np.ndarray, "h w"],
    instances: Int32[np.ndarray, "h w"],
    things: Sequence[Thing],
    *,
    categories: Categories,
    min_thing_px: int = 1,
    min_stuff_px: int = 1,
) -> PanopticMap:
    """The panoptic map of instances over stuff; what is too small becomes void.

    Args:
        semantic: The category index of each pixel, 255 for void; used where there is no instance.
        instances: 0 for none, else the number of the thing, from 1 in the order of `things`.
        things: What each instance is.
        categories: What the category indices mean.
        min_thing_px: Instances with fewer pixels are dropped.
        min_stuff_px: Stuff categories with fewer pixels are dropped.

    Returns:
        Segments numbered from 1: the things that stay, then stuff. A pixel that shows a thing category but
        belongs to no instance is void.

    Example:
        >>> from intarsia.panoptic import Category
        >>> car, road = Category(7, "car", True, (0, 0, 0)), Category(9, "road", False, (1, 1, 1))
        >>> semantic, instances = np.array([[0, 0, 1, 1]], np.uint8), np.array([[1, 0, 0, 0]], np.int32)
        >>> assembled(semantic, instances, [Thing(0)], categories=Categories([car, road])).ids
        array([[1, 0, 2, 2]], dtype=int32)
    """
    slot_of_category = np.zeros(256, np.int32)  # 0 is void
    stuff = np.flatnonzero(~categories.is_thing)
    slot_of_category[stuff] = np.arange(len(things) + 1, len(things) + 1 + len(stuff))
    slots = np.where(instances > 0, instances, slot_of_category[semantic])
    areas = np.bincount(slots.ravel(), minlength=1 + len(things) + len(stuff))
    least = np.array([1] + [max(min_thing_px, 1)] * len(things) + [max(min_stuff_px, 1)] * len(stuff))
    large = np.flatnonzero((areas >= least) & (np.arange(len(areas)) > 0))
    candidates = [*things, *(Thing(int(index)) for index in stuff)]
    visible = [candidates[slot - 1] for slot in large]
    id_of_slot = np.zeros(len(areas), np.int32)
    id_of_slot[large] = np.arange(1, len(large) + 1)
    return PanopticMap(
        id_of_slot[slots],
        [
            Segment(n, categories[thing.category_index].id, thing.score)
            for n, thing in enumerate(visible, start=1)
        ],
    )
