"""Instances through time: each keeps its id as long as its centre in embedding space stays near."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Int64

from intarsia.clustering import assign_by_membership
from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.upsampling import grid_size, upsampled_labels
from intarsia.panoptic import VOID_ID, VOID_INDEX, Categories, PanopticMap, Segment

__all__ = ["InstanceTracker", "Sighting", "carried", "sightings"]


@dataclass(frozen=True, eq=False, slots=True)
class Sighting:
    """A thing of one frame: its segment, where its centre is in embedding space, and how wide it is there."""

    segment: Segment
    center: Float32[np.ndarray, " d"]
    margin: float


def sightings(
    found: PanopticMap, field: EmbeddingField, categories: Categories, *, row: int = 0, stride: int
) -> list[Sighting]:
    """The things of one image of a batch with the means of their embeddings and their median margins.

    A thing between the points of the grid stands at the point nearest to its first pixel.

    Args:
        found: What was decoded.
        field: The embeddings of the batch.
        categories: What the map's category ids mean.
        row: Which image of the batch.
        stride: Pixels between neighbours on the grid.
    """
    points = _on_grid(found.ids, stride)
    embeddings = field.embeddings[row, :, : points.shape[0], : points.shape[1]].cpu().numpy()
    margin = field.margin[row, : points.shape[0], : points.shape[1]].cpu().numpy()
    things = {category.id for category in categories.things}
    seen = []
    for segment in found.segments:
        if segment.category_id not in things or segment.is_crowd:
            continue
        inside = points == segment.id
        if not inside.any():
            first = np.argwhere(found.ids == segment.id)[0] // stride
            inside[tuple(first)] = True
        center = embeddings[:, inside].mean(axis=1).astype(np.float32)
        seen.append(Sighting(segment, center, float(np.median(margin[inside]))))
    return seen


class InstanceTracker:
    """Gives the instances of successive frames the ids that they had.

    A new centre goes to the nearest centre of its category that is not taken and within `reach` margins of
    it; nearer pairs choose first. What finds none gets a new id. Stuff keeps one id a category.

    Source: ours; Kerola et al. 2021 suggest association in embedding space for tracking.

    Example:
        >>> import torch
        >>> from intarsia.panoptic import Category
        >>> ball = Categories([Category(7, "ball", True, (0, 0, 0))])
        >>> tracker = InstanceTracker(ball)
        >>> def frame(number, place):
        ...     return PanopticMap(np.full((1, 1), number), [Segment(number, 7)]), EmbeddingField(
        ...         torch.full((1, 1, 1, 1), place), torch.ones(1, 1, 1)
        ...     )
        >>> [int(tracker.follow(*frame(n, x), stride=1).ids[0, 0]) for n, x in ((3, 0.0), (8, 0.9), (9, 5.0))]
        [2, 2, 3]
    """

    def __init__(self, categories: Categories, *, reach: float = 1.0, memory: int = 15) -> None:
        """Start before the first frame.

        Args:
            categories: What the maps' category ids mean.
            reach: Farthest that a centre moves between frames, in margins.
            memory: Frames for which an instance that is not seen is remembered.
        """
        self.categories = categories
        self.reach = reach
        self.memory = memory
        self.num_instances = 0
        self._tracks: dict[int, Sighting] = {}
        self._last_seen: dict[int, int] = {}
        self._frame = 0

    def follow(self, found: PanopticMap, field: EmbeddingField, *, row: int = 0, stride: int) -> PanopticMap:
        """The map of the next frame with ids that live: as `sightings` for the arguments."""
        seen = sightings(found, field, self.categories, row=row, stride=stride)
        id_of = self._linked(seen)
        for one in seen:
            if one.segment.id not in id_of:
                self.num_instances += 1
                id_of[one.segment.id] = len(self.categories) + self.num_instances
            track = id_of[one.segment.id]
            self._tracks[track], self._last_seen[track] = one, self._frame
        self._frame += 1
        self._forget()
        for segment in found.segments:
            id_of.setdefault(segment.id, self.categories.index_of(segment.category_id) + 1)
        return _renamed(found, id_of)

    def _linked(self, seen: list[Sighting]) -> dict[int, int]:
        pairs = []
        for number, one in enumerate(seen):
            for track, known in self._tracks.items():
                if known.segment.category_id != one.segment.category_id:
                    continue
                distance = float(np.linalg.norm(one.center - known.center)) / known.margin
                if distance <= self.reach:
                    pairs.append((distance, number, track))
        id_of: dict[int, int] = {}
        taken: set[int] = set()
        for _, number, track in sorted(pairs):
            segment = seen[number].segment.id
            if segment not in id_of and track not in taken:
                id_of[segment] = track
                taken.add(track)
        return id_of

    def _forget(self) -> None:
        for track in [t for t, last in self._last_seen.items() if self._frame - 1 - last > self.memory]:
            del self._tracks[track], self._last_seen[track]


def carried(
    earlier: list[Sighting],
    found: PanopticMap,
    field: EmbeddingField,
    *,
    categories: Categories,
    row: int = 0,
    stride: int,
) -> PanopticMap:
    """A later frame's map with its things made anew from the centres of an earlier frame, without new ones.

    Every point that the later frame takes for a thing goes to the earlier centre in whose margin it lies;
    in none it is void. How well that works says how still the embedding stands.

    Source: ours, after figure 8 of Kerola et al. 2021.

    Args:
        earlier: The things of the earlier frame, whose ids the result has.
        found: What was decoded in the later frame; its categories and stuff are kept.
        field: The embeddings of the later frame's batch.
        categories: What the maps' category ids mean.
        row: Which image of the batch.
        stride: Pixels between neighbours on the grid.
    """
    pixels = found.semantic(categories)
    is_thing = np.append(categories.is_thing, False)
    pixel_is_thing = is_thing[np.where(pixels == VOID_INDEX, len(categories), pixels)]
    labels = _nearest(earlier, _on_grid(pixel_is_thing, stride), field, row)
    numbers = upsampled_labels(
        labels,
        np.array([0] + [1] * len(earlier), np.uint8),
        pixel_is_thing.astype(np.uint8),
        free=np.array([0], np.uint8),
        stride=stride,
    )
    first = 1 + max([0, *(s.id for s in found.segments), *(one.segment.id for one in earlier)])
    stuff = {s.id: replace(s, id=first + n) for n, s in enumerate(found.segments)}
    ids = np.array([VOID_ID, *(one.segment.id for one in earlier)], np.int32)[numbers]
    rest = _renamed(found, {old: new.id for old, new in stuff.items()}).ids
    ids = np.where(pixel_is_thing, ids, rest)
    return PanopticMap.keeping_visible(ids, [*(one.segment for one in earlier), *stuff.values()])


def _nearest(
    earlier: list[Sighting], foreground: Bool[np.ndarray, "hs ws"], field: EmbeddingField, row: int
) -> np.ndarray:
    height, width = foreground.shape
    embeddings = field.embeddings[row, :, :height, :width].cpu().numpy()
    centers = np.array([one.center for one in earlier], np.float32).reshape(len(earlier), len(embeddings))
    margins = np.array([one.margin for one in earlier], np.float32)
    return assign_by_membership(
        embeddings, centers, np.log(math.log(2) / np.square(margins)), foreground=foreground
    )


def _on_grid(values: np.ndarray, stride: int) -> np.ndarray:
    """The pixel in the middle of each block, as training sees it."""
    rows, columns = (
        np.minimum(np.arange(count) * stride + stride // 2, size - 1)
        for count, size in zip(grid_size(*values.shape, stride=stride), values.shape, strict=True)
    )
    return values[rows[:, None], columns]


def _renamed(found: PanopticMap, id_of: dict[int, int]) -> PanopticMap:
    table: Int64[np.ndarray, " n"] = np.array(sorted(id_of.items()), np.int64).reshape(-1, 2)
    place = np.searchsorted(table[:, 0], found.ids)
    ids = np.where(found.ids == VOID_ID, VOID_ID, np.append(table[:, 1], 0)[place])
    return PanopticMap(ids, [replace(segment, id=id_of[segment.id]) for segment in found.segments])
