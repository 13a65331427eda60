"""Videos: frames in, panoptic maps and a panoptic video out; instances keep their ids from frame to frame."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from jaxtyping import UInt8

from intarsia import draw
from intarsia._check import fail
from intarsia.decoding.tracking import InstanceTracker
from intarsia.formats.coco import CocoWriter
from intarsia.methods.images import as_image
from intarsia.methods.method import AbstractMethod
from intarsia.panoptic import PanopticMap, Segment

__all__ = [
    "VIDEO_SUFFIXES",
    "TrackedFrame",
    "VideoPrediction",
    "VideoWriter",
    "predict_video",
    "tracked_frames",
]

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v"})
"""Which files are taken for videos."""

Picture = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True)
class VideoPrediction:
    """What was found in a video: the names and segments of its frames, whose maps are on disk."""

    name: str
    frames: tuple[tuple[str, tuple[Segment, ...]], ...]
    num_instances: int


@dataclass(frozen=True, eq=False)
class TrackedFrame:
    """A frame and its map, whose ids live through the video."""

    picture: Picture
    map: PanopticMap


def predict_video(
    path: Path, method: AbstractMethod, writer: CocoWriter, *, folder: Path | None
) -> VideoPrediction:
    """Segment a video frame by frame and follow its instances.

    Args:
        path: The video.
        method: A method with an embedding, ready to predict.
        writer: Takes the maps as NAME/000000.png, NAME/000001.png, ...
        folder: Where the panoptic video NAME.mp4 goes; None for none.

    Raises:
        ValueError: The video cannot be read, PyAV is not installed, or the method has no embedding.
    """
    tracker = InstanceTracker(method.categories)
    frames: list[tuple[str, tuple[Segment, ...]]] = []
    video = None
    try:
        for frame in tracked_frames(path, method, tracker):
            if folder is not None and video is None:
                video = VideoWriter(folder / f"{path.stem}.mp4", rate=frame_rate(path))
            if video is not None:
                video.add(draw.overlay(frame.picture, frame.map, method.categories, steady=True))
            name = f"{path.stem}/{len(frames):06d}.png"
            writer.add(name, frame.map)
            frames.append((name, frame.map.segments))
    except BaseException:
        if video is not None:
            video.abandon()
        raise
    if video is not None:
        video.close()
    return VideoPrediction(path.name, tuple(frames), tracker.num_instances)


@torch.inference_mode()
def tracked_frames(path: Path, method: AbstractMethod, tracker: InstanceTracker) -> Iterator[TrackedFrame]:
    """The frames of a video with their maps, one after the other.

    Raises:
        ValueError: As `predict_video`.
    """
    device = next(method.parameters()).device
    for picture in read_frames(path):
        output = method(as_image(picture)[None].to(device))
        [found] = method.decode(output, [picture.shape[:2]])
        field = method.embedding_field(output)
        yield TrackedFrame(picture, tracker.follow(found, field, stride=method.stride))


def read_frames(path: Path) -> Iterator[Picture]:
    """The frames of a video as 8-bit RGB.

    Raises:
        ValueError: The file is no video that can be read, or PyAV is not installed.
    """
    with _opened(path) as container:
        try:
            for frame in container.decode(video=0):
                yield frame.to_ndarray(format="rgb24")
        except _av().error.FFmpegError as error:
            fail(str(path), "a whole video", f"a broken one ({error.strerror})")


def frame_rate(path: Path) -> Fraction:
    """Frames a second, 25 where the file does not say.

    Raises:
        ValueError: As `read_frames`.
    """
    with _opened(path) as container:
        return Fraction(container.streams.video[0].average_rate or 25)


class VideoWriter:
    """Writes pictures of one size into an MP4 file that appears under its name when it is whole."""

    def __init__(self, path: Path, *, rate: Fraction) -> None:
        """Open the file beside its name."""
        self._path, self._partial = path, path.with_name(path.stem + ".partial.mp4")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._container = _av().open(str(self._partial), "w")
        codecs = _av().codecs_available
        name = next(codec for codec in ("libx264", "h264", "mpeg4") if codec in codecs)
        self._stream = self._container.add_stream(name, rate=rate)
        self._stream.pix_fmt = "yuv420p"
        self._stream.width = self._stream.height = 0

    def add(self, picture: Picture) -> None:
        """Add a frame; the first one decides the size, whose odd row or column is repeated once."""
        height, width = (side + side % 2 for side in picture.shape[:2])
        if not self._stream.width:
            self._stream.width, self._stream.height = width, height
        padding = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
        even = np.ascontiguousarray(np.pad(picture, padding, mode="edge"))
        for packet in self._stream.encode(_av().VideoFrame.from_ndarray(even, format="rgb24")):
            self._container.mux(packet)

    def close(self) -> None:
        """Finish the file."""
        for packet in self._stream.encode():
            self._container.mux(packet)
        self._container.close()
        self._partial.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind."""
        self._container.close()
        self._partial.unlink(missing_ok=True)


def _opened(path: Path) -> Any:
    av = _av()
    try:
        container = av.open(str(path))
    except (av.error.FFmpegError, OSError) as error:
        fail(str(path), "a video that can be read", f"an error ({error.strerror})")
    if not container.streams.video:
        container.close()
        fail(str(path), "a video", "a file without a picture")
    return container


def _av() -> ModuleType:
    try:
        import av
    except ImportError:
        fail("video", "read with PyAV", "an installation without it", hint="pip install 'intarsia[video]'")
    return av
