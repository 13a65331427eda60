"""What one pixel is to all others: first by category, then by instance, as the model sees them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import Float32, Int32

from intarsia.decoding.affinity_walk import AffinityWalk
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.softmax import softmax
from intarsia.draw import distances_from
from intarsia.errors import InputError
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["Hearing", "Inside", "PixelView", "look_inside", "view_of_pixel"]

Kind = Literal["distance", "affinity", "heard", "none"]
Field: TypeAlias = Float32[np.ndarray, "h w"]
MOST_RELATED = 6
FAR_MARGINS = 4.0
"""Distances are shown up to here: beyond, they mostly say how far away in the picture a point is."""


@dataclass(frozen=True, eq=False)
class Hearing:
    """How much each point hears from all others, where a method says so for one at a time.

    Attributes:
        decoder: Whose `pixel_field` says it.
        view: What it reads.
    """

    decoder: AbstractDecoder
    view: ImageView

    def at(self, point: tuple[int, int]) -> Field:
        """What a point of the grid hears from each, which adds up to 1."""
        stride = self.view.stride
        values = self.decoder.pixel_field(self.view, (point[0] * stride, point[1] * stride)).values
        return (values / values.sum()).astype(np.float32)

    @property
    def num_bytes(self) -> int:
        """Memory of the arrays."""
        return sum(array.nbytes for array in self.view.arrays.values())


@dataclass(frozen=True, eq=False)
class Inside:
    """What a network says about one picture, on its grid of one point every `stride` pixels.

    Attributes:
        stride: Pixels a point of the grid.
        category_prob: Of each category.
        embeddings: Where each point lies in the space that the model groups in; or None.
        margin: How far the points of its instance lie from each point; None without embeddings.
        affinity_prob: That the point and the one at the offset are in one segment; or None.
        offsets: (rows, columns) on the grid.
        hearing: What a point hears from the others, of a method that says so on request; or None.
        scale: Pixels of the picture for one that the network saw, down and across.
    """

    stride: int
    category_prob: Float32[np.ndarray, "k h w"]
    embeddings: Float32[np.ndarray, "d h w"] | None = None
    margin: Float32[np.ndarray, "h w"] | None = None
    affinity_prob: Float32[np.ndarray, "o h w"] | None = None
    offsets: tuple[tuple[int, int], ...] = ()
    hearing: Hearing | None = None
    scale: tuple[float, float] = (1.0, 1.0)

    @property
    def step_px(self) -> tuple[float, float]:
        """Pixels of the picture between neighbouring points, down and across."""
        return self.stride * self.scale[0], self.stride * self.scale[1]

    def point(self, pixel: tuple[int, int]) -> tuple[int, int]:
        """The point of the grid that a pixel of the picture belongs to."""
        rows, columns = self.category_prob.shape[1:]
        down, across = self.step_px
        return min(int(pixel[0] / down), rows - 1), min(int(pixel[1] / across), columns - 1)

    @property
    def num_bytes(self) -> int:
        """Memory of the arrays."""
        arrays = (self.category_prob, self.embeddings, self.margin, self.affinity_prob)
        kept = 0 if self.hearing is None else self.hearing.num_bytes
        return kept + sum(array.nbytes for array in arrays if array is not None)

    @cached_property
    def walk(self) -> AffinityWalk:
        """Where affinities lead from each point; made once, for the first pixel that is asked for."""
        assert self.affinity_prob is not None
        return AffinityWalk.of(self.affinity_prob, self.offsets)


@dataclass(frozen=True, eq=False)
class PixelView:
    """What a pixel sees.

    Attributes:
        category: The name at the pixel, "void" where nothing is.
        segment_id: Of its segment; 0 for void.
        kind: What `joined` is made from.
        alike: The probability that a point has the pixel's category.
        joined: How many margins each point is away in embedding space; or the share of a walk that starts at
            the pixel and follows the affinities, or of what the pixel hears, which add up to 1. None where
            the model has none of these.
        heat: The same from 0, unrelated, to 1, to draw.
        summary: `joined` of the pixel's segment, of other segments of its category, and of the rest: the mean
            distance, or the sum of the shares.
        related: The same for the segments nearest to the pixel: id and value, nearest first.
        step_px: Pixels of the picture between neighbouring points, down and across.
    """

    category: str
    segment_id: int
    kind: Kind
    alike: Float32[np.ndarray, "h w"]
    joined: Float32[np.ndarray, "h w"] | None
    heat: Float32[np.ndarray, "h w"] | None
    summary: tuple[tuple[str, float], ...]
    related: tuple[tuple[int, float], ...]
    step_px: tuple[float, float]


def look_inside(
    view: ImageView, decoder: AbstractDecoder, panoptic_map: PanopticMap, *, categories: Categories
) -> Inside:
    """What a network says about a picture; without probabilities of categories, those of the map.

    Args:
        view: What the network said.
        decoder: What reads it.
        panoptic_map: What came of it, in the size of the picture; the network may have seen another.
        categories: Those of the model, in the order of its channels.
    """
    (height, width), (seen_height, seen_width) = panoptic_map.size, view.size
    scale = height / seen_height, width / seen_width
    if "semantic_logits" in view.arrays:
        prob = softmax(view["semantic_logits"])
    else:
        semantic = panoptic_map.resized(*view.grid).semantic(categories)
        prob = np.stack([semantic == k for k in range(len(categories))]).astype(np.float32)
    with suppress(InputError):
        pairs = decoder.affinity_field(view)
        return Inside(view.stride, prob, affinity_prob=pairs.prob, offsets=pairs.offsets, scale=scale)
    with suppress(InputError):
        field = decoder.embedding_field(view)
        return Inside(view.stride, prob, embeddings=field.embeddings, margin=field.margin, scale=scale)
    with suppress(InputError):
        decoder.pixel_field(view, (0, 0))
        return Inside(view.stride, prob, hearing=Hearing(decoder, view), scale=scale)
    return Inside(view.stride, prob, scale=scale)


def view_of_pixel(
    inside: Inside, panoptic_map: PanopticMap, categories: Categories, *, pixel: tuple[int, int]
) -> PixelView:
    """Look from one pixel, which lies in the map.

    Args:
        inside: What the network said about the picture.
        panoptic_map: What came of it.
        categories: Those of the model, in the order of its channels.
        pixel: Row and column in the map.
    """
    row, column = inside.point(pixel)
    ids = _on_grid(panoptic_map, inside)
    id = int(panoptic_map.ids[pixel])
    own = next((segment for segment in panoptic_map.segments if segment.id == id), None)
    here = inside.category_prob[:, row, column]
    alike = np.tensordot(here / max(float(here.sum()), 1e-12), inside.category_prob, axes=1)
    kind, joined, heat = _field_inside(inside, (row, column))
    kin = [s.id for s in panoptic_map.segments if own and s.category_id == own.category_id]
    name = "void" if own is None else categories[categories.index_of(own.category_id)].name
    summary = () if joined is None or own is None else _summary(joined, kind, ids, id, kin, name)
    related = () if joined is None else _neighbours(joined, kind, ids)
    return PixelView(name, id, kind, alike.astype(np.float32), joined, heat, summary, related, inside.step_px)


def _on_grid(panoptic_map: PanopticMap, inside: Inside) -> Int32[np.ndarray, "h w"]:
    """The id under the middle of each point; a stride that does not divide the size goes beyond it."""
    middle = inside.stride // 2 + 0.5
    rows, columns = (
        np.minimum(((np.arange(count) * inside.stride + middle) * scale).astype(int), size - 1)
        for count, size, scale in zip(
            inside.category_prob.shape[1:], panoptic_map.size, inside.scale, strict=True
        )
    )
    return panoptic_map.ids[rows[:, None], columns]


def _field_inside(inside: Inside, point: tuple[int, int]) -> tuple[Kind, Field | None, Field | None]:
    if inside.embeddings is not None and inside.margin is not None:
        margin = max(float(inside.margin[point]), 1e-6)
        distance = (distances_from(inside.embeddings, point) / margin).astype(np.float32)
        return "distance", distance, 1 - np.minimum(distance / FAR_MARGINS, 1)
    if inside.affinity_prob is not None:
        return "affinity", *inside.walk.shares(point)
    if inside.hearing is not None:
        shares = inside.hearing.at(point)
        return "heard", shares, shares / max(float(shares.max()), 1e-12)
    return "none", None, None


def _summary(
    joined: Field, kind: Kind, ids: Int32[np.ndarray, "h w"], id: int, kin: Sequence[int], name: str
) -> tuple[tuple[str, float], ...]:
    of_kin = np.isin(ids, kin)
    regions = (
        ("its own segment", ids == id),
        (f"other segments of {name}", of_kin & (ids != id)),
        ("other categories", ~of_kin & (ids > 0)),
        ("void", ids == 0),
    )
    told = np.mean if kind == "distance" else np.sum
    return tuple((text, float(told(joined[where]))) for text, where in regions if where.any())


def _neighbours(joined: Field, kind: Kind, ids: Int32[np.ndarray, "h w"]) -> tuple[tuple[int, float], ...]:
    ids_here, place = np.unique(ids, return_inverse=True)
    values = np.bincount(place.ravel(), joined.ravel())
    if kind == "distance":
        values = values / np.bincount(place.ravel())
    order = np.argsort(values if kind == "distance" else -values, kind="stable")
    rows = [(int(ids_here[n]), float(values[n])) for n in order if ids_here[n] > 0]
    return tuple(rows[:MOST_RELATED])
