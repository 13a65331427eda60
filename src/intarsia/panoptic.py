"""The one currency of the library: categories, segments, and the map that gives each pixel to one segment."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Int32, UInt8, UInt16
from PIL import Image, PngImagePlugin

import intarsia._native as _native
from intarsia._check import counted, fail
from intarsia._files import whole
from intarsia._id_map import as_id_map, ids_to_rgb, nearest_index, relabel, rgb_to_ids
from intarsia._preview import preview_png
from intarsia.categories import VOID_INDEX, Categories, Category
from intarsia.segment import Segment

__all__ = [
    "VOID_ID",
    "VOID_INDEX",
    "Categories",
    "Category",
    "PanopticMap",
    "Segment",
    "ids_to_rgb",
    "rgb_to_ids",
]

VOID_ID = 0
"""The id of pixels that belong to no segment, in every panoptic map."""


@dataclass(frozen=True, eq=False)
class PanopticMap:
    """An image's segmentation: an (h, w) map of segment ids, 0 for void, and the segment behind each id.

    Raises:
        ValueError: The map is not a 2-d array of integers in [0, 2^31), two segments share an id, or an
            id is in the map but not among the segments or the other way round.

    Example:
        >>> result = PanopticMap(np.array([[1, 1, 0], [2, 2, 2]]), [Segment(1, 7), Segment(2, 9)])
        >>> result.area(2), result.size
        (3, (2, 3))
    """

    ids: Int32[np.ndarray, "h w"]
    segments: tuple[Segment, ...]

    def __init__(self, ids: Any, segments: Iterable[Segment]) -> None:
        """Check that ids and segments agree and keep the ids as a read-only int32 array."""
        segments = tuple(segments)
        object.__setattr__(self, "ids", as_id_map(ids))
        object.__setattr__(self, "segments", segments)
        segment_ids = [segment.id for segment in segments]
        if len(set(segment_ids)) < len(segment_ids):
            twice = min(i for i in segment_ids if segment_ids.count(i) > 1)
            fail("segments", "without two of the same id", twice)
        if missing := sorted(self._areas.keys() - set(segment_ids)):
            fail(
                "segments",
                f"one for each id in the map; without one: {counted(len(missing), 'id')}",
                f"id {missing[0]}",
            )
        if absent := sorted(set(segment_ids) - self._areas.keys()):
            fail("segments", f"in the map; without a pixel: {len(absent)}", f"id {absent[0]}")

    @cached_property
    def _areas(self) -> dict[int, int]:
        return {int(i): int(n) for i, n in _native.count_ids(self.ids) if i != VOID_ID}

    def __repr__(self) -> str:
        height, width = self.size
        return f"PanopticMap({height}x{width}, {counted(len(self.segments), 'segment')})"

    def _repr_png_(self) -> bytes:
        """What a notebook shows for a map: a hue for each category, a shade for each segment."""
        return preview_png(self.ids, [s.id for s in self.segments], [s.category_id for s in self.segments])

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PanopticMap):
            return NotImplemented
        return set(self.segments) == set(other.segments) and np.array_equal(self.ids, other.ids)

    __hash__ = None  # type: ignore[assignment]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.ids.shape[0], self.ids.shape[1]

    def area(self, id: int) -> int:
        """How many pixels a segment has; of void with id 0."""
        if id == VOID_ID:
            return self.ids.size - sum(self._areas.values())
        return self._areas[id] if id in self._areas else fail("id", "of a segment in the map", id)

    def mask(self, id: int) -> Bool[np.ndarray, "h w"]:
        """The pixels of a segment; of void with id 0."""
        if id != VOID_ID and id not in self._areas:
            fail("id", "of a segment in the map", id)
        return self.ids == id

    def semantic(self, categories: Categories) -> UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"]:
        """The category index of each pixel, `categories.void_index` (255) where it is void."""
        void = categories.void_index
        index_of_id = {segment.id: categories.index_of(segment.category_id) for segment in self.segments}
        return relabel(self.ids, index_of_id, other=void).astype(
            np.uint8 if void == VOID_INDEX else np.uint16
        )

    def instances(self, categories: Categories) -> Int32[np.ndarray, "h w"]:
        """Things numbered 1 ... n in the order of their segments; 0 for stuff, crowds and void.

        Example:
            >>> facades = Categories.named("facades")  # 1 is a window, a thing; 6 is the facade, stuff
            >>> PanopticMap([[5, 9]], [Segment(5, 6), Segment(9, 1)]).instances(facades).tolist()
            [[0, 1]]
        """
        things = {row.id for row in categories.things}
        counted = [s.id for s in self.segments if s.category_id in things and not s.is_crowd]
        return relabel(self.ids, {id: number for number, id in enumerate(counted, start=1)}, other=0)

    def resized(self, height: int, width: int) -> PanopticMap:
        """The map at another size by nearest neighbour; segments that lose their last pixel are dropped."""
        if height < 1 or width < 1:
            fail("size", "at least 1x1", f"{height}x{width}")
        if (height, width) == self.ids.shape:
            return self
        rows = nearest_index(height, self.ids.shape[0])
        columns = nearest_index(width, self.ids.shape[1])
        return PanopticMap.keeping_visible(self.ids[rows[:, None], columns[None, :]], self.segments)

    @classmethod
    def keeping_visible(cls, ids: Any, segments: Iterable[Segment]) -> PanopticMap:
        """A map from ids and a list that may hold more segments than the map shows.

        For what comes out of a network or of cutting and scaling, where segments lose their last pixel.

        Example:
            >>> PanopticMap.keeping_visible([[7, 7]], [Segment(7, 1), Segment(8, 1)]).segments
            (Segment(id=7, category_id=1, score=1.0, is_crowd=False),)
        """
        ids = as_id_map(ids)
        visible = set(_native.count_ids(ids)[:, 0].tolist())
        return cls(ids, [segment for segment in segments if segment.id in visible])

    @classmethod
    def empty(cls, height: int, width: int) -> PanopticMap:
        """A map that is void everywhere."""
        return cls(np.zeros((height, width), np.int32), ())

    def renumbered(self) -> PanopticMap:
        """The same segmentation with ids 1 ... n in the order of the segments.

        Example:
            >>> PanopticMap([[900, 0]], [Segment(900, 1)]).renumbered().ids.tolist()
            [[1, 0]]
        """
        number = {segment.id: n for n, segment in enumerate(self.segments, start=1)}
        segments = (replace(segment, id=number[segment.id]) for segment in self.segments)
        return PanopticMap(relabel(self.ids, number, other=VOID_ID), segments)

    def to_transformers(self) -> dict[str, Any]:
        """As transformers' `post_process_panoptic_segmentation` returns it, on NumPy, with `iscrowd`."""
        rows = [
            {
                "id": s.id,
                "label_id": s.category_id,
                "was_fused": False,
                "score": s.score,
                "iscrowd": int(s.is_crowd),
            }
            for s in self.segments
        ]
        return {"segmentation": np.array(self.ids), "segments_info": rows}

    @classmethod
    def from_transformers(cls, result: Mapping[str, Any]) -> PanopticMap:
        """From what transformers' `post_process_panoptic_segmentation` returns.

        -1 is void. So is 0, unless it is listed among the segments: EoMT and DETR number them from 0, and
        then every id here is larger by one.

        Example:
            >>> info = [{"id": 0, "label_id": 7}, {"id": 1, "label_id": 8}]
            >>> both = PanopticMap.from_transformers({"segmentation": [[0, 0, 1, -1]], "segments_info": info})
            >>> both.ids.tolist()
            [[1, 1, 2, 0]]
        """
        rows = result["segments_info"]
        shift = int(any(int(row["id"]) == 0 for row in rows))
        values = result["segmentation"]
        if hasattr(values, "detach"):  # a tensor, perhaps with a gradient, on a GPU, of 16-bit floats
            values = values.detach().cpu().long().numpy()
        ids = np.maximum(np.asarray(values).astype(np.int64) + shift, VOID_ID)
        segments = [
            Segment(
                int(row["id"]) + shift,
                int(row["label_id"]),
                float(row.get("score", 1.0)),
                bool(row.get("iscrowd", 0)),
            )
            for row in rows
        ]
        return cls.keeping_visible(ids, segments)

    def to_label_divisor(
        self, divisor: int = 1000, *, categories: Categories | None = None
    ) -> Int[np.ndarray, "h w"]:
        """One array of `category_id * divisor + number`, -1 for void (Panoptic-DeepLab's encoding).

        Segments of one category are numbered from 1; with `categories`, stuff and crowds get number 0.

        Args:
            divisor: Above the number of segments of any category; 1000, that of Cityscapes and Panoptic-
                DeepLab.
            categories: Which of the categories are stuff; None numbers every segment.

        Raises:
            ValueError: A category has `divisor` segments or more, or two of number 0.
        """
        stuff = set() if categories is None else {row.id for row in categories.stuff}
        count: dict[int, int] = {}
        label_of_id = {}
        stuff_ids: set[int] = set()
        for segment in self.segments:
            if categories is not None and (segment.is_crowd or segment.category_id in stuff):
                if segment.category_id in stuff_ids:
                    fail(
                        "segments",
                        "of one stuff segment or crowd a category",
                        f"two of {segment.category_id}",
                    )
                stuff_ids.add(segment.category_id)
                label_of_id[segment.id] = segment.category_id * divisor
                continue
            # things are counted within their category
            number = count[segment.category_id] = count.get(segment.category_id, 0) + 1
            if number >= divisor:
                fail(
                    "divisor",
                    f"larger than the number of segments of category {segment.category_id}",
                    divisor,
                )
            label_of_id[segment.id] = segment.category_id * divisor + number
        return relabel(self.ids, label_of_id, other=-1)

    @classmethod
    def from_label_divisor(
        cls, labels: Any, divisor: int = 1000, *, categories: Categories | None = None
    ) -> PanopticMap:
        """From an array of `category_id * divisor + number`; negative values are void.

        With `categories`, things of number 0 are crowds.

        Args:
            labels: (h, w), whole numbers.
            divisor: Of `to_label_divisor`; 1000, that of Cityscapes and Panoptic-DeepLab.
            categories: Which of the categories are things; None takes number 0 as a segment like others.
        """
        labels = np.asarray(labels)
        values, inverse = np.unique(labels, return_inverse=True)
        things = set() if categories is None else {row.id for row in categories.things}
        rows = [(n, *divmod(int(value), divisor)) for n, value in enumerate(values, start=1) if value >= 0]
        segments = [Segment(n, k, is_crowd=k in things and number == 0) for n, k, number in rows]
        return cls(
            (np.where(values >= 0, np.arange(1, len(values) + 1), VOID_ID)[inverse]).reshape(labels.shape),
            segments,
        )

    def save(self, path: str | Path) -> None:
        """Write a PNG of the ids (id = R + 256 G + 65536 B) that carries its segments as text.

        Raises:
            ValueError: An id does not fit into the three bytes of a pixel.
        """
        rows = [[s.id, s.category_id, s.score, s.is_crowd] for s in self.segments]
        info = PngImagePlugin.PngInfo()
        info.add_text("intarsia:segments", json.dumps(rows), zip=True)
        with whole(path) as partial:
            Image.fromarray(ids_to_rgb(self.ids)).save(partial, format="PNG", pnginfo=info)

    @classmethod
    def load(cls, path: str | Path) -> PanopticMap:
        """Read what `save` wrote.

        Raises:
            ValueError: The PNG carries no segments.
        """
        with Image.open(path) as image:
            image.load()
            text = image.info.get("intarsia:segments")
            if text is None:
                fail(str(path), "a PNG written by PanopticMap.save", "one without segments")
            ids = rgb_to_ids(np.asarray(image))
        return cls(ids, [Segment(*row) for row in json.loads(text)])
