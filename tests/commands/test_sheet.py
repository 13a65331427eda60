"""The contact sheet: photos, not maps alone; outlines and a colour an instance; broken ones left out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands.sheet import SIDE_PX, write_sheet
from intarsia.formats.coco import CocoWriter
from intarsia.formats.coco_folder import read_coco_folder
from intarsia.panoptic import PanopticMap, Segment

FACADES = Categories.named("facades")
WINDOW, FACADE = 1, 6


def sheet_of(folder: Path, *, count: int = 1, size: tuple[int, int] = (60, 90)) -> np.ndarray:
    """A facade with two windows, on a photo that is dark on the left and light on the right."""
    ids = np.full(size, 3)
    ids[10:30, 10:30], ids[10:30, 50:70] = 1, 2
    segments = [Segment(3, FACADE), Segment(1, WINDOW), Segment(2, WINDOW)]
    (folder / "images").mkdir(exist_ok=True)
    with CocoWriter(folder / "panoptic.json", FACADES) as writer:
        for n in range(count):
            writer.add(f"photo {n}.png", PanopticMap(ids, segments))
    (part,) = read_coco_folder(folder)
    write_sheet(folder / "sheet.png", [(source, part.categories) for source in part.maps])
    with Image.open(folder / "sheet.png") as image:
        return np.asarray(image).astype(int)


def write_photo(path: Path, size: tuple[int, int] = (60, 90)) -> None:
    pixels = np.zeros((*size, 3), np.uint8)
    pixels[:, size[1] // 2 :] = 255
    path.parent.mkdir(exist_ok=True)
    Image.fromarray(pixels).save(path)


def tile_of(sheet: np.ndarray) -> np.ndarray:
    """The first tile of 60 x 90: the sheet has a gap of 4, and a title of 14 above."""
    return sheet[4 + 14 : 4 + 14 + 60, 4 : 4 + 90]


def test_the_photo_shows_through_and_each_window_has_its_colour(tmp_path: Path):
    write_photo(tmp_path / "images" / "photo 0.png")
    tile = tile_of(sheet_of(tmp_path))
    assert tile[50, 80].sum() > tile[50, 20].sum() + 300
    left, right = tile[20, 20], tile[20, 60] - 0.65 * 255
    assert np.abs(left - right).max() > 20
    assert tile[10, 20].sum() > tile[20, 20].sum()  # the rim of a thing is lighter


@pytest.mark.parametrize("size", [None, (30, 40)])
def test_without_a_photo_of_its_size_the_map_lies_on_gray(tmp_path: Path, size: tuple[int, int] | None):
    if size is not None:
        write_photo(tmp_path / "images" / "photo 0.png", size)
    tile = tile_of(sheet_of(tmp_path))
    assert np.abs(tile[50, 80] - tile[50, 20]).max() == 0
    assert np.abs(tile[20, 20] - tile[20, 60]).max() > 20


def test_large_maps_become_small_ones(tmp_path: Path):
    sheet = sheet_of(tmp_path, size=(100, 2 * SIDE_PX))
    assert sheet.shape[1] < SIDE_PX + 40


def test_of_many_maps_the_first_are_shown(tmp_path: Path):
    sheet = sheet_of(tmp_path, count=30)
    assert sheet.shape[0] == sheet_of(tmp_path, count=24).shape[0]


def test_a_sheet_of_nothing_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"must be a sheet of at least one map, got none that can be read"):
        write_sheet(tmp_path / "sheet.png", [])


def test_an_unwritable_sheet_is_refused_and_leaves_nothing(tmp_path: Path):
    sheet_of(tmp_path)
    (part,) = read_coco_folder(tmp_path)
    tiles = [(part.maps[0], part.categories)]
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"sheet.xyz` must be a writable PNG or JPEG"):
        write_sheet(tmp_path / "sheet.xyz", tiles)
    with pytest.raises(ValueError, match=r"sheet.png` must be a writable PNG or JPEG, got No such file"):
        write_sheet(tmp_path / "none" / "sheet.png", tiles)
    assert sorted(tmp_path.iterdir()) == before
