"""What a file says about the size of its pixels, and what it only seems to say."""

from __future__ import annotations

import math

import numpy as np
import pytest
import tifffile
from PIL import Image

from intarsia.formats.resolution import Resolution, resolution_of

PIXELS = np.zeros((4, 6), np.uint8)


def write(path, **options):
    tifffile.imwrite(path, PIXELS, **options)
    return resolution_of(path)


def test_centimetres_in_a_tiff_are_the_size_of_a_pixel(tmp_path):
    """20,000 pixels a centimetre are 0.5 micrometres each; 10,000 are 1."""
    read = write(tmp_path / "a.tif", resolution=(20000, 10000), resolutionunit="CENTIMETER")
    assert read == Resolution((20000, 1), (10000, 1), 3, "", (1.0, 0.5))


@pytest.mark.parametrize(("unit", "um"), [("um", 0.25), ("micron", 0.25), ("nm", 0.00025), ("mm", 250.0)])
def test_the_unit_of_imagej_is_understood_and_kept(tmp_path, unit, um):
    read = write(tmp_path / "a.tif", imagej=True, resolution=(4, 4), metadata={"unit": unit})
    assert read is not None
    assert (read.unit, read.imagej_unit, read.pixel_size_um) == (1, unit, (um, um))


def test_a_unit_that_is_no_length_says_nothing(tmp_path):
    read = write(tmp_path / "a.tif", imagej=True, resolution=(4, 4), metadata={"unit": "pixel"})
    assert read is not None
    assert (read.imagej_unit, read.pixel_size_um) == ("", None)


def test_ome_says_the_size_with_and_without_a_unit(tmp_path):
    sizes = {"PhysicalSizeX": 0.5, "PhysicalSizeXUnit": "µm", "PhysicalSizeY": 250, "PhysicalSizeYUnit": "nm"}
    read = write(tmp_path / "a.ome.tif", ome=True, metadata={"axes": "YX", **sizes})
    assert read is not None
    assert read.pixel_size_um == (0.25, 0.5)
    plain = write(tmp_path / "b.ome.tif", ome=True, metadata={"PhysicalSizeX": 2.0, "PhysicalSizeY": 2.0})
    assert plain is not None
    assert plain.pixel_size_um == (2.0, 2.0)


def test_aperio_says_the_size_in_its_line(tmp_path):
    read = write(tmp_path / "a.tif", description="Aperio Image|AppMag = 20|MPP = 0.4990", metadata=None)
    assert read is not None
    assert read.pixel_size_um == (0.499, 0.499)


def test_inches_of_a_printer_are_kept_and_measure_nothing(tmp_path):
    read = write(tmp_path / "a.tif", resolution=(300, 300), resolutionunit="INCH")
    assert read == Resolution((300, 1), (300, 1), 2, "", None)
    fine = write(tmp_path / "b.tif", resolution=(25400, 25400), resolutionunit="INCH")
    assert fine is not None
    assert fine.pixel_size_um == (1.0, 1.0)


def test_a_file_without_resolution_has_none(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "a.png")
    assert resolution_of(tmp_path / "a.png") is None
    assert resolution_of(tmp_path / "no such file.tif") is None
    (tmp_path / "text.tif").write_text("text")
    assert resolution_of(tmp_path / "text.tif") is None


@pytest.mark.parametrize("value", [(0, 1), (1, 0), (0, 0)])
def test_tags_that_are_no_length_are_no_resolution(tmp_path, value):
    path = tmp_path / "a.tif"
    write(path, resolution=(20000, 20000), resolutionunit="CENTIMETER")
    with tifffile.TiffFile(path, mode="r+") as file:
        file.pages.first.tags["XResolution"].overwrite(value)  # pyright: ignore[reportAttributeAccessIssue]
    assert resolution_of(path) is None


def test_a_turned_photo_has_its_axes_exchanged(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(PIXELS).save(tmp_path / "a.jpg", dpi=(300, 150), exif=exif)
    read = resolution_of(tmp_path / "a.jpg")
    assert read is not None
    assert (read.x, read.y) == ((150, 1), (300, 1))


@pytest.mark.parametrize("side", [0.325, 0.5001, 1e-3, 123.456, 1e6])
def test_a_pixel_size_becomes_tags_that_say_it(side):
    resolution = Resolution.of_pixel_size((side, 2 * side))
    assert resolution.pixel_size_um == (side, 2 * side)
    assert math.isclose(1e4 * resolution.y[1] / resolution.y[0], side, rel_tol=1e-6)
    assert math.isclose(1e4 * resolution.x[1] / resolution.x[0], 2 * side, rel_tol=1e-6)
    assert max(*resolution.x, *resolution.y) < 1 << 32


@pytest.mark.parametrize("side", [0.0, -1.0, math.nan, math.inf, (1.0, 0.0)])
def test_a_pixel_size_that_is_no_length_is_refused(side):
    with pytest.raises(ValueError, match=r"`pixel_size` must be one or two lengths above 0, in micrometres"):
        Resolution.of_pixel_size(side)
