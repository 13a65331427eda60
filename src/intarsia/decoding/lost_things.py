"""Things that are out of sight for a while: where they would be now, and whether something there is one."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int32

from intarsia.decoding.layers import Layer

__all__ = ["LostThings", "Place", "places_of"]

WHOLE = 0.85
"""Of the radius that a thing had: a smaller one means that something hides a part of it."""
REACH = 1.3
"""How far from its place a thing may be seen again, in radii: a part of it lies beside its centre."""
FADING = 0.98
"""What a remembered radius loses in a frame, as things may go away."""


@dataclass(frozen=True, eq=False, slots=True)
class Place:
    """Where a thing is on the grid of a frame.

    Attributes:
        category_index: What it is.
        center: Row and column of the mean of its points.
        radius: Of the disc of as many points.
    """

    category_index: int
    center: Float[np.ndarray, " 2"]
    radius: float


def places_of(layer: Layer) -> dict[int, Place]:
    """The places of a frame's things, by their numbers.

    Example:
        >>> from intarsia.decoding.cut import CutSegments
        >>> segments = CutSegments(np.array([[0, 0, 1]], np.int32), np.array([4, 5]))
        >>> places_of(Layer(segments, np.array([9, 0])))[9].center.tolist()
        [0.0, 0.5]
    """
    ids = layer.segments.ids.ravel()
    rows, columns = np.divmod(np.arange(ids.size), layer.segments.ids.shape[1])
    counts = np.bincount(ids, minlength=len(layer.things))
    centers = np.stack(
        [np.bincount(ids, axis, minlength=len(counts)) / counts for axis in (rows, columns)], 1
    )
    radii = np.sqrt(counts / np.pi)
    return {
        int(thing): Place(int(category), center, float(radius))
        for thing, category, center, radius in zip(
            layer.things, layer.segments.categories, centers, radii, strict=True
        )
        if thing
    }


class LostThings:
    """Remembers where things were last seen, and moves them along with the camera.

    Source: ours.

    Example:
        >>> lost = LostThings(memory=2)
        >>> lost.see({5: Place(0, np.array([2.0, 2.0]), 1.5)})
        >>> lost.pass_frame(np.full((4, 4, 2), (0, 1), np.int32))
        >>> lost.recognise({77: Place(0, np.array([2.0, 3.4]), 1.0)}, taken=set())
        {77: 5}
    """

    def __init__(self, memory: int) -> None:
        """Start before the first frame; `memory` is the number of frames for which a thing is remembered."""
        self._memory = memory
        self._places: dict[int, Place] = {}
        self._last_seen: dict[int, int] = {}
        self._frame = 0

    def pass_frame(self, motion: Int32[np.ndarray, "hs ws 2"]) -> None:
        """Go on to the next frame.

        Args:
            motion: How far each point moved; the median is the camera's.
        """
        self._frame += 1
        step = np.median(motion.reshape(-1, 2), axis=0)
        for name in [name for name, last in self._last_seen.items() if self._frame - last > self._memory]:
            del self._places[name], self._last_seen[name]
        for name, place in self._places.items():
            self._places[name] = replace(place, center=place.center + step, radius=FADING * place.radius)

    def see(self, places: Mapping[int, Place]) -> None:
        """Note where things are now, by their names.

        What is much smaller than it was is hidden in part: where the whole of it lies is known from before.
        """
        for name, place in places.items():
            whole = self._places.get(name)
            if whole is None or place.radius >= WHOLE * whole.radius:
                self._places[name] = place
        self._last_seen |= dict.fromkeys(places, self._frame)

    def recognise(self, unknown: Mapping[int, Place], *, taken: Set[int]) -> dict[int, int]:
        """The names of things that are where one of their category would be: no farther than its radius.

        Args:
            unknown: Places of things without a name, by their numbers.
            taken: Names that others have.
        """
        pairs = [
            (float(np.linalg.norm(place.center - lost.center)), thing, name)
            for thing, place in unknown.items()
            for name, lost in self._places.items()
            if name not in taken and lost.category_index == place.category_index
        ]
        names: dict[int, int] = {}
        for distance, thing, name in sorted(pairs):
            near = distance <= REACH * self._places[name].radius
            if near and thing not in names and name not in names.values():
                names[thing] = name
        return names
