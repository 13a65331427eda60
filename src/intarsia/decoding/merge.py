"""The merge by rules: masks by falling score, then stuff where nothing is yet."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from jaxtyping import Bool, Float, Integer

from intarsia._check import fail
from intarsia.decoding.assembly import Thing, Thresholds, assembled
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.detections import Detections
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.upsampling import upsampled_argmax
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["MergeConfig", "MergeDecoder", "masks_in_boxes", "merge_by_rules"]

_BLOCK = 64
"""Boxes whose weights are made together; bounds the memory."""


@dataclass(frozen=True, kw_only=True)
class MergeConfig:
    """Settings of the merge by rules; the defaults are those of detectron2's Panoptic FPN.

    Attributes:
        min_score: Detections of a lower score, in [0, 1], are left out; one half, Panoptic FPN's.
        max_overlap: A detection of which a larger share is taken already is left out; one half, Panoptic
            FPN's.
        min_stuff_px: Stuff with fewer pixels of the image is dropped; 4096, Panoptic FPN's on COCO.
    """

    group: ClassVar[str] = "merge"  # where a recipe has them, for messages
    min_score: float = 0.5
    max_overlap: float = 0.5
    min_stuff_px: int = 4096

    def __post_init__(self) -> None:
        for name in ("min_score", "max_overlap"):
            if not 0 <= getattr(self, name) <= 1:
                fail(f"{self.group}.{name}", "in [0, 1]", getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class MergeDecoder(AbstractDecoder):
    """The merge of `boxes`, `scores`, `categories` and `mask_logits` over `semantic_logits`.

    Attributes:
        merge: From which score, overlap and area on segments stay.
    """

    merge: MergeConfig

    def decode(self, view: ImageView, categories: Categories) -> PanopticMap:
        """Masks by falling score, then stuff where nothing is yet."""
        detections = Detections(view["boxes"], view["scores"], view["categories"], view["mask_logits"])
        return merge_by_rules(
            upsampled_argmax(view["semantic_logits"], *view.size, stride=view.stride),
            detections.within(*view.size),
            self.merge,
            categories=categories,
        )


def merge_by_rules(
    semantic: Integer[np.ndarray, "h w"],
    detections: Detections[np.ndarray],
    config: MergeConfig,
    *,
    categories: Categories,
) -> PanopticMap:
    """The panoptic map of masks over semantics, by the rules of Panoptic FPN.

    From the surest detection on: its mask takes the pixels that are still free, unless more than
    `max_overlap` of it is taken. Then stuff takes what is free where the semantics say so; the rest, and what
    looks like a thing that nobody detected, is void.

    A mask is only ever made inside its box, so that time goes with the boxes' areas.

    Source: Kirillov et al. 2019 (Panoptic FPN); details of detectron2's
    `combine_semantic_and_instance_outputs` and of its pasting: a mask is where the bilinear probability at a
    pixel's middle is at least 1/2.

    Args:
        semantic: Category index of each pixel, 255 for void.
        detections: Of the whole image, with masks.
        config: From which score, overlap and area on segments stay.
        categories: What the category indices mean.

    Raises:
        ValueError: The detections have no masks.

    Example:
        >>> from intarsia.panoptic import Category
        >>> car, road = Category(7, "car", True, (0, 0, 0)), Category(9, "road", False, (1, 1, 1))
        >>> mask, sure = np.full((1, 28, 28), 9.0, np.float32), np.ones(1, np.float32)
        >>> detections = Detections(np.array([[0, 0, 2, 1]], np.float32), sure, np.array([0]), mask)
        >>> semantic = np.array([[1, 1, 0, 1]], np.uint8)
        >>> config, categories = MergeConfig(min_stuff_px=1), Categories([car, road])
        >>> merge_by_rules(semantic, detections, config, categories=categories).ids
        array([[1, 1, 0, 2]], dtype=int32)
    """
    from scipy.special import expit  # slow to import

    if detections.mask_logits is None:
        fail("detections", "with masks", "boxes only", hint="Set detection.masks=true, or take the argmax.")
    instances = np.zeros(semantic.shape, np.int32)
    things: list[Thing] = []
    scores, labels = detections.scores, detections.categories
    # by falling score, each takes what is free of its mask, unless most is taken
    order = np.argsort(-scores, kind="stable")
    order = order[scores[order] >= config.min_score]
    masks, boxes = expit(detections.mask_logits[order]), detections.boxes[order]
    windows = masks_in_boxes(masks, boxes, semantic.shape)
    for n, (rows, columns, mask) in zip(order, windows, strict=True):
        window = instances[rows, columns]
        free = mask & (window == 0)
        area, num_free = np.count_nonzero(mask), np.count_nonzero(free)
        if num_free == 0 or area - num_free > config.max_overlap * area:
            continue
        things.append(Thing(int(labels[n]), float(scores[n])))
        window[free] = len(things)
    thresholds = Thresholds(min_thing_px=1, min_stuff_px=config.min_stuff_px)
    return assembled(semantic, instances, things, categories=categories, thresholds=thresholds)


def masks_in_boxes(
    masks: Float[np.ndarray, "n m m"], boxes: Float[np.ndarray, "n 4"], size: tuple[int, ...]
) -> Iterator[tuple[slice, slice, Bool[np.ndarray, "h w"]]]:
    """For each box its window of the image, and where in it its mask is at least 1/2.

    The window holds the pixels whose middles are in the box.

    Example:
        >>> masks, boxes = np.ones((1, 4, 4), np.float32), np.array([[1.0, 0, 3, 9]])
        >>> [(rows, columns, mask.shape) for rows, columns, mask in masks_in_boxes(masks, boxes, (2, 4))]
        [(slice(0, 2, None), slice(1, 3, None), (2, 2))]
    """
    for first in range(0, len(boxes), _BLOCK):
        block = slice(first, first + _BLOCK)
        left, top, right, bottom = boxes[block].T.astype(np.float64)
        down = _axes(top, bottom, size[0], masks.shape[1])
        across = _axes(left, right, size[1], masks.shape[2])
        for mask, (rows, y), (columns, x) in zip(masks[block], down, across, strict=True):
            yield rows, columns, y @ mask @ x.T >= 0.5


def _axes(
    low: Float[np.ndarray, " n"], high: Float[np.ndarray, " n"], size: int, cells: int
) -> list[tuple[slice, Float[np.ndarray, "_ m"]]]:
    """Pixels between two coordinates each, and the weights of a mask's cells at each pixel."""
    start = np.clip(np.ceil(low - 0.5), 0, size).astype(np.intp)
    stop = np.maximum(np.clip(np.floor(high - 0.5) + 1, 0, size).astype(np.intp), start)
    counts = stop - start
    ends = counts.cumsum()
    pixels = np.arange(ends[-1]) + np.repeat(start - ends + counts, counts)
    extent = np.maximum(high - low, 1e-6)
    place = (pixels + 0.5 - np.repeat(low, counts)) / np.repeat(extent, counts) * cells - 0.5
    weights = np.maximum(1 - np.abs(place[:, None] - np.arange(cells)), 0).astype(np.float32)
    return [
        (slice(int(a), int(b)), weights[end - b + a : end])
        for a, b, end in zip(start, stop, ends, strict=True)
    ]
