"""TIFFs of every kind that microscopes, ImageJ and Photoshop write: right, or refused in a sentence."""

from __future__ import annotations

import logging
import struct
import sys
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from intarsia.errors import InputError
from intarsia.pictures.reading import num_pages, read_image, read_size

RAMP = np.linspace(0, 4095, 24 * 32).round().astype(np.uint16).reshape(24, 32)
"""What a camera of 12 bits stores in 16."""


def tiff(values: np.ndarray, **options: Any) -> bytes:
    file = BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


@pytest.fixture
def no_imagecodecs(monkeypatch: pytest.MonkeyPatch):
    """An installation without the package for compressions."""
    for name in [name for name in sys.modules if name.startswith(("imagecodecs", "tifffile"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"planarconfig": "separate"},
        {"compression": "zlib", "predictor": True, "tile": (16, 16)},
        {"byteorder": ">"},
        {"bigtiff": True, "compression": "lzma"},
        {"ome": True},
        {"metadata": None, "rowsperstrip": 5},
    ],
    ids=str,
)
@pytest.mark.parametrize("num_channels", [3, 4])
def test_twelve_bits_in_sixteen_are_stretched_like_gray(options: dict[str, Any], num_channels: int):
    planar = options.get("planarconfig") == "separate" or not options
    values = np.stack([RAMP] * num_channels, axis=0 if planar else -1)
    gray = read_image(tiff(RAMP, photometric="minisblack"))
    assert gray.max() == 255
    assert gray.min() == 0
    assert np.array_equal(read_image(tiff(values, photometric="rgb", **options)), gray)


def test_planes_that_tifffile_writes_by_default_are_not_mixed_up():
    values = np.zeros((3, 24, 32), np.uint16)
    values[0] = np.arange(32) * 2114  # red rises to the right, green and blue are 0
    row = read_image(tiff(values, photometric="rgb"))[10]
    assert row[[0, 10, 31], 0].tolist() == [0, 82, 255]
    assert row[:, 1:].max() == 0


@pytest.mark.parametrize("kind", ["uint8", "uint16", "uint32", "float32", "bool"])
def test_white_is_zero_shows_small_values_bright(kind: str):
    values = (np.arange(24 * 32).reshape(24, 32) % 2).astype(kind)
    if kind == "uint8":
        values *= 255
    got = read_image(tiff(values, photometric="miniswhite"))
    assert got[0, 0].tolist() == [255] * 3
    assert got[0, 1].tolist() == [0] * 3


def test_a_mask_that_tifffile_writes_is_no_negative_for_pillow_only():
    """tifffile writes a bool array as white-is-zero: seen as a picture, `True` is black."""
    assert read_image(tiff(np.array([[True, False]]))).tolist() == [[[0] * 3, [255] * 3]]


def test_float_pictures_are_stretched_and_what_is_no_number_is_black():
    values = RAMP.astype(np.float32) / 4095
    values[0, :2] = np.nan, np.inf
    got = read_image(tiff(values))
    assert got[0, 0, 0] == 0
    assert got[0, 1, 0] == 255
    assert np.abs(got[1:].astype(int) - read_image(tiff(RAMP))[1:]).max() <= 1


@pytest.mark.parametrize("truncate", [False, True])
def test_a_page_and_a_channel_of_an_imagej_hyperstack_are_chosen(truncate: bool):
    values = np.zeros((3, 2, 24, 32), np.uint8)
    for page in range(3):
        for channel in range(2):
            values[page, channel] = 10 * page + channel
    file = tiff(values, imagej=True, metadata={"axes": "ZCYX"}, truncate=truncate)
    assert num_pages(file) == 3
    assert read_size(file) == (24, 32)
    assert read_image(file, page=2, channel=1)[0, 0].tolist() == [21] * 3
    assert read_image(file, page=1, channel=(1, 0))[0, 0].tolist() == [11, 10, 0]
    choices: list[tuple[dict[str, Any], str]] = [
        ({}, "a file of one page where no page is chosen, got 3 pages. Choose one with `page`, 0 to 2"),
        ({"page": 3}, r"`page` must be in \[0, 3\) for image, got 3"),
        ({"page": 0}, "where no channel is chosen, got 2 channels. Choose with `channel`, 0 to 1"),
        ({"page": 0, "channel": 2}, r"`channel` must be in \[0, 2\) for image, got 2"),
        ({"page": 0, "channel": (0, 1, 0, 1)}, "`channel` must be one to three numbers, got 4"),
    ]
    for choice, sentence in choices:
        with pytest.raises(InputError, match=sentence):
            read_image(file, **choice)


def test_ome_channels_are_called_by_their_names():
    names = {"axes": "CYX", "Channel": {"Name": ["DAPI", "GFP"]}}
    file = tiff(np.zeros((2, 24, 32), np.uint16), ome=True, photometric="minisblack", metadata=names)
    with pytest.raises(InputError, match=r"got 2 channels \(DAPI, GFP\). Choose with `channel`"):
        read_image(file)


def test_more_samples_than_colours_need_a_choice():
    file = tiff(np.stack([RAMP] * 5), planarconfig="separate", photometric="minisblack")
    with pytest.raises(InputError, match="got 5 channels"):
        read_image(file)
    assert np.array_equal(read_image(file, channel=4), read_image(tiff(RAMP)))


def test_a_fourth_sample_that_is_not_alpha_needs_a_choice():
    values = np.zeros((24, 32, 4), np.uint8)
    alpha = tiff(values, photometric="rgb", extrasamples=["unassalpha"])
    assert read_image(alpha).shape == (24, 32, 3)
    other = tiff(values, photometric="rgb", extrasamples=["unspecified"])
    with pytest.raises(InputError, match="got 4 channels"):
        read_image(other)


def test_pages_of_different_sizes_keep_their_order():
    file = BytesIO()
    with tifffile.TiffWriter(file) as writer:
        for n, shape in enumerate([(4, 5), (6, 7), (4, 5)]):
            writer.write(np.full(shape, n, np.uint8), metadata=None)
    assert num_pages(file.getvalue()) == 3
    assert [read_image(file.getvalue(), page=n)[0, 0, 0] for n in range(3)] == [0, 1, 2]
    assert [read_image(file.getvalue(), page=n).shape[:2] for n in range(3)] == [(4, 5), (6, 7), (4, 5)]


def test_a_description_that_promises_more_planes_than_there_are_is_refused():
    file = tiff(RAMP, description="ImageJ=1.53t\nimages=3\nslices=3\n", metadata=None)
    with pytest.raises(InputError, match="a TIFF of 3 planes as its description says, got 1"):
        read_image(file)


def test_palettes_become_colours():
    table = np.zeros((3, 256), np.uint16)
    table[:, 7] = 65535, 0, 32896
    file = tiff(np.full((24, 32), 7, np.uint8), photometric="palette", colormap=table)
    assert read_image(file)[0, 0].tolist() == [255, 0, 128]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "LAB"])
def test_other_colour_spaces_become_rgb(mode: str):
    """A saturated red stays a red, whatever the file calls it."""
    lab_red = Image.merge("LAB", [Image.new("L", (8, 8), v) for v in (136, 208, 195)])
    image = lab_red if mode == "LAB" else Image.new("RGB", (8, 8), (255, 0, 0)).convert(mode)
    file = BytesIO()
    image.save(file, "TIFF")
    red, green, blue = read_image(file.getvalue())[3, 3].tolist()
    assert red > 240
    assert max(green, blue) < 30


@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate", "zstd"])
def test_what_pillow_writes_is_read(compression: str):
    values = np.kron(np.arange(12, dtype=np.uint8).reshape(3, 4, 1) * 20, np.ones((8, 8, 3), np.uint8))
    file = BytesIO()
    Image.fromarray(values).save(file, "TIFF", compression=compression)
    tolerance = 4 if compression == "jpeg" else 0
    assert np.abs(read_image(file.getvalue()).astype(int) - values).max() <= tolerance


@pytest.mark.usefixtures("no_imagecodecs")
def test_common_compressions_are_read_without_the_package_for_them():
    for values in (RAMP, (RAMP // 16).astype(np.uint8), np.stack([RAMP // 16] * 3, -1).astype(np.uint8)):
        packed, plain = BytesIO(), BytesIO()
        Image.fromarray(values).save(packed, "TIFF", compression="tiff_lzw")
        Image.fromarray(values).save(plain, "TIFF")
        assert np.array_equal(read_image(packed.getvalue()), read_image(plain.getvalue()))


def test_a_compression_that_needs_the_package_says_so(no_imagecodecs: None, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as context:
        context.undo()  # written with the package
        file = tiff(np.stack([RAMP] * 3), photometric="rgb", compression="lzw")
    for name in [name for name in sys.modules if name.startswith(("imagecodecs", "tifffile"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "imagecodecs", None)
    with pytest.raises(
        InputError, match=r"whose compression can be read, .*LZW.* pip install 'intarsia\[mic"
    ):
        read_image(file)


def test_damaged_files_are_named():
    whole = tiff(RAMP, compression="zlib")
    for content in (whole[: len(whole) // 2], whole[:9], b"II*\0\xff\xff\xff\x7f", b"MM\0*" + bytes(20)):
        with pytest.raises(InputError, match="`image` must be "):
            read_image(content)


def test_a_damaged_jpeg_in_a_tiff_is_one_sentence_and_nothing_else(capfd: pytest.CaptureFixture[str]):
    """libtiff would add lines of its own, such as "JPEGLib: Bogus marker length."."""
    file = BytesIO()
    Image.fromarray(np.stack([RAMP // 16] * 3, -1).astype(np.uint8)).save(file, "TIFF", compression="jpeg")
    damaged = bytearray(file.getvalue())
    scan = damaged.index(b"\xff\xda")
    damaged[scan + 4 : scan + 8] = b"\xff" * 4  # which colours the scan has
    with pytest.raises(InputError, match="`image` must be a readable image, got a damaged TIFF"):
        read_image(bytes(damaged))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("bigtiff", [False, True])
def test_pages_that_lead_in_a_circle_are_refused(bigtiff: bool):
    """The second directory says that it is followed by itself, or by the first."""
    whole = tiff(np.stack([RAMP, RAMP]), photometric="minisblack", bigtiff=bigtiff)
    with tifffile.TiffFile(BytesIO(whole)) as opened:
        first, second = (page.offset for page in opened.pages)
        form = opened.tiff
    (num_tags,) = struct.unpack(form.tagnoformat, whole[second : second + form.tagnosize])
    end = second + form.tagnosize + num_tags * form.tagsize
    for after in (first, second):
        circle = bytearray(whole)
        circle[end : end + form.offsetsize] = after.to_bytes(form.offsetsize, "little")
        for read in (read_image, num_pages, read_size):
            with pytest.raises(InputError, match="a readable image, got a damaged TIFF .* in a circle"):
                read(bytes(circle))


def test_a_bomb_is_refused():
    file = bytearray(tiff(np.zeros((8, 8), np.uint8), metadata=None, compression="zlib"))
    with tifffile.TiffFile(BytesIO(bytes(file))) as opened:
        tags = opened.pages.first.tags
        places = [tags[name].valueoffset for name in ("ImageWidth", "ImageLength")]
    for place in places:
        file[place : place + 2] = (40_000).to_bytes(2, "little")
    with pytest.raises(InputError, match="an image of at most 89478485 pixels, got one of 40000x40000"):
        read_image(bytes(file))


def test_every_file_is_not_one_more_who_hears_the_warnings_of_all():
    """A handler a file made the ten-thousandth damaged TIFF a hundred times slower than the first."""
    read_image(tiff(np.eye(4, dtype=np.uint8)))
    before = list(logging.getLogger("tifffile").handlers)
    for _ in range(3):
        read_image(tiff(np.eye(4, dtype=np.uint8)))
    assert logging.getLogger("tifffile").handlers == before
