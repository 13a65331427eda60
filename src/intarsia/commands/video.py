"""Videos: frames in, panoptic maps and a panoptic video out; instances keep their ids from frame to frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
from jaxtyping import UInt8

from intarsia import draw
from intarsia._check import fail
from intarsia.decoding.clip import ClipCutter
from intarsia.decoding.tracking import InstanceTracker
from intarsia.formats.coco import CocoWriter
from intarsia.formats.results import ResultFolder
from intarsia.panoptic import PanopticMap, Segment
from intarsia.pictures.video import Frame, VideoWriter, frame_rate, read_timed_frames
from intarsia.runtime.model import Model

__all__ = [
    "TrackedFrame",
    "Tracking",
    "VideoPrediction",
    "predict_video",
    "tracked_frames",
]

Picture = UInt8[np.ndarray, "h w 3"]
Tracking: TypeAlias = Literal["centres", "cut"]


@dataclass(frozen=True)
class VideoPrediction:
    """What was found in a video: the names and segments of its frames, whose maps are on disk."""

    name: str
    frames: tuple[tuple[str, tuple[Segment, ...]], ...]
    num_instances: int


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """A frame and its map, whose ids live through the video, and when it is shown."""

    picture: Picture
    map: PanopticMap
    time_s: Fraction
    duration_s: Fraction


def predict_video(
    path: Path,
    model: Model,
    writer: CocoWriter | ResultFolder,
    *,
    folder: Path | None,
    tracking: Tracking = "centres",
) -> VideoPrediction:
    """Segment a video frame by frame and follow its instances.

    Args:
        path: The video, in any format that PyAV reads.
        model: One with an embedding, or that cuts.
        writer: Takes the maps as NAME/000000.png, NAME/000001.png, ...
        folder: Where the panoptic video NAME.mp4 goes; None for none.
        tracking: Things keep their ids by their "centres" in embedding space, or by a "cut" through frames.

    Raises:
        ValueError: The video cannot be read, PyAV is not installed, or the method has no embedding, or no
            costs of pairs to cut by.
    """
    if tracking not in TRACKINGS:
        fail("tracking", " or ".join(map(repr, TRACKINGS)), repr(tracking))
    tracker = TRACKINGS[tracking](model)
    frames: list[tuple[str, tuple[Segment, ...]]] = []
    video = None
    with ExitStack() as files:
        for frame in tracked_frames(path, tracker):
            if folder is not None and video is None:
                writing = VideoWriter(folder / f"{path.stem}.mp4", rate=frame_rate(path))
                video = files.enter_context(writing)
            if video is not None:
                drawing = draw.overlay(frame.picture, frame.map, model.categories, steady=True)
                video.add(drawing, time_s=frame.time_s, duration_s=frame.duration_s)
            name = f"{path.stem}/{len(frames):06d}.png"
            writer.add(name, frame.map, time_s=float(frame.time_s))
            frames.append((name, frame.map.segments))
    return VideoPrediction(path.name, tuple(frames), tracker.num_instances)


class AbstractTracking(ABC):
    """A way to keep ids: frames in, maps in the size that the network sees out, perhaps a few frames late."""

    @abstractmethod
    def add(self, picture: Picture) -> list[PanopticMap]:
        """The maps that are decided with this frame, in order."""

    @abstractmethod
    def finish(self) -> list[PanopticMap]:
        """The maps of the frames that are left."""

    @property
    @abstractmethod
    def num_instances(self) -> int:
        """How many things have got an id so far."""


class CenterTracking(AbstractTracking):
    """Every frame alone; things go on from the nearest centre in embedding space."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._tracker = InstanceTracker(model.categories)

    def add(self, picture: Picture) -> list[PanopticMap]:
        view = self._model.view(picture)
        field = self._model.decoder.embedding_field(view)
        return [self._tracker.follow(self._model.decode(view), field, stride=self._model.stride)]

    def finish(self) -> list[PanopticMap]:
        return []

    @property
    def num_instances(self) -> int:
        return self._tracker.num_instances


class CutTracking(AbstractTracking):
    """Frames of a window cut as one problem."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._cutter = ClipCutter(model.categories, model.decoder.cut_config)

    def add(self, picture: Picture) -> list[PanopticMap]:
        view = self._model.decoder.cut_view(self._model.view(picture), self._model.categories)
        return self._cutter.add(view, np.asarray(self._model.intake.resize(picture), np.uint8))

    def finish(self) -> list[PanopticMap]:
        return self._cutter.finish()

    @property
    def num_instances(self) -> int:
        return self._cutter.num_instances


TRACKINGS: dict[Tracking, type[CenterTracking] | type[CutTracking]] = {
    "centres": CenterTracking,
    "cut": CutTracking,
}


def tracked_frames(path: Path, tracking: AbstractTracking) -> Iterator[TrackedFrame]:
    """The frames of a video with their maps, one after the other.

    Args:
        path: The video, in any format that PyAV reads.
        tracking: Before its first frame.

    Raises:
        ValueError: As `predict_video`.
    """
    waiting: deque[Frame] = deque()
    for frame in read_timed_frames(path):
        waiting.append(frame)
        yield from _with_maps(waiting, tracking.add(frame.picture))
    yield from _with_maps(waiting, tracking.finish())


def _with_maps(waiting: deque[Frame], maps: list[PanopticMap]) -> Iterator[TrackedFrame]:
    for panoptic_map in maps:
        frame = waiting.popleft()
        height, width = frame.picture.shape[:2]  # the network may have seen it smaller
        yield TrackedFrame(frame.picture, panoptic_map.resized(height, width), frame.time_s, frame.duration_s)
