"""Values are those of the file, in the same place and of the same number of channels as the picture."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

from intarsia.pictures.reading import read_image
from intarsia.pictures.values import read_values

RAMP = (np.arange(24, dtype=np.uint16).reshape(4, 6) * 170).astype(np.uint16)


def png(image: Image.Image, **options) -> bytes:
    file = BytesIO()
    image.save(file, "PNG", **options)
    return file.getvalue()


def test_twelve_bits_in_sixteen_stay_what_they_are(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", RAMP)
    assert np.array_equal(read_values(tmp_path / "a.tif")[..., 0], RAMP)
    assert np.array_equal(read_values(png(Image.fromarray(RAMP)))[..., 0], RAMP)
    assert read_image(tmp_path / "a.tif").max() == 255


def test_floats_and_planes_of_a_tiff_stay_what_they_are(tmp_path: Path):
    values = RAMP.astype(np.float32) / 7
    tifffile.imwrite(tmp_path / "a.tif", values)
    assert np.array_equal(read_values(tmp_path / "a.tif")[..., 0], values)
    planes = np.stack([RAMP, RAMP + 1, RAMP + 2])
    tifffile.imwrite(tmp_path / "b.tif", planes, photometric="rgb", planarconfig="separate")
    assert np.array_equal(read_values(tmp_path / "b.tif"), planes.transpose(1, 2, 0))


def test_gray_has_one_channel_and_colour_three_without_alpha():
    gray = Image.fromarray(RAMP.astype(np.uint8))
    assert read_values(png(gray)).shape == (4, 6, 1)
    assert read_values(png(gray.convert("RGB"))).shape == (4, 6, 3)
    assert read_values(png(gray.convert("RGBA"))).shape == (4, 6, 3)
    assert read_values(png(gray.convert("P"))).shape == (4, 6, 3)


@pytest.mark.parametrize("tag", range(1, 9))
def test_they_are_turned_as_the_picture_is(tag: int):
    exif = Image.Exif()
    exif[0x0112] = tag
    content = png(Image.fromarray(RAMP.astype(np.uint8)), exif=exif)
    assert np.array_equal(read_values(content)[..., 0], read_image(content)[..., 0])


def test_what_is_no_picture_is_refused_as_by_the_reader():
    with pytest.raises(ValueError, match="must be a readable image"):
        read_values(b"text")


def test_a_page_of_a_stack_can_be_chosen(tmp_path: Path):
    tifffile.imwrite(tmp_path / "a.tif", np.stack([RAMP, RAMP + 1]), photometric="minisblack")
    assert np.array_equal(read_values(tmp_path / "a.tif", page=1)[..., 0], RAMP + 1)
