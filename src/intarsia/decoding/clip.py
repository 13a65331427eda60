"""Clips as one problem: frames of a window are joined along the motion and cut once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float32, Int32, Int64, UInt8

from intarsia._check import fail
from intarsia.cut import Cut, CutProblem, Greedy, Stats, solve
from intarsia.cut.offsets import pair_slices
from intarsia.decoding.cut import CutSegments, cut_segments
from intarsia.decoding.cut_view import CutConfig, CutView
from intarsia.decoding.layers import Layer, layer_maps, layer_of, overlap_log_odds
from intarsia.decoding.lost_things import LostThings, places_of
from intarsia.decoding.motion import block_means, grid_motion
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["ClipCutter", "window_problem"]


@dataclass(frozen=True, eq=False)
class Frame:
    """A frame on its grid.

    Attributes:
        view: Its cut problem.
        colors: What it looks like.
        segments: Of its cut alone.
        motion: Rows and columns by which each point of the frame before moved; zeros in the first.
    """

    view: CutView
    colors: Float32[np.ndarray, "hs ws 3"]
    segments: CutSegments
    motion: Int32[np.ndarray, "hs ws 2"]


class ClipCutter:
    """Frames in, maps out in which a thing has one id; a few frames late, as they are cut together.

    Each window begins with the last frame of the window before and with that frame's answer: from there and
    from the cuts of single frames the solver goes on. What is lost for a while, behind something else or
    because a frame does not show it well, is known again by its place, which moves with the camera.

    Source: ours; costs between frames are those of `overlap_log_odds` along the motion.

    Example:
        >>> from intarsia.panoptic import Category
        >>> ball = Categories([Category(7, "ball", True, (0, 0, 0))])
        >>> from intarsia.cut import GridProblem
        >>> costs = np.zeros((1, 2, 3), np.float32)
        >>> view = CutView(GridProblem(costs, costs + 1, [(0, 1)], [True]), costs, (2, 3), 1)
        >>> cutter = ClipCutter(ball, CutConfig(min_thing_px=1), window=2)
        >>> still = np.zeros((2, 3, 3), np.uint8)
        >>> maps = cutter.add(view, still) + cutter.add(view, still) + cutter.finish()
        >>> [[segment.id for segment in each.segments] for each in maps]
        [[2, 3], [2, 3]]
    """

    def __init__(
        self, categories: Categories, config: CutConfig, *, window: int = 2, memory: int = 15
    ) -> None:
        """Start before the first frame.

        Args:
            categories: What the category indices mean.
            config: Up-sampling, score and thresholds; see `CutConfig`.
            window: Frames that are cut together, of which one is shared with the window before; 2, the least,
                whose costs are small.
            memory: Frames for which a thing that is not seen is remembered; 15, half a second at 30 frames a
                second.

        Raises:
            ValueError: The window has fewer than two frames.
        """
        if window < 2:
            fail("window", "2 frames or more", window)
        self.categories = categories
        self.num_instances = 0
        self._config = config
        self._window = window
        self._frames: list[Frame] = []
        self._known: Layer | None = None  # the answer of the first of the frames, if it is out already
        self._lost = LostThings(memory)

    def add(self, view: CutView, picture: UInt8[np.ndarray, "h w 3"]) -> list[PanopticMap]:
        """Take the next frame.

        Args:
            view: Its cut problem, on a grid as large as those before.
            picture: What it looks like, to see where its points came from.

        Returns:
            The maps of frames that are decided now, none or several, in order.

        Raises:
            ValueError: The frame has another size than those before.
        """
        if self._frames and view.size != self._frames[-1].view.size:
            height, width = self._frames[-1].view.size
            fail("view", f"of a frame of {height}x{width} as those before", "x".join(map(str, view.size)))
        colors = block_means(picture, stride=view.stride)
        motion = (
            grid_motion(self._frames[-1].colors, colors)
            if self._frames
            else np.zeros((*colors.shape[:2], 2), np.int32)
        )
        alone = cut_segments(view.problem, self._config, stride=view.stride)
        self._frames.append(Frame(view, colors, alone, motion))
        return self._cut() if len(self._frames) == self._window else []

    def finish(self) -> list[PanopticMap]:
        """The maps of the frames that are left."""
        waiting = len(self._frames) - (self._known is not None)
        return self._cut() if waiting else []

    def _cut(self) -> list[PanopticMap]:
        frames, past = self._frames, self._known
        problem = window_problem(frames)
        cut = solve(problem, solver=Greedy(start=self._start()))
        shape = (len(frames), *frames[0].segments.ids.shape)
        layers = [
            layer_of(labels, clusters, problem.splittable)
            for labels, clusters in zip(cut.labels.reshape(shape), cut.clusters.reshape(shape), strict=True)
        ]
        layers = self._name_layers(layers)
        self._frames, self._known = frames[-1:], layers[-1]
        fresh = slice(past is not None, None)
        views = [frame.view for frame in frames]
        return layer_maps(layers[fresh], views[fresh], self.categories, config=self._config)

    def _start(self) -> Cut:
        """Frames as they were cut alone, the first as it is known; each split by the segments before it.

        The solver puts pieces together and moves single points, but it does not find out by itself that half
        of a segment belongs elsewhere: so two that run together are two pieces where they were two before.
        """
        segments = [frame.segments for frame in self._frames]
        if self._known is not None:
            segments[0] = self._known.segments
        pieces = [segments[0].ids.astype(np.int64)]
        for (before, after), frame in zip(pairwise(segments), self._frames[1:], strict=True):
            here, there = moved_points(frame.motion)
            came_from = np.zeros(after.ids.size, np.int64)  # 0 is nowhere
            came_from[there] = 1 + before.ids.ravel()[here]
            pieces.append(after.ids * (1 + len(before.categories)) + came_from.reshape(after.ids.shape))
        first = np.cumsum([0, *(int(piece.max()) + 1 for piece in pieces)])
        numbers = [n + piece.ravel() for n, piece in zip(first, pieces, strict=False)]
        labels = np.concatenate([frame.categories[frame.ids].ravel() for frame in segments])
        clusters = np.unique(np.concatenate(numbers), return_inverse=True)[1].ravel()
        return Cut(labels.astype(np.int32), clusters.astype(np.int32), 0.0, Stats(0.0, True, ()))

    def _name_layers(self, layers: Sequence[Layer]) -> list[Layer]:
        """The layers with numbers that live through the clip."""
        name_of = {} if self._known is None else shared_names(self._known, layers[0])
        fresh = layers if self._known is None else layers[1:]
        for layer, frame in zip(fresh, self._frames[len(layers) - len(fresh) :], strict=True):
            self._lost.pass_frame(frame.motion)
            places = places_of(layer)
            unknown = {thing: place for thing, place in places.items() if thing not in name_of}
            name_of |= self._lost.recognise(unknown, taken=set(name_of.values()))
            for thing in sorted(unknown.keys() - name_of.keys()):
                self.num_instances += 1
                name_of[thing] = self.num_instances
            self._lost.see({name_of[thing]: place for thing, place in places.items()})
        named_layers = []
        for layer in layers:
            names = [name_of.get(thing, 0) for thing in layer.things.tolist()]
            named_layers.append(Layer(layer.segments, np.array(names, np.int64)))
        return named_layers


def shared_names(known: Layer, again: Layer) -> dict[int, int]:
    """What the things of a frame that is cut once more were called, the largest overlaps first."""
    pairs = np.stack([again.things[again.segments.ids].ravel(), known.things[known.segments.ids].ravel()])
    pairs, common = np.unique(pairs, axis=1, return_counts=True)
    name_of: dict[int, int] = {}
    taken: set[int] = set()
    for index in np.argsort(-common, kind="stable"):
        thing, name = pairs[:, index].tolist()
        if thing and name and thing not in name_of and name not in taken:
            name_of[thing] = name
            taken.add(name)
    return name_of


def window_problem(frames: Sequence[Frame]) -> CutProblem:
    """The frames as one graph: each one's own costs, and its points joined with where they moved to.

    Args:
        frames: In order, on grids of one size.
    """
    shape, splittable = frames[0].view.problem.shape, frames[0].view.problem.splittable
    index = np.arange(np.prod(shape), dtype=np.int32).reshape(shape)
    edges: list[np.ndarray] = []
    costs: list[np.ndarray] = []
    # within each frame: its own pairs
    for number, frame in enumerate(frames):
        problem = frame.view.problem
        for plane, offset in zip(problem.affinity_costs, problem.offsets.tolist(), strict=True):
            first, second = pair_slices(shape, offset)
            edges.append(
                number * index.size + np.stack([index[first].ravel(), index[second].ravel()], axis=1)
            )
            costs.append(plane[first].ravel())
    # from each frame to the next: a point and where it moved
    for number, (before, after) in enumerate(pairwise(frames)):
        here, there = moved_points(after.motion)
        log_odds = overlap_along(before.segments, after.segments, here, there, is_thing=splittable)
        edges.append(number * index.size + np.stack([here, index.size + there], axis=1))
        costs.append(log_odds)
    node_costs = [frame.view.problem.node_costs.reshape(len(splittable), -1).T for frame in frames]
    return CutProblem(
        np.concatenate(node_costs),
        np.concatenate(edges),
        np.concatenate(costs),
        splittable,
    )


def moved_points(
    motion: Int32[np.ndarray, "hs ws 2"],
) -> tuple[Int64[np.ndarray, " m"], Int64[np.ndarray, " m"]]:
    """The numbers of the points that stay on the grid, and of where they went."""
    height, width = motion.shape[:2]
    rows, columns = np.indices((height, width)) + np.moveaxis(motion, -1, 0)
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return np.flatnonzero(inside), (rows * width + columns)[inside]


def overlap_along(
    before: CutSegments,
    after: CutSegments,
    points: Int64[np.ndarray, " m"],
    targets: Int64[np.ndarray, " m"],
    *,
    is_thing: Bool[np.ndarray, " k"],
) -> Float32[np.ndarray, " m"]:
    """`overlap_log_odds` between points of two frames."""
    first = CutSegments(before.ids.ravel()[None, points], before.categories)
    second = CutSegments(after.ids.ravel()[None, targets], after.categories)
    return overlap_log_odds(first, second, is_thing=is_thing)[0]
