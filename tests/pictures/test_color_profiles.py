"""Colours come out as the file means them, whatever container and colour space hold them."""

from __future__ import annotations

import struct
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image, ImageCms

from intarsia.errors import InputError
from intarsia.pictures.finding import find_photos, photo_suffixes
from intarsia.pictures.reading import read_image, read_size

COLOR = (200, 30, 60)
SWAPPED = [30, 200, 60]
"""What `COLOR` stands for where red means green and green red."""


def swapped_profile() -> bytes:
    """sRGB with the places of red and green exchanged, under another name."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    (num_tags,) = struct.unpack(">I", profile[128:132])
    entries = {bytes(profile[at : at + 4]): at for at in range(132, 132 + 12 * num_tags, 12)}
    red, green = (slice(entries[name] + 4, entries[name] + 12) for name in (b"rXYZ", b"gXYZ"))
    profile[red], profile[green] = profile[green], profile[red]
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be"))


def written(image: Image.Image, kind: str, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


CONTAINERS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("JPEG", {"quality": 100, "subsampling": 0}),
    ("WEBP", {"lossless": True}),
    ("AVIF", {"quality": 100}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "jpeg", "quality": 100}),
]
WITH_ALPHA = [container for container in CONTAINERS if "jpeg" not in str(container).lower()]


@pytest.mark.parametrize(
    ("mode", "kind", "options"),
    [("RGB", *container) for container in CONTAINERS] + [("RGBA", *container) for container in WITH_ALPHA],
    ids=str,
)
def test_a_colour_profile_means_the_same_in_every_container(mode: str, kind: str, options: dict[str, Any]):
    image = Image.new(mode, (16, 16), COLOR + (255,) * (mode == "RGBA"))
    content = written(image, kind, icc_profile=swapped_profile(), **options)
    assert np.abs(read_image(content)[8, 8].astype(int) - SWAPPED).max() <= 2
    plain = written(image, kind, **options)
    assert np.abs(read_image(plain)[8, 8].astype(int) - COLOR).max() <= 2


def test_a_broken_profile_changes_nothing():
    for kind in ("PNG", "TIFF"):
        content = written(Image.new("RGB", (16, 16), COLOR), kind, icc_profile=b"no profile")
        assert read_image(content)[8, 8].tolist() == list(COLOR)


def test_a_chosen_channel_is_not_changed_by_a_profile():
    content = written(Image.new("RGB", (16, 16), COLOR), "TIFF", icc_profile=swapped_profile())
    assert read_image(content, channel=0)[8, 8].tolist() == [200] * 3


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
@pytest.mark.parametrize(
    ("inks", "color"),
    [((0, 255, 255, 0), (255, 0, 0)), ((0, 0, 0, 0), (255,) * 3), ((0, 0, 0, 255), (0,) * 3)],
)
def test_inks_become_the_colour_that_they_print(kind: str, inks: tuple[int, ...], color: tuple[int, ...]):
    content = written(Image.new("CMYK", (16, 16), inks), kind)
    assert np.abs(read_image(content)[8, 8].astype(int) - color).max() <= 3


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_luma_and_chroma_become_their_colour(kind: str):
    image = Image.new("RGB", (16, 16), COLOR)
    content = written(image if kind == "JPEG" else image.convert("YCbCr"), kind)
    assert np.abs(read_image(content)[8, 8].astype(int) - COLOR).max() <= 3


def test_lightness_becomes_its_gray():
    """L* of 53.4 is the middle gray, 128 of sRGB."""
    content = BytesIO()
    Image.merge("LAB", [Image.new("L", (16, 16), v) for v in (136, 128, 128)]).save(content, "TIFF")
    assert np.abs(read_image(content.getvalue())[8, 8].astype(int) - 127).max() <= 3


def test_avif_is_read_with_its_orientation(tmp_path: Path):
    image = Image.fromarray(np.repeat(np.repeat(np.array([[0, 255]], np.uint8), 8, 1), 8, 0))
    exif = Image.Exif()
    exif[0x0112] = 6
    image.convert("RGB").save(tmp_path / "a.avif", quality=100, exif=exif)
    picture = read_image(tmp_path / "a.avif")
    assert picture.shape == (16, 8, 3)
    assert picture[:7].max() < 20
    assert picture[9:].min() > 235
    assert list(find_photos([tmp_path]).files) == ["a.avif"]


def test_heic_is_read_where_its_plugin_is(tmp_path: Path):
    pillow_heif: Any = pytest.importorskip("pillow_heif")
    pillow_heif.from_pillow(Image.new("RGB", (32, 16), COLOR)).save(tmp_path / "IMG_1.HEIC", quality=100)
    assert np.abs(read_image(tmp_path / "IMG_1.HEIC")[8, 8].astype(int) - COLOR).max() <= 4
    assert read_size(tmp_path / "IMG_1.HEIC") == (16, 32)
    assert list(find_photos([tmp_path]).files) == ["IMG_1.HEIC"]


def test_heic_is_named_with_what_to_install_where_its_plugin_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "IMG_1.HEIC").write_bytes(b"\0\0\0\x18ftypheic" + bytes(64))
    (tmp_path / "b.png").write_bytes(written(Image.new("L", (2, 2)), "PNG"))
    with pytest.raises(InputError, match=r"got no kind of image that is known. .* pip install pillow-heif"):
        read_image(tmp_path / "IMG_1.HEIC")
    photos = find_photos([tmp_path])
    assert list(photos.files) == ["b.png"]
    assert photos.num_passed_over == 1
    assert "1 .heic file (IMG_1.HEIC). They are read with: pip install pillow-heif" in photos.passed_over[0]


def test_a_picture_of_a_kind_that_this_pillow_cannot_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """A Pillow built without AVIF."""
    (tmp_path / "a.avif").write_bytes(b"\0\0\0\x1cftypavif" + bytes(64))
    tifffile.imwrite(tmp_path / "b.tif", np.zeros((2, 2), np.uint8))
    monkeypatch.delitem(Image.OPEN, "AVIF")
    assert ".avif" not in photo_suffixes()
    photos = find_photos([tmp_path])
    assert list(photos.files) == ["b.tif"]
    assert "1 .avif file (a.avif)" in photos.passed_over[0]
