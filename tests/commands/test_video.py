"""Videos: a drawn one is written, read, segmented and followed."""

from __future__ import annotations

import json
from fractions import Fraction

import numpy as np
import pytest

import intarsia
from intarsia.cli import main
from intarsia.errors import InputError
from intarsia.pictures.video import VideoWriter, frame_rate, read_frames

pytest.importorskip("av", reason="the extra `video` is not installed")


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    """Four frames of 31x45 pixels: a light square moves over a dark ground."""
    path = tmp_path_factory.mktemp("clip") / "moving.mp4"
    with VideoWriter(path, rate=Fraction(10)) as writer:
        for shift in range(4):
            picture = np.full((31, 45, 3), 40, np.uint8)
            picture[8:20, 6 + 4 * shift : 18 + 4 * shift] = 220
            writer.add(picture)
    return path


def test_a_video_is_read_as_it_was_written(clip):
    frames = list(read_frames(clip))
    assert [frame.shape for frame in frames] == [(32, 46, 3)] * 4  # even, as the codec needs it
    assert [int(frame[14, 12 + 4 * n].mean()) > 180 for n, frame in enumerate(frames)] == [True] * 4
    assert frame_rate(clip) == 10
    assert not list(clip.parent.glob("*.partial*"))


def test_a_video_becomes_maps_and_a_panoptic_video(clip, model, tmp_path, capsys):
    predictions = intarsia.predict((str(clip),), model=model, out=str(tmp_path))
    assert [one.name for one in predictions] == [f"moving/{n:06d}.png" for n in range(4)]
    assert all(one.map.size == (32, 46) for one in predictions)
    assert (tmp_path / "panoptic" / "moving_000003.png").is_file()
    assert [frame.shape for frame in read_frames(tmp_path / "overlays" / "moving.mp4")] == [(32, 46, 3)] * 4
    rows = json.loads((tmp_path / "panoptic.json").read_text())["images"]
    assert [row["time_s"] for row in rows] == [0.0, 0.1, 0.2, 0.3]
    assert "moving.mp4: 4 frames" in capsys.readouterr().out
    assert main(["predict", str(clip), "--model", model, "--out", str(tmp_path / "o"), "--no-overlays"]) == 0
    assert not (tmp_path / "o" / "overlays").exists()


def test_frames_are_cut_together_on_request(clip, model, tmp_path, capsys):
    """Also by a model with affinities, which has no embedding to follow centres in."""
    for name, chosen in (("embedding", model), ("affinities", "facades")):
        predictions = intarsia.predict((str(clip),), model=chosen, out=str(tmp_path / name), tracking="cut")
        assert [one.name for one in predictions] == [f"moving/{n:06d}.png" for n in range(4)]
        assert all(one.map.size == (32, 46) for one in predictions)
        assert len(list(read_frames(tmp_path / name / "overlays" / "moving.mp4"))) == 4
    with pytest.raises(InputError, match="`model` must be of a method with an embedding"):
        intarsia.predict((str(clip),), model="facades", out=str(tmp_path / "centres"))


def test_mistakes_are_told(clip, model, tmp_path, monkeypatch):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"no video")
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"")
    for paths, message in (
        ((str(broken),), "broken.mp4` must be a video that can be read, got an error"),
        ((str(clip), str(photo)), "`images` must be all photos or all videos, got the video"),
        ((str(clip), str(clip)), "`images` must be videos of different names"),
    ):
        with pytest.raises(InputError, match=message):
            intarsia.predict(paths, model=model, out=str(tmp_path / "out"))
    monkeypatch.setitem(__import__("sys").modules, "av", None)
    with pytest.raises(InputError, match=r"an installation without it. pip install 'intarsia\[video\]'"):
        list(read_frames(clip))
