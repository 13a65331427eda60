"""Reading and writing videos as 8-bit RGB pictures, by PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import UInt8

from intarsia._check import fail

__all__ = ["VIDEO_SUFFIXES", "VideoWriter", "frame_rate", "read_frames"]

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v"})
"""Which files are taken for videos."""

Picture = UInt8[np.ndarray, "h w 3"]


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
