"""Reading ids from every kind of PNG: the fast way and Pillow agree, and what holds no ids is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.formats.png import UnreadableError, read_filtered, read_ids, write_ids
from intarsia.panoptic import ids_to_rgb, rgb_to_ids
from tests.formats.png_writer import GREY, PALETTE, RGB, RGBA, png, png_of

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


def random_samples(generator: np.random.Generator, channels: int, most: int) -> np.ndarray:
    """A picture of 1 to 40 pixels a side with equal neighbours, as label maps have."""
    height, width = generator.integers(1, 41, 2)
    blocks = generator.integers(0, most, (-(-height // 5), -(-width // 7), channels))
    return np.kron(blocks, np.ones((5, 7, 1), int))[:height, :width]


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("color", "channels", "bits"), [(RGB, 3, 8), (RGBA, 4, 8), *((PALETTE, 1, 1 << n) for n in range(4))]
)
def test_every_filter_pass_and_kind_is_read_as_pillow_does(
    tmp_path: Path, color: int, channels: int, bits: int, interlaced: bool
):
    for seed in range(12):
        generator = np.random.default_rng(seed)
        samples = random_samples(generator, channels, 1 << bits)
        colors = generator.integers(0, 256, (1 << bits, 3)).astype(np.uint8)
        palette = colors.tobytes() if color == PALETTE else b""
        (tmp_path / "a.png").write_bytes(
            png_of(samples, color, generator, bits=bits, interlaced=interlaced, palette=palette)
        )
        rgb = colors[samples[..., 0]] if color == PALETTE else samples[..., :3].astype(np.uint8)
        with Image.open(tmp_path / "a.png") as image:
            assert np.array_equal(np.asarray(image.convert("RGB")), rgb)
        assert np.array_equal(read_ids(tmp_path / "a.png"), rgb_to_ids(rgb))
        plain = color != PALETTE and not interlaced
        assert (read_filtered(tmp_path / "a.png") is not None) == plain


@pytest.mark.parametrize("interlaced", [False, True])
@pytest.mark.parametrize(
    ("color", "channels", "bits"), [(GREY, 1, 8), (GREY, 1, 16), (RGB, 3, 16), (RGBA, 4, 16)]
)
def test_grey_and_16_bits_are_refused_however_they_are_stored(
    tmp_path: Path, color: int, channels: int, bits: int, interlaced: bool
):
    generator = np.random.default_rng(bits)
    samples = random_samples(generator, channels, 1 << bits)
    (tmp_path / "a.png").write_bytes(png_of(samples, color, generator, bits=bits, interlaced=interlaced))
    with pytest.raises(UnreadableError, match=f"a.png` must be a PNG with 8-bit RGB colours.*, {bits} bits"):
        read_ids(tmp_path / "a.png")


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
