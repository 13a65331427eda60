"""Videos: frames in, panoptic maps and a panoptic video out; instances keep their ids from frame to frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from intarsia import draw
from intarsia.decoding.tracking import InstanceTracker
from intarsia.formats.coco import CocoWriter
from intarsia.formats.results import ResultFolder
from intarsia.panoptic import PanopticMap, Segment
from intarsia.pictures.video import VideoWriter, frame_rate, read_timed_frames
from intarsia.runtime.model import Model

__all__ = [
    "TrackedFrame",
    "VideoPrediction",
    "predict_video",
    "tracked_frames",
]

Picture = UInt8[np.ndarray, "h w 3"]


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
    path: Path, model: Model, writer: CocoWriter | ResultFolder, *, folder: Path | None
) -> VideoPrediction:
    """Segment a video frame by frame and follow its instances.

    Args:
        path: The video, in any format that PyAV reads.
        model: One with an embedding.
        writer: Takes the maps as NAME/000000.png, NAME/000001.png, ...
        folder: Where the panoptic video NAME.mp4 goes; None for none.

    Raises:
        ValueError: The video cannot be read, PyAV is not installed, or the method has no embedding.
    """
    tracker = InstanceTracker(model.categories)
    frames: list[tuple[str, tuple[Segment, ...]]] = []
    video = None
    try:
        for frame in tracked_frames(path, model, tracker):
            if folder is not None and video is None:
                video = VideoWriter(folder / f"{path.stem}.mp4", rate=frame_rate(path))
            if video is not None:
                drawing = draw.overlay(frame.picture, frame.map, model.categories, steady=True)
                video.add(drawing, time_s=frame.time_s, duration_s=frame.duration_s)
            name = f"{path.stem}/{len(frames):06d}.png"
            writer.add(name, frame.map, time_s=float(frame.time_s))
            frames.append((name, frame.map.segments))
    except BaseException:
        if video is not None:
            video.abandon()
        raise
    if video is not None:
        video.close()
    return VideoPrediction(path.name, tuple(frames), tracker.num_instances)


def tracked_frames(path: Path, model: Model, tracker: InstanceTracker) -> Iterator[TrackedFrame]:
    """The frames of a video with their maps, one after the other.

    Raises:
        ValueError: As `predict_video`.
    """
    for frame in read_timed_frames(path):
        view = model.view(frame.picture)
        field = model.decoder.embedding_field(view)
        tracked = tracker.follow(model.decode(view), field, stride=model.stride)
        yield TrackedFrame(frame.picture, tracked, frame.time_s, frame.duration_s)
