"""Clips as phones and browsers record them: upright like photos, each frame at its time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

import intarsia
from intarsia.errors import InputError
from intarsia.pictures.video import VideoWriter, frame_rate, read_frames, read_timed_frames

HEIGHT, WIDTH = 48, 64
ONE = 1 << 16
MATRICES = {
    "as it is": (ONE, 0, 0, ONE),
    "clockwise": (0, ONE, -ONE, 0),
    "upside down": (-ONE, 0, 0, -ONE),
    "counter-clockwise": (0, -ONE, ONE, 0),
    "mirrored": (-ONE, 0, 0, ONE),
}
"""a, b, c, d of the display matrix of a stored clip."""


def scene() -> np.ndarray:
    """Red above, a blue block at the left below: no turn and no mirror image is the same."""
    picture = np.full((HEIGHT, WIDTH, 3), 90, np.uint8)
    picture[:12] = 230, 20, 20
    picture[30:, :16] = 20, 20, 230
    return picture


def write_clip(path: Path, picture: np.ndarray, matrix: tuple[int, int, int, int]) -> Path:
    """An MP4 of three frames whose track header asks to be shown by the matrix."""
    with VideoWriter(path, rate=Fraction(10)) as writer:
        for _ in range(3):
            writer.add(picture)
    content = bytearray(path.read_bytes())
    identity = b"".join(n.to_bytes(4, "big", signed=True) for n in (ONE, 0, 0, 0, ONE, 0, 0, 0, 1 << 30))
    at = content.index(identity, content.index(b"tkhd"))
    a, b, c, d = matrix
    height, width = picture.shape[:2]
    x = (width if a < 0 else 0) + (height if c < 0 else 0)
    y = (width if b < 0 else 0) + (height if d < 0 else 0)
    numbers = (a, b, 0, c, d, 0, x * ONE, y * ONE, 1 << 30)
    content[at : at + 36] = b"".join(n.to_bytes(4, "big", signed=True) for n in numbers)
    path.write_bytes(content)
    return path


def stored_of(upright: np.ndarray, turn: str) -> np.ndarray:
    """What a camera stores so that the matrix makes it upright."""
    turned = {
        "as it is": upright,
        "clockwise": np.rot90(upright, 1),
        "upside down": np.rot90(upright, 2),
        "counter-clockwise": np.rot90(upright, -1),
        "mirrored": upright[:, ::-1],
    }
    return np.ascontiguousarray(turned[turn])


@pytest.mark.parametrize("turn", MATRICES)
def test_clips_of_phones_are_upright(tmp_path: Path, turn: str):
    path = write_clip(tmp_path / "a.mp4", stored_of(scene(), turn), MATRICES[turn])
    frames = list(read_frames(path))
    assert len(frames) == 3
    for frame in frames:
        assert frame.shape == (HEIGHT, WIDTH, 3)
        assert frame[:8, :, 0].mean() > 180 > 140 > frame[16:, :, 0].mean()
        assert frame[36:, :10, 2].mean() > 180 > 140 > frame[36:, 24:, 2].mean()


def write_times(path: Path, times_ms: list[int]) -> Path:
    """Frames at these times, as a browser's recorder writes them."""
    with av.open(str(path), "w") as container:
        name = "libvpx" if path.suffix == ".webm" else "libx264"
        stream = container.add_stream(
            name, rate=1000, options={"deadline": "realtime"} if name == "libvpx" else {}
        )
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, 1000)
        for time in times_ms:
            frame = av.VideoFrame.from_ndarray(scene(), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


@pytest.mark.parametrize("suffix", [".mkv", ".webm", ".mp4"])
def test_frames_keep_their_times_and_a_copy_lasts_as_long(tmp_path: Path, suffix: str):
    times = [0, 33, 500, 533, 1400, 2000]
    path = write_times(tmp_path / f"a{suffix}", times)
    frames = list(read_timed_frames(path))
    assert [round(1000 * frame.time_s) for frame in frames] == times
    with VideoWriter(tmp_path / "copy.mp4", rate=frame_rate(path)) as writer:
        for frame in frames:
            writer.add(frame.picture, time_s=frame.time_s, duration_s=frame.duration_s)
    copies = list(read_timed_frames(tmp_path / "copy.mp4"))
    assert [round(1000 * copy.time_s) for copy in copies] == times
    with av.open(str(tmp_path / "copy.mp4")) as copy:
        assert copy.duration is not None
        lasts = copy.duration / 1e6
    assert lasts == pytest.approx(float(frames[-1].time_s + frames[-1].duration_s), abs=0.06)


def test_equal_steps_need_no_times(tmp_path: Path):
    path = write_clip(tmp_path / "a.mp4", scene(), MATRICES["as it is"])
    assert frame_rate(path) == 10
    assert [frame.time_s for frame in read_timed_frames(path)] == [0, Fraction(1, 10), Fraction(1, 5)]


def test_a_clip_that_is_cut_off_is_named(tmp_path: Path):
    path = write_times(tmp_path / "a.mp4", [0, 100])
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(InputError, match="a.mp4` must be a video that can be read"):
        list(read_frames(path))


def test_what_is_not_finished_leaves_nothing(tmp_path: Path):
    def break_off() -> None:
        with VideoWriter(tmp_path / "a.mp4", rate=Fraction(10)) as writer:
            writer.add(scene())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        break_off()
    assert list(tmp_path.iterdir()) == []


def test_frames_that_change_their_size_in_mid_clip_keep_it(tmp_path: Path):
    clip = tmp_path / "grows.mp4"
    clip.write_bytes(_stream(48, 64) + _stream(64, 96))
    sizes = [(48, 64, 3)] * 3 + [(64, 96, 3)] * 3
    assert [frame.shape for frame in read_frames(clip)] == sizes
    predictions = intarsia.predict((str(clip),), out=str(tmp_path / "out"), overlays=False)
    assert [prediction.map.size for prediction in predictions] == [size[:2] for size in sizes]


def _stream(height: int, width: int) -> bytes:
    """Three frames without a container, each of which says its size itself."""
    coder = av.VideoCodecContext.create("mjpeg", "w")
    coder.height, coder.width, coder.pix_fmt = height, width, "yuvj420p"
    coder.framerate, coder.time_base = Fraction(25), Fraction(1, 25)
    packets = []
    for number in range(3):
        frame = av.VideoFrame.from_ndarray(np.full((height, width, 3), 60 * number, np.uint8), format="rgb24")
        frame.pts = number
        packets += coder.encode(frame)
    return b"".join(bytes(packet) for packet in [*packets, *coder.encode(None)])
