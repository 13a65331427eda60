"""Clips with known truth, made from photos: a camera that pans, and something near that passes by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import UInt8

from intarsia.panoptic import PanopticMap

STRIP_PX = 40
STRIP_STEP_PX = 12


@dataclass(frozen=True, eq=False)
class Photo:
    """A picture and its truth."""

    picture: UInt8[np.ndarray, "h w 3"]
    truth: PanopticMap


def panned(photo: Photo, *, frames: int, step: int) -> Iterator[Photo]:
    """The upper left quarter, then `step` pixels to the right a frame; the truth keeps its ids."""
    height, width = (side // 2 for side in photo.truth.size)
    for time in range(frames):
        columns = slice(step * time, step * time + width)
        ids = photo.truth.ids[:height, columns]
        yield Photo(photo.picture[:height, columns], PanopticMap.keeping_visible(ids, photo.truth.segments))


def passed_by(photo: Photo, near: Photo, *, frames: int, step: int) -> Iterator[Photo]:
    """The same pan, before which a strip of another photo passes from right to left.

    It is 40 pixels wide and moves by 12 a frame, so what it hides is away for three frames or four.
    """
    first = 1 + max(segment.id for segment in photo.truth.segments)
    segments = [replace(s, id=first + s.id) for s in near.truth.segments]
    middle = near.truth.size[1] // 2
    for time, frame in enumerate(panned(photo, frames=frames, step=step)):
        height, width = frame.truth.size
        left = width - STRIP_PX - STRIP_STEP_PX * time
        seen = slice(max(left, 0), max(left + STRIP_PX, 0))
        source = slice(middle + seen.start - left, middle + seen.stop - left)
        picture, ids = frame.picture.copy(), frame.truth.ids.copy()
        strip = near.truth.ids[:height, source]
        picture[:, seen] = near.picture[:height, source]
        ids[:, seen] = np.where(strip > 0, first + strip, 0)
        yield Photo(picture, PanopticMap.keeping_visible(ids, [*frame.truth.segments, *segments]))
