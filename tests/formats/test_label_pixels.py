"""The numbers of label images: those that were written, from every program, or a refusal in a sentence."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from intarsia.errors import InputError
from intarsia.formats.label_image import num_pages, read_labels, read_page
from tests.pictures.test_orientation import ORIENTATION, stored_for, write_photo

CELLS = np.kron(np.array([[0, 1, 1], [2, 0, 3]]), np.ones((4, 5), int))


@pytest.mark.parametrize("photometric", ["minisblack", "miniswhite"])
@pytest.mark.parametrize("kind", ["bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int64"])
@pytest.mark.parametrize("num", [1, 3])
def test_tiffs_give_the_numbers_that_were_written(tmp_path: Path, photometric: str, kind: str, num: int):
    """Whether 0 is shown black or white; so does every program that measures objects."""
    pages = np.stack([CELLS * (n + 1) for n in range(num)]).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric=photometric)
    got = np.stack(read_labels(tmp_path / "a.tif"))
    assert np.array_equal(got, tifffile.imread(tmp_path / "a.tif").reshape(num, *CELLS.shape))
    assert np.array_equal(got, pages)


@pytest.mark.parametrize(
    "options",
    [
        {"byteorder": ">"},
        {"bigtiff": True},
        {"compression": "zlib", "predictor": True},
        {"compression": "lzw", "tile": (16, 16)},
        {"compression": "zstd"},
        {"ome": True},
        {"imagej": True},
        {"imagej": True, "truncate": True},
        {"truncate": True},
        {"metadata": None, "rowsperstrip": 3},
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", ["uint16", "uint32", "uint64", "float32", "float64"])
@pytest.mark.parametrize("num", [1, 3])
def test_labels_of_every_depth_and_packing_come_back(
    tmp_path: Path, options: dict[str, Any], kind: str, num: int
):
    if kind == "uint64" and (options.get("ome") or options.get("predictor")):
        kind = "uint32"  # what OME and tifffile's predictor have
    if options.get("imagej") and kind in ("uint32", "uint64", "float64"):
        kind = "uint16"  # what ImageJ has
    if options.get("truncate") and num == 1:
        num = 2
    pages = np.stack([CELLS * (n + 1) for n in range(num)]).astype(kind)
    tifffile.imwrite(tmp_path / "a.tif", pages, photometric="minisblack", **options)
    assert num_pages(tmp_path / "a.tif") == num
    assert np.array_equal(np.stack(read_labels(tmp_path / "a.tif")), pages)
    assert np.array_equal(read_page(tmp_path / "a.tif", num - 1), pages[-1])


@given(st.integers(1, 4), st.integers(1, 3), st.booleans(), st.booleans())
def test_the_planes_of_a_hyperstack_are_pages(slices: int, stains: int, truncate: bool, ome: bool):
    with TemporaryDirectory() as folder:
        path = Path(folder) / "a.tif"
        planes = np.arange(slices * stains, dtype=np.uint16)
        pages = np.broadcast_to(planes[:, None, None], (len(planes), 3, 4)).reshape(slices, stains, 3, 4)
        options: dict[str, Any] = {"ome": True} if ome else {"imagej": True, "truncate": truncate}
        tifffile.imwrite(path, pages, photometric="minisblack", metadata={"axes": "ZCYX"}, **options)
        assert [page[0, 0] for page in read_labels(path)] == planes.tolist()


@pytest.mark.parametrize("tag", range(1, 9))
def test_labels_are_turned_like_their_photo(tmp_path: Path, tag: int):
    upright = np.array([[0, 1, 1], [0, 2, 3]], np.uint8)
    stored = stored_for(upright, tag)
    extra = [(ORIENTATION, "H", 1, tag, True)]
    tifffile.imwrite(tmp_path / "a.tif", stored, photometric="minisblack", extratags=extra)
    write_photo(tmp_path / "a.png", stored, tag)
    for name in ("a.tif", "a.png"):
        assert read_labels(tmp_path / name)[0].tolist() == upright.tolist()


def test_a_palette_gives_its_numbers_and_gray_colours_their_gray(tmp_path: Path):
    palette = Image.fromarray(CELLS.astype(np.uint8))
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    palette.save(tmp_path / "palette.png")
    palette.save(tmp_path / "palette.tif")
    gray = np.repeat(CELLS.astype(np.uint8)[..., None], 3, axis=2)
    Image.fromarray(gray).save(tmp_path / "gray.png")
    opaque = np.concatenate([gray, np.full((*CELLS.shape, 1), 255, np.uint8)], axis=2)
    Image.fromarray(opaque).save(tmp_path / "opaque.png")
    Image.fromarray(opaque[..., [0, 3]].copy(), "LA").save(tmp_path / "gray_alpha.png")
    for path in sorted(tmp_path.iterdir()):
        assert np.array_equal(read_labels(path)[0], CELLS), path.name


def test_what_changes_numbers_holds_no_labels(tmp_path: Path):
    cells = Image.fromarray((CELLS * 60).astype(np.uint8))
    cells.save(tmp_path / "jpeg_as.png", "JPEG")
    cells.save(tmp_path / "a.jpg")
    cells.save(tmp_path / "a.webp")
    cells.save(tmp_path / "jpeg_in.tif", compression="jpeg")
    for name, codec in (("jpeg_as.png", "JPEG"), ("a.jpg", "JPEG"), ("a.webp", "WEBP")):
        with pytest.raises(
            InputError, match=rf"{name}` must be .* keeps numbers \(PNG, TIFF\), got the format {codec}"
        ):
            read_labels(tmp_path / name)
    with pytest.raises(InputError, match=r"jpeg_in.tif` must be .* keeps numbers .*, got one packed as JPEG"):
        read_labels(tmp_path / "jpeg_in.tif")


@pytest.mark.parametrize(
    ("values", "got"),
    [
        (np.array([[0.0, 0.5]], np.float32), "0.5"),
        (np.array([[0.0, np.nan]], np.float32), "nan"),
        (np.array([[0, -3]], np.int16), "-3"),
        (np.array([[0, 1 << 31]], np.uint32), "2147483648"),
        (np.array([[0, 1 << 40]], np.int64), "1099511627776"),
    ],
)
def test_other_numbers_than_labels_are_named(tmp_path: Path, values: np.ndarray, got: str):
    tifffile.imwrite(tmp_path / "a.tif", values)
    with pytest.raises(InputError, match=f"a label image of whole numbers from 0 to 2\\^31 - 1, got {got}"):
        read_labels(tmp_path / "a.tif")


def test_colours_are_no_labels(tmp_path: Path):
    colors = np.random.default_rng(0).integers(0, 255, (4, 4, 3), np.uint8)
    Image.fromarray(colors).save(tmp_path / "a.png")
    tifffile.imwrite(tmp_path / "a.tif", colors.astype(np.uint16), photometric="rgb")
    for name in ("a.png", "a.tif"):
        with pytest.raises(InputError, match="one whole number from 0 a pixel, got 3 channels of colour"):
            read_labels(tmp_path / name)


def test_damaged_and_missing_files_are_named(tmp_path: Path):
    Image.fromarray(CELLS.astype(np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes((tmp_path / "a.png").read_bytes()[:60])
    (tmp_path / "c.tif").write_bytes(b"II*\0\x08\0\0\0")
    (tmp_path / "d.png").write_text("no picture")
    for name in ("b.png", "c.tif", "d.png", "none.png"):
        assert num_pages(tmp_path / name) == 1
        with pytest.raises(InputError, match=rf"{name}` must be a (readable|TIFF with a picture)"):
            read_labels(tmp_path / name)
