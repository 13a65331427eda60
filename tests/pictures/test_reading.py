"""Reading images: any kind becomes RGB, and a broken one is named."""

from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image

from intarsia.pictures.reading import read_image

RAMP = np.arange(48, dtype=np.uint8).reshape(6, 8) * 5


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16", "I", "F"])
def test_every_mode_becomes_rgb(mode: str, tmp_path):
    path = tmp_path / "image.tif" if mode in ("CMYK", "I", "F") else tmp_path / "image.png"
    image = (
        Image.fromarray(RAMP.astype(np.uint16) * 100)
        if mode == "I;16"
        else Image.fromarray(RAMP).convert(mode)
    )
    image.save(path)
    got = read_image(path)
    assert got.dtype == np.uint8
    assert got.shape == (6, 8, 3)
    assert got[0, 0].max() < got[5, 7].min()


def test_a_12_bit_picture_in_16_bits_is_not_black(tmp_path):
    Image.fromarray(np.linspace(0, 4095, 10_000).astype(np.uint16).reshape(100, 100)).save(tmp_path / "a.png")
    got = read_image(tmp_path / "a.png")
    assert got.min() == 0
    assert got.max() == 255
    assert abs(float(got.mean()) - 127.5) < 1


def test_a_flat_deep_picture_is_black(tmp_path):
    Image.fromarray(np.full((3, 3), 700, np.uint16)).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").max() == 0


def test_a_photo_is_turned_unless_the_stored_pixels_are_asked_for(tmp_path):
    image = Image.fromarray(np.repeat(RAMP[..., None], 3, axis=2))
    exif = image.getexif()
    exif[0x0112] = 6  # turn by 90 degrees clockwise
    image.save(tmp_path / "a.png", exif=exif)
    stored, upright = read_image(tmp_path / "a.png", upright=False), read_image(tmp_path / "a.png")
    assert stored.shape == (6, 8, 3)
    assert np.array_equal(upright, np.rot90(stored, -1))


def test_a_missing_image_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none\.png` must be an image, got no such file"):
        read_image(tmp_path / "none.png")


@pytest.mark.parametrize("kind", ["png", "jpg", "tif", "bmp", "gif", "webp"])
def test_a_truncated_image_is_named(kind: str, tmp_path):
    path = tmp_path / f"cut.{kind}"
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ValueError, match=rf"cut\.{kind}` must be a readable image, got"):
        read_image(path)


def test_text_is_no_image(tmp_path):
    (tmp_path / "a.jpg").write_text("hello")
    with pytest.raises(ValueError, match="must be a readable image, got no kind of image that is known"):
        read_image(tmp_path / "a.jpg")


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (1, 1)).save(path)
    claim = b"IHDR" + struct.pack(">IIBBBBB", 30_000, 30_000, 1, 0, 0, 0, 0)
    path.write_bytes(
        path.read_bytes()[:12] + claim + struct.pack(">I", zlib.crc32(claim)) + path.read_bytes()[33:]
    )
    with pytest.raises(ValueError, match=r"an image of at most 89478485 pixels, got one of 30000x30000"):
        read_image(path)


def test_a_bomb_that_is_broken_too_is_refused():
    """A GIF whose frame claims 2^31 pixels at a place beyond its edge, which nothing can open."""
    head = b"GIF87a\n\xff\xff\0\x81\0\0\x80\0\0\1\1\1\2\2\2\3\3\3,\0\0\0\0\n\0\x08\xff\xff\xff\x7f\0\1\x08"
    with pytest.raises(
        ValueError, match="`image` must be an image of at most 89478485 pixels, got one of more"
    ):
        read_image(head + bytes(20))


def test_a_picture_just_over_the_limit_is_refused_too(tmp_path):
    Image.new("1", (10_000, 9_000)).save(tmp_path / "large.png")
    with pytest.raises(ValueError, match="got one of 9000x10000"):
        read_image(tmp_path / "large.png")
