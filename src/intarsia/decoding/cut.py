"""Decoding by a cut: from costs on a grid to a panoptic map."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Float32, Int32, Int64

from intarsia.cut import Contraction, Cut, GridProblem, solve
from intarsia.cut.offsets import pair_slices
from intarsia.cut.solvers import Solver, solver_named, solver_with_min_size
from intarsia.decoding.affinity_walk import AffinityField, AffinityWalk
from intarsia.decoding.assembly import Thing, assembled
from intarsia.decoding.cut_view import CutConfig, CutView, Score
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.pixel_field import PixelField
from intarsia.decoding.scales import ONE_LOOK, Looks, Scales, merged_looks, offsets_at_scales
from intarsia.decoding.softmax import softmax
from intarsia.decoding.upsampling import upsampled_segments
from intarsia.panoptic import Categories, PanopticMap

__all__ = [
    "CutConfig",
    "CutDecoder",
    "CutSegments",
    "CutView",
    "cut_map",
    "cut_segments",
    "map_of_segments",
    "pixel_segments",
    "segment_scores",
    "solve_large",
]

_ANY_SIZE = CutConfig(small="void")
"""The cut itself absorbs nothing: sizes are looked at afterwards, if at all."""

_LARGE_POINTS = 1 << 20
"""Points of a grid above which Algorithm 2, which takes 300 bytes a point, goes tile by tile."""

_TILE_POINTS = 256
"""The side of its tiles."""

_BAND_POINTS = 1 << 20
"""Points that scoring looks at together."""


@dataclass(frozen=True, eq=False)
class CutSegments:
    """The segments of a cut on the grid: a cluster of things each, and each stuff category as a whole.

    Attributes:
        ids: 0 ... S-1 at each point.
        categories: Category index of each segment.
    """

    ids: Int32[np.ndarray, "hs ws"]
    categories: Int64[np.ndarray, " s"]


@dataclass(frozen=True, kw_only=True)
class CutDecoder(AbstractDecoder):
    """One cut an image on `node_costs` and `affinity_costs`, up-sampled along `semantic_logits`.

    Attributes:
        cut: Solver, up-sampling, score and thresholds.
        offsets: (rows, columns) on the grid from a point to its neighbour, one an affinity channel.
        void_class: Whether the last class of the costs is void: points of that label show nothing.
    """

    cut: CutConfig
    offsets: tuple[tuple[int, int], ...]
    void_class: bool = False

    @property
    def reach_points(self) -> int:
        """The longest offset."""
        return max(abs(step) for offset in self.offsets for step in offset)

    def decode(self, view: ImageView, categories: Categories) -> PanopticMap:
        """Cut, up-sample, drop what is too small or too doubtful."""
        return cut_map(self.cut_view(view, categories), categories, self.cut)

    def at_scales(self, scales: Scales) -> CutDecoder:
        """The same cut, of the pairs of all looks; the very one for one look."""
        return self if scales == ONE_LOOK else replace(self, offsets=offsets_at_scales(self.offsets, scales))

    def merge_looks(self, looks: Looks) -> dict[str, np.ndarray]:
        """The mean of costs and logits."""
        return merged_looks(looks, self.offsets)

    @property
    def cut_config(self) -> CutConfig:
        """`cut`."""
        return self.cut

    def affinity_field(self, view: ImageView) -> AffinityField:
        """Costs are log-odds."""
        prob = 1 / (1 + np.exp(-view["affinity_costs"]))
        return AffinityField(prob.astype(np.float32), self.offsets)

    def pixel_field(self, view: ImageView, pixel: tuple[int, int]) -> PixelField:
        """Where affinities lead from a pixel, and the costs around it."""
        point = pixel[0] // view.stride, pixel[1] // view.stride
        prob = self.affinity_field(view).prob
        shares, _ = AffinityWalk.of(prob, self.offsets).shares(point)
        costs = view["node_costs"][:, point[0], point[1]]
        pairs = _pairs_at(point, view["affinity_costs"], self.offsets)
        return PixelField("affinity", shares, prob, pairs=pairs, category_costs=tuple(costs.tolist()))

    def cut_view(self, view: ImageView, categories: Categories) -> CutView:
        """The problem of one image, and what its answer is up-sampled by."""
        splittable = np.append(categories.is_thing, np.zeros(int(self.void_class), bool))
        problem = GridProblem(view["node_costs"], view["affinity_costs"], self.offsets, splittable)
        return CutView(problem, view["semantic_logits"], view.size, view.stride)


def _pairs_at(
    point: tuple[int, int], costs: Float32[np.ndarray, "o h w"], offsets: tuple[tuple[int, int], ...]
) -> tuple[tuple[int, int, float], ...]:
    """The partners of a point, from it and to it, and what each pair costs."""
    (row, column), (height, width) = point, costs.shape[1:]
    pairs = []
    for plane, (down, right) in zip(costs, offsets, strict=True):
        if 0 <= row + down < height and 0 <= column + right < width:
            pairs.append((down, right, float(plane[row, column])))
        if 0 <= row - down < height and 0 <= column - right < width:
            pairs.append((-down, -right, float(plane[row - down, column - right])))
    return tuple(pairs)


def cut_map(view: CutView, categories: Categories, config: CutConfig) -> PanopticMap:
    """Cut, up-sample, drop what is too small or too doubtful.

    Args:
        view: Costs and logits of one image.
        categories: What the category indices mean.
        config: Solver, up-sampling, score and thresholds; see `CutConfig`.
    """
    segments = cut_segments(view.problem, config, stride=view.stride)
    return map_of_segments(segments, view, categories, config=config)


def map_of_segments(
    segments: CutSegments, view: CutView, categories: Categories, *, config: CutConfig
) -> PanopticMap:
    """Score, up-sample, drop what is too small or too doubtful.

    Args:
        segments: Of the cut of `view`.
        view: Costs and logits of one image.
        categories: What the category indices mean.
        config: Solver, up-sampling, score and thresholds; see `CutConfig`.
    """
    scores = segment_scores(segments, view, kind=config.score)
    pixels = pixel_segments(segments, view, guided=config.upsampling == "guided")
    is_thing = view.problem.splittable[segments.categories]
    number = np.where(is_thing, np.cumsum(is_thing), 0).astype(np.int32)
    things = [
        Thing(int(c), float(s)) for c, s in zip(segments.categories[is_thing], scores[is_thing], strict=True)
    ]
    return assembled(
        segments.categories.astype(np.uint8)[pixels],
        number[pixels],
        things,
        categories=categories,
        thresholds=config,
    )


def cut_segments(problem: GridProblem, config: CutConfig = _ANY_SIZE, *, stride: int = 1) -> CutSegments:
    """Solve a problem and number its segments; large ones by Algorithm 2 tile by tile.

    Args:
        problem: On the grid.
        config: Solver, local search, and whether clusters that are too small are absorbed; by default none.
        stride: Pixels of the image between neighbours on the grid, in which sizes count; 1 counts in points.

    Example:
        >>> costs = np.array([[[1.0, -2.0, 1.0, 0.0]]], np.float32)
        >>> problem = GridProblem(np.zeros((1, 1, 4), np.float32), costs, [(0, 1)], [True])
        >>> cut_segments(problem).ids.tolist()
        [[0, 0, 1, 1]]
    """
    solver = solver_with_min_size(config.solver, config.least_points(stride))
    cut = solve_large(problem, solver=solver, refine=config.refine)
    num_classes = len(problem.splittable)
    keys = np.where(problem.splittable[cut.labels], num_classes + cut.clusters, cut.labels)
    category_of = np.full(num_classes + cut.clusters.max() + 1, -1, np.int64)
    category_of[keys] = cut.labels
    is_used = category_of >= 0
    return CutSegments((np.cumsum(is_used, dtype=np.int32) - 1)[keys], category_of[is_used])


def solve_large(problem: GridProblem, *, solver: str | Solver, refine: bool = False) -> Cut:
    """`intarsia.cut.solve`, which cuts a large grid by Algorithm 2 tile by tile and on all cores.

    Example:
        >>> problem = GridProblem(np.zeros((1, 1, 2), np.float32), [[[1.0, 0.0]]], [(0, 1)], [True])
        >>> solve_large(problem, solver="contraction").clusters.tolist()
        [[0, 0]]
    """
    solver = solver_named(solver)
    if not isinstance(solver, Contraction) or math.prod(problem.shape) <= _LARGE_POINTS:
        return solve(problem, solver=solver, refine=refine)
    return solve(problem, solver=solver, refine=refine, tile=_TILE_POINTS, threads=os.cpu_count() or 1)


def segment_scores(segments: CutSegments, view: CutView, *, kind: Score = "costs") -> Float[np.ndarray, " s"]:
    """How sure each segment is, in (0, 1), larger is surer.

    With the costs of a segment p of class l,

        "costs": minus the mean of c_V(i, l) over p, minus the mean of c_E over the pairs that p cuts, plus
            the mean of c_E over the pairs inside p;
        "released": the mean logit of l in p; and for each offset, over the number of points of the whole
            grid, the summed c_E of pairs inside p minus that of pairs that p cuts;
        "probability": the mean probability of l in p.

    The first two are any number u and become 1/2 + u / (2 + 2 |u|), which keeps their order.

    Source: Abbas and Swoboda 2021 (COPS), eq. (11), its sign turned round, and their released code. The
    mean is over the points of p, and "inside" means both ends in p.
    """
    num = len(segments.categories)
    count = sum(np.bincount(segments.ids[rows].ravel(), minlength=num) for rows in _bands(segments.ids.shape))

    def mean(values: np.ndarray) -> np.ndarray:
        total = np.zeros(num)
        for rows in _bands(segments.ids.shape):
            ids = segments.ids[rows]
            chosen = np.take_along_axis(values[:, rows], segments.categories[ids][None], axis=0)
            total += np.bincount(ids.ravel(), chosen.ravel(), minlength=num)
        return total / count

    if kind == "probability":
        return mean(softmax(view.logits))
    cut, inside = _pair_sums(segments, view.problem)  # each 2 o s: sums of costs, numbers of pairs
    if kind == "released":
        surety = mean(view.logits) + (inside[0] - cut[0]).sum(axis=0) / segments.ids.size
    else:
        (cut_sum, num_cut), (inside_sum, num_inside) = cut.sum(axis=1), inside.sum(axis=1)
        surety = inside_sum / np.maximum(num_inside, 1) - cut_sum / np.maximum(num_cut, 1)
        surety -= mean(view.problem.node_costs)
    return 0.5 + surety / (2 + 2 * np.abs(surety))


def pixel_segments(segments: CutSegments, view: CutView, *, guided: bool) -> Int32[np.ndarray, "h w"]:
    """The segment of each pixel.

    Args:
        segments: Of the cut of `view`.
        view: Logits and size of one image.
        guided: Whether logits choose where segments meet; else each pixel takes the one of its grid point.
    """
    if guided:
        return upsampled_segments(
            segments.ids, segments.categories, view.logits, size=view.size, stride=view.stride
        )
    height, width = view.size
    return segments.ids.repeat(view.stride, axis=0).repeat(view.stride, axis=1)[:height, :width]


def _bands(shape: tuple[int, int]) -> Iterator[slice]:
    """The rows of a grid, so many at a time that what is computed of them is small beside the grid."""
    step = max(_BAND_POINTS // max(shape[1], 1), 1)
    return (slice(first, min(first + step, shape[0])) for first in range(0, shape[0], step))


def _pair_sums(segments: CutSegments, problem: GridProblem) -> tuple[np.ndarray, np.ndarray]:
    """Of each offset and segment: summed costs and numbers of the pairs that it cuts, and of those inside."""
    num = len(segments.categories)
    cut, inside = np.zeros((2, 2, len(problem.offsets), num))
    for o, offset in enumerate(problem.offsets.tolist()):
        starts, stops = pair_slices(problem.shape, offset)
        from_ids, to_ids = segments.ids[starts], segments.ids[stops]
        for rows in _bands(from_ids.shape):
            first, second = from_ids[rows].ravel(), to_ids[rows].ravel()
            costs = problem.affinity_costs[o][starts][rows].ravel()
            same = first == second
            inside[0, o] += np.bincount(first[same], costs[same], minlength=num)
            inside[1, o] += np.bincount(first[same], minlength=num)
            ends, at_ends = np.concatenate([first[~same], second[~same]]), np.tile(costs[~same], 2)
            cut[0, o] += np.bincount(ends, at_ends, minlength=num)
            cut[1, o] += np.bincount(ends, minlength=num)
    return cut, inside
