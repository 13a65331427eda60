"""Reading ids from every kind of PNG: the fast way and Pillow agree, and what holds no ids is refused."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.formats.png import UnreadableError, read_filtered, read_ids, write_ids
from intarsia.panoptic import ids_to_rgb

IDS = np.repeat(np.random.default_rng(0).integers(0, 1 << 24, (7, 5)), 9, axis=1)[:, :43]


@pytest.mark.parametrize("level", [0, 1, 6, 9])
def test_what_is_written_is_read(tmp_path: Path, level: int):
    Image.fromarray(ids_to_rgb(IDS)).save(tmp_path / "a.png", compress_level=level)
    assert np.array_equal(read_ids(tmp_path / "a.png"), IDS)
    assert read_filtered(tmp_path / "a.png") is not None


def test_alpha_is_left_out(tmp_path: Path):
    alpha = np.random.default_rng(1).integers(0, 256, (*IDS.shape, 1))
    rgba = np.concatenate([ids_to_rgb(IDS), alpha.astype(np.uint8)], axis=-1)
    Image.fromarray(rgba).save(tmp_path / "a.png")
    assert np.array_equal(read_ids(tmp_path / "a.png"), IDS)


def test_a_palette_holds_the_ids(tmp_path: Path):
    image = Image.fromarray((np.arange(12).reshape(3, 4) % 3).astype(np.uint8)).convert("P")
    image.putpalette([1, 0, 0, 2, 1, 0, 0, 0, 1])
    image.save(tmp_path / "a.png")
    assert read_ids(tmp_path / "a.png").ravel().tolist() == [1, 258, 65536] * 4


def test_an_interlaced_png_is_read(tmp_path: Path):
    """A 1x1 picture has one pass of one pixel: the interlace flag alone makes it another kind of file."""
    (tmp_path / "a.png").write_bytes(png(1, 1, 8, 2, b"\0\x07\x01\x00", interlaced=1))
    assert read_ids(tmp_path / "a.png").tolist() == [[263]]
    assert read_filtered(tmp_path / "a.png") is None


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (lambda: png(1, 1, 16, 2, b"\0" + bytes(6)), "mode RGB, 16 bits"),
        (lambda: png(1, 1, 8, 0, b"\0\5"), "mode L, 8 bits"),
        (lambda: png(1, 1, 16, 0, b"\0\5\5"), "16 bits"),
        (lambda: png(2, 2, 8, 2, b"\0" + bytes(6))[:40], "a readable panoptic PNG, got "),
        (lambda: png(2, 2, 8, 2, b"\0" + bytes(6)), "with 14 bytes of pixels, as its header says, got 7"),
        (lambda: png(1, 1, 8, 2, b"\7" + bytes(3)), "a readable panoptic PNG, got OSError"),
        (lambda: png(30000, 30000, 8, 2, b"\0"), "a readable panoptic PNG, got DecompressionBombError"),
        (lambda: b"GIF89a", "a PNG, got a file that starts with b'GIF89a'"),
        (lambda: b"", "a PNG, got a file that starts with b''"),
    ],
)
def test_what_holds_no_ids_is_refused_with_its_name(tmp_path: Path, content: Any, sentence: str):
    (tmp_path / "a.png").write_bytes(content())
    with pytest.raises(UnreadableError, match=r"a\.png` must be .*" + sentence):
        read_ids(tmp_path / "a.png")


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path):
    with pytest.raises(UnreadableError, match="none.png` must be a readable panoptic PNG, got No such file"):
        read_ids(tmp_path / "none.png")
    with pytest.raises(UnreadableError, match="got Is a directory"):
        read_ids(tmp_path)


def test_ids_of_more_than_three_bytes_are_not_written(tmp_path: Path):
    with pytest.raises(ValueError, match=r"below 2\^24 to fit into a PNG, got 16777216"):
        write_ids(tmp_path / "a.png", np.array([[1 << 24]]))
    assert not list(tmp_path.iterdir())


def png(width: int, height: int, bits: int, color: int, rows: bytes, *, interlaced: int = 0) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    frame = [
        struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(frame)
