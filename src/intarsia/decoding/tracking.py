"""Instances through time: each keeps its id as long as its centre in embedding space stays near."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64

from intarsia.clustering import HALF, assign_by_membership
from intarsia.decoding.embedding_field import EmbeddingField
from intarsia.decoding.upsampling import grid_size, upsampled_labels
from intarsia.panoptic import VOID_ID, VOID_INDEX, Categories, PanopticMap, Segment

__all__ = ["InstanceTracker", "Sighting", "propagate", "sightings"]


@dataclass(frozen=True, eq=False, slots=True)
class Sighting:
    """A thing of one frame: its segment, where its centre is in embedding space, and how wide it is there.

    Example:
        >>> Sighting(Segment(1, 7), np.zeros(2, np.float32), 0.5).segment.category_id
        7
    """

    segment: Segment
    center: Float32[np.ndarray, " d"]
    margin: float


def sightings(
    panoptic_map: PanopticMap, field: EmbeddingField, categories: Categories, *, stride: int
) -> list[Sighting]:
    """The things of an image with the means of their embeddings and their median margins.

    A thing that lies between the points of the grid is seen at the point whose block has its first pixel.

    Args:
        panoptic_map: Of the image.
        field: Its embeddings; what reaches beyond the image is padding.
        categories: What the map's category ids mean.
        stride: Pixels between neighbours on the grid.

    Example:
        >>> from intarsia.panoptic import Category
        >>> ball = Categories([Category(7, "ball", True, (0, 0, 0))])
        >>> field = EmbeddingField(np.array([[[1.0, 3.0]]], np.float32), np.ones((1, 2), np.float32))
        >>> panoptic_map = PanopticMap(np.full((1, 2), 5), [Segment(5, 7)])
        >>> sightings(panoptic_map, field, ball, stride=1)[0].center.tolist()
        [2.0]
    """
    on_grid = _on_grid(panoptic_map.ids, stride)
    rows, columns = on_grid.shape
    embeddings = field.embeddings[:, :rows, :columns].reshape(len(field.embeddings), -1)  # d n
    margin = field.margin[:rows, :columns].ravel()
    things = {category.id for category in categories.things}
    points_of = _points_by_id(on_grid)
    between = _FirstPoints(panoptic_map.ids, stride, columns)
    result = []
    for segment in panoptic_map.segments:
        if segment.category_id in things and not segment.is_crowd:
            points = points_of[segment.id] if segment.id in points_of else between.of(segment.id)
            center = embeddings[:, points].mean(axis=1).astype(np.float32)
            result.append(Sighting(segment, center, float(np.median(margin[points]))))
    return result


class InstanceTracker:
    """Gives the instances of successive frames the ids that they had.

    A new centre goes to the nearest centre of its category that is not taken and within `reach` margins of
    it; nearer pairs choose first. What finds none gets a new id. Stuff keeps one id a category.

    Source: ours; Kerola et al. 2021 suggest association in embedding space for tracking.

    Example:
        >>> from intarsia.panoptic import Category
        >>> ball = Categories([Category(7, "ball", True, (0, 0, 0))])
        >>> tracker = InstanceTracker(ball)
        >>> def frame(number, place):
        ...     field = EmbeddingField(np.full((1, 1, 1), place, np.float32), np.ones((1, 1), np.float32))
        ...     return PanopticMap(np.full((1, 1), number), [Segment(number, 7)]), field
        >>> [int(tracker.follow(*frame(n, x), stride=1).ids[0, 0]) for n, x in ((3, 0.0), (8, 0.9), (9, 5.0))]
        [2, 2, 3]
    """

    def __init__(self, categories: Categories, *, reach: float = 1.0, memory: int = 15) -> None:
        """Start before the first frame.

        Args:
            categories: What the maps' category ids mean.
            reach: Farthest that a centre moves between frames, in margins; 1, half of what is between the
                centres of two that do not overlap.
            memory: Frames for which an instance that is not seen is remembered; 15, half a second at 30
                frames a second.
        """
        self.categories = categories
        self.reach = reach
        self.memory = memory
        self.num_instances = 0
        self._tracks: dict[int, Sighting] = {}
        self._last_seen: dict[int, int] = {}
        self._frame = 0

    def follow(self, panoptic_map: PanopticMap, field: EmbeddingField, *, stride: int) -> PanopticMap:
        """The map of the next frame with ids that live: as `sightings` for the arguments."""
        things = sightings(panoptic_map, field, self.categories, stride=stride)
        id_of = self._known_ids(things)
        for thing in things:
            if thing.segment.id not in id_of:
                self.num_instances += 1
                id_of[thing.segment.id] = len(self.categories) + self.num_instances
            track = id_of[thing.segment.id]
            self._tracks[track], self._last_seen[track] = thing, self._frame
        self._frame += 1
        self._forget()
        for segment in panoptic_map.segments:
            id_of.setdefault(segment.id, self.categories.index_of(segment.category_id) + 1)
        return _with_ids(panoptic_map, id_of)

    def _known_ids(self, things: list[Sighting]) -> dict[int, int]:
        """The track of each thing's segment that continues one."""
        id_of: dict[int, int] = {}
        taken: set[int] = set()
        for _, number, track in sorted(self._pairs(things)):
            segment = things[number].segment.id
            if segment not in id_of and track not in taken:
                id_of[segment] = track
                taken.add(track)
        return id_of

    def _pairs(self, things: list[Sighting]) -> list[tuple[float, int, int]]:
        """Distances in margins, numbers of things and tracks, of those of one category within reach."""
        from scipy.spatial import KDTree  # slow to import

        if not things or not self._tracks:
            return []
        tree = KDTree(np.stack([thing.center for thing in things]))
        sightings = list(self._tracks.values())
        radii = np.array([sighting.margin for sighting in sightings]) * self.reach * (1 + 1e-6)
        near = tree.query_ball_point(np.stack([sighting.center for sighting in sightings]), radii)
        pairs = []
        for track, sighting, numbers in zip(self._tracks, sightings, near, strict=True):
            for number in numbers:
                thing = things[number]
                distance = float(np.linalg.norm(thing.center - sighting.center)) / sighting.margin
                if thing.segment.category_id == sighting.segment.category_id and distance <= self.reach:
                    pairs.append((distance, number, track))
        return pairs

    def _forget(self) -> None:
        for track in [t for t, last in self._last_seen.items() if self._frame - 1 - last > self.memory]:
            del self._tracks[track], self._last_seen[track]


def propagate(
    earlier: list[Sighting],
    panoptic_map: PanopticMap,
    field: EmbeddingField,
    *,
    categories: Categories,
    stride: int,
) -> PanopticMap:
    """A later frame's map with its things made anew from the centres of an earlier frame, without new ones.

    Every point that the later frame takes for a thing goes to the earlier centre in whose margin it lies;
    in none it is void. How well that works says how still the embedding stands.

    Source: ours, after figure 8 of Kerola et al. 2021.

    Args:
        earlier: The things of the earlier frame, whose ids the result has.
        panoptic_map: Of the later frame; its categories and stuff are kept.
        field: The embeddings of the later frame.
        categories: What the maps' category ids mean.
        stride: Pixels between neighbours on the grid.

    Example:
        >>> from intarsia.panoptic import Category
        >>> ball = Categories([Category(7, "ball", True, (0, 0, 0))])
        >>> field = EmbeddingField(np.array([[[0.2, 9.0]]], np.float32), np.ones((1, 2), np.float32))
        >>> earlier = [Sighting(Segment(3, 7), np.zeros(1, np.float32), 1.0)]
        >>> later = PanopticMap(np.array([[1, 2]]), [Segment(1, 7), Segment(2, 7)])
        >>> propagate(earlier, later, field, categories=ball, stride=1).ids.tolist()
        [[3, 0]]
    """
    pixels = panoptic_map.semantic(categories)
    is_thing = np.append(categories.is_thing, False)
    pixel_is_thing = is_thing[np.where(pixels == VOID_INDEX, len(categories), pixels)]
    numbers = upsampled_labels(
        _nearest(earlier, _on_grid(pixel_is_thing, stride), field),
        np.array([0] + [1] * len(earlier), np.uint8),
        pixel_is_thing.astype(np.uint8),
        free=np.array([0], np.uint8),
        stride=stride,
    )
    things = [sighting.segment for sighting in earlier]
    first = 1 + max([0, *(s.id for s in panoptic_map.segments), *(s.id for s in things)])
    stuff = {s.id: replace(s, id=first + n) for n, s in enumerate(panoptic_map.segments)}
    ids = np.array([VOID_ID, *(s.id for s in things)], np.int32)[numbers]
    rest = _with_ids(panoptic_map, {old: new.id for old, new in stuff.items()}).ids
    return PanopticMap.keeping_visible(np.where(pixel_is_thing, ids, rest), [*things, *stuff.values()])


def _nearest(
    earlier: list[Sighting], foreground: Bool[np.ndarray, "hs ws"], field: EmbeddingField
) -> Int32[np.ndarray, "hs ws"]:
    rows, columns = foreground.shape
    embeddings = field.embeddings[:, :rows, :columns]
    centers = np.array([s.center for s in earlier], np.float32).reshape(len(earlier), len(embeddings))
    margins = np.array([s.margin for s in earlier], np.float32)
    return assign_by_membership(embeddings, centers, np.log(HALF / np.square(margins)), foreground=foreground)


def _on_grid(values: np.ndarray, stride: int) -> np.ndarray:
    """The pixel in the middle of each block, as training sees it."""
    rows, columns = (
        np.minimum(np.arange(count) * stride + stride // 2, size - 1)
        for count, size in zip(grid_size(*values.shape, stride=stride), values.shape, strict=True)
    )
    return values[rows[:, None], columns]


def _points_by_id(on_grid: Int32[np.ndarray, "hs ws"]) -> dict[int, Int64[np.ndarray, " n"]]:
    """The points of each id that the grid shows, in order; one pass, however many there are."""
    ids, counts = np.unique(on_grid, return_counts=True)
    order = np.argsort(on_grid, axis=None, kind="stable")
    return dict(zip(ids.tolist(), np.split(order, counts.cumsum()[:-1]), strict=True))


class _FirstPoints:
    """The point whose block has an id's first pixel; the map is searched once, if at all."""

    def __init__(self, ids: Int32[np.ndarray, "h w"], stride: int, columns: int) -> None:
        self._ids, self._stride, self._columns = ids, stride, columns
        self._first: dict[int, int] | None = None

    def of(self, segment_id: int) -> Int64[np.ndarray, " 1"]:
        if self._first is None:
            ids, first = np.unique(self._ids, return_index=True)
            self._first = dict(zip(ids.tolist(), first.tolist(), strict=True))
        row, column = divmod(self._first[segment_id], self._ids.shape[1])
        return np.array([row // self._stride * self._columns + column // self._stride])


def _with_ids(panoptic_map: PanopticMap, id_of: dict[int, int]) -> PanopticMap:
    table: Int64[np.ndarray, " n"] = np.array(sorted(id_of.items()), np.int64).reshape(-1, 2)
    place = np.searchsorted(table[:, 0], panoptic_map.ids)
    ids = np.where(panoptic_map.ids == VOID_ID, VOID_ID, np.append(table[:, 1], 0)[place])
    return PanopticMap(ids, [replace(segment, id=id_of[segment.id]) for segment in panoptic_map.segments])
