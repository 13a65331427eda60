"""Several images cut as one: pages of a stack or frames of a clip, whose things keep one id throughout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

from intarsia.decoding.cut import CutSegments, pixel_segments, segment_scores
from intarsia.decoding.cut_view import CutConfig, CutView
from intarsia.panoptic import VOID_ID, Categories, PanopticMap, Segment

__all__ = ["Layer", "layer_maps", "layer_of", "overlap_log_odds"]

LEAST_SHARE = 0.01
"""Of an overlap: beyond, log-odds are clipped, as no overlap is infinitely sure."""


@dataclass(frozen=True, eq=False)
class Layer:
    """The segments of one image of several, and which thing each is.

    Attributes:
        segments: On the grid of the image.
        things: The number of each segment's thing, from 1, the same in all layers; 0 for stuff.
    """

    segments: CutSegments
    things: Int64[np.ndarray, " s"]


def layer_of(
    labels: Int32[np.ndarray, "hs ws"],
    clusters: Int32[np.ndarray, "hs ws"],
    splittable: Bool[np.ndarray, " k"],
) -> Layer:
    """One layer of the answer of a cut through all.

    Args:
        labels: Category index of each point.
        clusters: Its cluster, numbered through all layers.
        splittable: Which categories are things.

    Example:
        >>> labels, clusters = np.array([[0, 1, 1]], np.int32), np.array([[7, 4, 9]], np.int32)
        >>> layer = layer_of(labels, clusters, np.array([False, True]))
        >>> layer.segments.ids.tolist(), layer.things.tolist()
        ([[0, 1, 2]], [0, 5, 10])
    """
    keys = np.where(splittable[labels], len(splittable) + clusters.astype(np.int64), labels)
    names, first, ids = np.unique(keys, return_index=True, return_inverse=True)
    segments = CutSegments(ids.reshape(keys.shape).astype(np.int32), labels.ravel()[first].astype(np.int64))
    return Layer(segments, np.maximum(names - len(splittable) + 1, 0))


def overlap_log_odds(
    first: CutSegments, second: CutSegments, *, is_thing: Bool[np.ndarray, " k"]
) -> Float32[np.ndarray, "hs ws"]:
    """Log-odds that a point belongs to the same thing in two images that lie upon each other.

    The share of the smaller of the two segments at the point that the larger one covers is taken for the
    probability: a section of a ball lies in the larger ones beside it, whatever their sizes, and a segment in
    which two things have run together covers both.

    Source: ours.

    Args:
        first: Segments of one image.
        second: Of the other, on an equal grid.
        is_thing: Of each category index, and of void where that is a class of the cut.

    Returns:
        0 where one of the two is stuff.

    Example:
        >>> ids, things = np.array([[0, 0, 0, 1]], np.int32), np.array([True])
        >>> below = CutSegments(ids, np.array([0, 0]))
        >>> above = CutSegments(ids[:, ::-1], np.array([0, 0]))
        >>> overlap_log_odds(below, above, is_thing=things).astype(float).round(1).tolist()
        [[4.6, 0.7, 0.7, 4.6]]
    """
    count = len(second.categories)
    pairs = first.ids.astype(np.int64) * count + second.ids
    shown, place, common = np.unique(pairs, return_inverse=True, return_counts=True)
    a, b = np.divmod(shown, count)
    smaller = np.minimum(np.bincount(first.ids.ravel())[a], np.bincount(second.ids.ravel())[b])
    share = (common / smaller).clip(LEAST_SHARE, 1 - LEAST_SHARE)
    both = is_thing[first.categories[a]] & is_thing[second.categories[b]]
    log_odds = np.log(share / (1 - share)) * both
    return log_odds[place].reshape(first.ids.shape).astype(np.float32)


def layer_maps(
    layers: Sequence[Layer], views: Sequence[CutView], categories: Categories, *, config: CutConfig
) -> list[PanopticMap]:
    """The maps of all layers, in which a thing has one id and a stuff category another.

    A thing stays if at least one layer shows its least size of it, and one is sure enough: the ends of a ball
    are small and dim.

    Args:
        layers: One an image.
        views: What the images are up-sampled by.
        categories: What the category indices mean.
        config: Up-sampling, score and thresholds; see `CutConfig`.
    """
    guided = config.upsampling == "guided"
    numbers = [
        pixel_segments(layer.segments, view, guided=guided) for layer, view in zip(layers, views, strict=True)
    ]
    areas = [
        np.bincount(number.ravel(), minlength=len(layer.things))
        for number, layer in zip(numbers, layers, strict=True)
    ]
    # the class after the last category is void
    least_px, least_score = (
        np.append(least, 0) for least in (config.least_px(categories), config.least_score(categories))
    )
    scores = [
        np.where(layer.things > 0, segment_scores(layer.segments, view, kind=config.score), 1.0)
        for layer, view in zip(layers, views, strict=True)
    ]
    # a thing is as large, and as sure, as on the layer that shows most of it, and on that which is surest
    largest = np.zeros(1 + max(int(layer.things.max()) for layer in layers), np.int64)
    surest = np.zeros(len(largest))
    for layer, area, surety in zip(layers, areas, scores, strict=True):
        np.maximum.at(largest, layer.things, area)
        np.maximum.at(surest, layer.things, surety)
    maps: list[PanopticMap] = []
    for layer, number, area, surety in zip(layers, numbers, areas, scores, strict=True):
        is_thing = layer.things > 0
        # each layer with the things and the stuff that are large and sure enough
        indices = layer.segments.categories
        size = np.where(is_thing, largest[layer.things], area)
        is_sure = surest[layer.things] >= least_score[indices]
        stays = (size >= least_px[indices]) & is_sure & (indices < len(categories))
        ids = np.where(is_thing, len(categories) + layer.things, indices + 1)
        rows = zip(*(column[stays].tolist() for column in (ids, indices, surety)), strict=True)
        segments = [Segment(id, categories[index].id, score) for id, index, score in rows]
        shown = np.where(stays, ids, VOID_ID)[number]
        maps.append(PanopticMap.keeping_visible(shown, segments))
    return maps
