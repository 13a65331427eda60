"""From a category for each pixel and numbered things to a panoptic map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Float64, Int32, Int64, Integer

from intarsia._check import fail
from intarsia.decoding.upsampling import upsampled_labels
from intarsia.panoptic import VOID_INDEX, Categories, PanopticMap, Segment

__all__ = ["Thing", "Thresholds", "assembled", "assembled_from_grid"]


@dataclass(frozen=True, kw_only=True)
class Thresholds:
    """From which size and score on segments stay; the settings of every decoder that groups have these, too.

    What a score means differs from method to method and from model to model, so the best ones are found for
    a trained model: `intarsia evaluate --also scores` says them, as `intarsia.metrics.ScoreCurves`.

    Attributes:
        min_thing_px: Things with fewer pixels of the image are dropped; 32 are two points of the usual grid.
        min_stuff_px: Stuff with fewer pixels of the image is dropped; 1024, a square of 32.
        min_score: Things of a lower score, in [0, 1], are dropped; 0 keeps all.
        category_score: The same for each category, in the place of `min_score`; those of stuff count for
            nothing. Empty: `min_score` for all.
    """

    group: ClassVar[str] = "decoding"  # where a recipe has them, for messages
    min_thing_px: int = 32
    min_stuff_px: int = 1024
    min_score: float = 0.0
    category_score: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.min_score <= 1:
            fail(f"{self.group}.min_score", "in [0, 1]", self.min_score)
        if not all(0 <= score <= 1 for score in self.category_score):
            fail(f"{self.group}.category_score", "scores in [0, 1]", self.category_score)

    def least_px(self, categories: Categories) -> Int64[np.ndarray, " k"]:
        """The size of each category, 1 and more."""
        return np.where(categories.is_thing, max(self.min_thing_px, 1), max(self.min_stuff_px, 1))

    def least_score(self, categories: Categories) -> Float64[np.ndarray, " k"]:
        """The lowest score of each category that stays; stuff always does.

        Raises:
            ValueError: `category_score` is for another number of categories.
        """
        if len(self.category_score) not in (0, len(categories)):
            expected = f"a score for each of {len(categories)} categories"
            fail(f"{self.group}.category_score", expected, len(self.category_score))
        return np.where(categories.is_thing, np.array(self.category_score or self.min_score), 0.0)


KEEP_ALL = Thresholds(min_thing_px=1, min_stuff_px=1)


@dataclass(frozen=True, slots=True)
class Thing:
    """One instance that grouping found: what it shows, and how sure that is.

    Attributes:
        category_index: Row of its category.
        score: How sure it is, in no unit; 1 where grouping does not say.
    """

    category_index: int
    score: float = 1.0


def assembled(
    semantic: Integer[np.ndarray, "h w"],
    instances: Int32[np.ndarray, "h w"],
    things: Sequence[Thing],
    *,
    categories: Categories,
    thresholds: Thresholds = KEEP_ALL,
) -> PanopticMap:
    """The panoptic map of instances over stuff; what is too small or too doubtful becomes void.

    Args:
        semantic: The category index of each pixel, 255 for void; used where there is no instance.
        instances: 0 for none, else the number of the thing, from 1 in the order of `things`.
        things: What each instance is; one of category index 255 is nothing.
        categories: What the category indices mean.
        thresholds: From which size and score on instances and stuff categories stay; by default all do.

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
    # a slot a thing, then one a stuff category; slot 0 is void
    slot_of_category = np.zeros(VOID_INDEX + 1, np.int32)
    stuff = np.flatnonzero(~categories.is_thing)
    slot_of_category[stuff] = np.arange(len(things) + 1, len(things) + 1 + len(stuff))
    slots = np.where(instances > 0, instances, slot_of_category[semantic])
    areas = np.bincount(slots.ravel(), minlength=1 + len(things) + len(stuff))
    candidates = [*things, *(Thing(int(index)) for index in stuff)]
    # what is large and sure enough stays; a thing of the void index, as a centre without points is, does not
    category_of_slot = np.array([candidate.category_index for candidate in candidates], np.int64)
    scores = np.array([candidate.score for candidate in candidates])
    is_known = category_of_slot < len(categories)
    row = np.where(is_known, category_of_slot, 0)
    is_large = areas[1:] >= thresholds.least_px(categories)[row]
    is_sure = scores >= thresholds.least_score(categories)[row]
    staying = 1 + np.flatnonzero(is_known & is_large & is_sure)
    visible = [candidates[slot - 1] for slot in staying]
    # those that stay are numbered without gaps
    id_of_slot = np.zeros(len(areas), np.int32)
    id_of_slot[staying] = np.arange(1, len(staying) + 1)
    return PanopticMap(
        id_of_slot[slots],
        [
            Segment(n, categories[thing.category_index].id, thing.score)
            for n, thing in enumerate(visible, start=1)
        ],
    )


def assembled_from_grid(
    labels: Int32[np.ndarray, "hs ws"],
    things: Sequence[Thing],
    pixels: Integer[np.ndarray, "h w"],
    *,
    categories: Categories,
    stride: int,
    thresholds: Thresholds,
) -> PanopticMap:
    """As `assembled`, where instances are known on a grid: every pixel of a thing joins one near it.

    Args:
        labels: On the grid, 0 for none, else the number of the thing.
        things: What each instance is.
        pixels: The category index of each pixel of the image.
        categories: What the category indices mean.
        stride: Pixels between neighbours on the grid.
        thresholds: From which size and score on segments stay.
    """
    instances = upsampled_labels(
        labels,
        np.array([0] + [1] * len(things), np.uint8),
        categories.is_thing.astype(np.uint8)[pixels],
        free=np.array([0], np.uint8),
        stride=stride,
    )
    return assembled(pixels, instances, things, categories=categories, thresholds=thresholds)
