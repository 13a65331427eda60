"""Reading and writing videos as 8-bit RGB pictures, by PyAV."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from jaxtyping import UInt8

from intarsia._check import fail
from intarsia._files import whole

__all__ = ["VIDEO_SUFFIXES", "Frame", "VideoWriter", "frame_rate", "read_frames", "read_timed_frames"]

VIDEO_SUFFIXES = frozenset({".mp4", ".avi", ".mkv", ".mov", ".webm", ".m4v"})
"""Which files are taken for videos."""

TICK_S = Fraction(1, 90_000)
"""The clock of written videos, in seconds: the usual rates are whole numbers of it."""
MAX_RATE = 240
"""What encoders are told at most: a browser's recordings claim 1000 frames a second."""

Picture = UInt8[np.ndarray, "h w 3"]


@dataclass(frozen=True, eq=False)
class Frame:
    """A picture of a video, upright, and when it is shown.

    Attributes:
        picture: The frame as 8-bit RGB.
        time_s: Seconds after the first frame.
        duration_s: How long it is shown, where the file says; else as the rate says.
    """

    picture: Picture
    time_s: Fraction
    duration_s: Fraction


def read_frames(path: str | Path) -> Iterator[Picture]:
    """The frames of a video as 8-bit RGB, upright as players show them.

    Raises:
        ValueError: The file is no video that can be read, or PyAV is not installed.
    """
    return (frame.picture for frame in read_timed_frames(path))


def read_timed_frames(path: str | Path) -> Iterator[Frame]:
    """The frames of a video with their times, which need not be equally far apart (phones, browsers).

    Raises:
        ValueError: As `read_frames`.
    """
    with _open(path) as container:
        usual = 1 / _rate_of(container)
        start = last = None
        try:
            for frame in container.decode(video=0):
                stamp = None if frame.pts is None else frame.pts * frame.time_base
                time = (stamp - (start or 0)) if stamp is not None else (0 if last is None else last + usual)
                if start is None and stamp is not None:
                    start, time = stamp, 0
                last = Fraction(time)
                lasts = Fraction(frame.duration * frame.time_base) if frame.duration else usual
                yield Frame(_upright(frame), last, lasts)
        except _av().error.FFmpegError as error:
            fail(str(path), "a whole video", f"a broken one ({error.strerror})")


def frame_rate(path: str | Path) -> Fraction:
    """Frames a second, on average; 25 where the file does not say.

    Raises:
        ValueError: As `read_frames`.
    """
    with _open(path) as container:
        return _rate_of(container)


class VideoWriter:
    """Writes pictures of one size into an MP4 file, in a `with` block that leaves the whole file or none."""

    def __init__(self, path: Path, *, rate: Fraction) -> None:
        """Take the name; the block opens the file.

        Args:
            path: The file; its folder is made.
            rate: Frames a second, for frames that are added without their times.
        """
        self._path, self._rate = path, rate
        self._usual, self._next = 1 / rate, Fraction(0)
        self._last_tick = -1
        self._durations: dict[int, int] = {}  # of frames that the encoder holds, by their times

    def __enter__(self) -> VideoWriter:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = whole(self._path)
        self._container = _av().open(str(self._file.__enter__()), "w")
        codecs = _av().codecs_available
        name = next(codec for codec in ("libx264", "h264", "mpeg4") if codec in codecs)
        self._stream = self._container.add_stream(name, rate=min(self._rate, Fraction(MAX_RATE)))
        self._stream.codec_context.time_base = TICK_S
        self._stream.codec_context.max_b_frames = 0  # else times of decoding decide how long the file lasts
        self._stream.pix_fmt = "yuv420p"
        self._stream.width = self._stream.height = 0
        return self

    def __exit__(self, *error: Any) -> None:
        try:
            if error == (None, None, None):
                self._write(None)
        finally:
            self._container.close()
            self._file.__exit__(*error)

    def add(
        self, picture: Picture, *, time_s: Fraction | None = None, duration_s: Fraction | None = None
    ) -> None:
        """Add a frame; the first one decides the size, whose odd row or column is repeated once.

        Args:
            picture: The frame, in the size of the first.
            time_s: When it is shown; after the frame before where that is not given.
            duration_s: How long it is shown.
        """
        height, width = (side + side % 2 for side in picture.shape[:2])
        if not self._stream.width:
            self._stream.width, self._stream.height = width, height
        padding = ((0, height - picture.shape[0]), (0, width - picture.shape[1]), (0, 0))
        even = np.ascontiguousarray(np.pad(picture, padding, mode="edge"))
        frame = _av().VideoFrame.from_ndarray(even, format="rgb24")
        time_s, lasts = self._next if time_s is None else time_s, duration_s or self._usual
        frame.time_base = TICK_S
        frame.pts = self._last_tick = max(round(time_s / TICK_S), self._last_tick + 1)
        frame.duration = max(round(lasts / TICK_S), 1)
        self._next = time_s + lasts
        self._durations[frame.pts] = frame.duration
        self._write(frame)

    def _write(self, frame: Any) -> None:
        for packet in self._stream.encode(frame):
            packet.duration = self._durations.pop(packet.pts, packet.duration)  # encoders write the usual one
            self._container.mux(packet)


def _upright(frame: Any) -> Picture:
    """The picture by the frame's display matrix, which the cameras of phones write instead of turning pixels.

    A stored (x, y) is shown at (a x + c y, b x + d y), but for a shift.
    Source: ISO 14496-12, 6.2.2: a, b, u, c, d, v, x, y, w, of which a, b, c, d are 16.16 fixed point.
    """
    picture = frame.to_ndarray(format="rgb24")
    data = frame.side_data.get("DISPLAYMATRIX")
    if data is None:
        return picture
    a, b, _, c, d, *_ = np.frombuffer(bytes(data), np.int32).tolist()
    if abs(b) > abs(a):
        picture, right, down = picture.swapaxes(0, 1), c, b
    else:
        right, down = a, d
    return np.ascontiguousarray(picture[:: -1 if down < 0 else 1, :: -1 if right < 0 else 1])


def _rate_of(container: Any) -> Fraction:
    return Fraction(container.streams.video[0].average_rate or 25)


def _open(path: str | Path) -> Any:
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
