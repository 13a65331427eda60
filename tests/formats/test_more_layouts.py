"""KITTI-STEP, BDD100K, VOC and arrays of cells, made by hand: each pixel has the segment that was meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.commands.convert import convert
from intarsia.commands.inspect import inspect
from intarsia.data.dataset import PanopticDataset
from intarsia.formats.bdd100k import read_bdd100k
from intarsia.formats.cell_arrays import read_cell_arrays
from intarsia.formats.layout import format_of
from intarsia.formats.source import SourcePart
from intarsia.formats.step import read_step
from intarsia.formats.voc import read_voc
from tests.formats.layout_files import photo, save, shown


def step(root: Path) -> list[SourcePart]:
    """Two cars, one of number 256; a group of persons; trucks are stuff; 255 is void."""
    frame = [[[13, 0, 1], [13, 1, 0], [13, 1, 0]], [[11, 0, 0], [14, 0, 3], [255, 0, 0]]]
    save(root / "panoptic_maps" / "train" / "0000" / "000000.png", frame)
    photo(root / "images" / "train" / "0000" / "000000.png", 2, 3)
    return read_step(root)


def bdd100k(root: Path) -> list[SourcePart]:
    """A car of number 256, a crowd of cars, road, pixels to ignore, nothing."""
    mask = [[[35, 0, 1, 0], [35, 0, 1, 0], [35, 2, 0, 2]], [[7, 0, 0, 9], [0, 0, 0, 0], [35, 1, 0, 3]]]
    save(root / "labels" / "pan_seg" / "bitmasks" / "train" / "a.png", mask)
    photo(root / "images" / "10k" / "train" / "a.jpg", 2, 3)
    return read_bdd100k(root)


def voc(root: Path) -> list[SourcePart]:
    """Two persons, a dog nobody numbered, background, a border."""
    palette = [0] * 768
    for index, color in (
        (12, (64, 0, 128)),
        (15, (192, 128, 128)),
        (255, (224, 224, 192)),
        (1, (128, 0, 0)),
        (2, (0, 128, 0)),
    ):
        palette[3 * index : 3 * index + 3] = color
    for kind, rows in (
        ("SegmentationClass", [[15, 15, 12], [15, 0, 255]]),
        ("SegmentationObject", [[1, 2, 0], [2, 0, 255]]),
    ):
        image = Image.fromarray(np.array(rows, np.uint8), "P")
        image.putpalette(palette)
        (root / kind).mkdir(parents=True)
        image.save(root / kind / "a.png")
    photo(root / "JPEGImages" / "a.jpg", 2, 3)
    (root / "ImageSets" / "Segmentation").mkdir(parents=True)
    (root / "ImageSets" / "Segmentation" / "train.txt").write_text("a\n")
    return read_voc(root)


def cvat(root: Path) -> list[SourcePart]:
    """VOC as CVAT writes it: colours, and names of its own."""
    red, green, one, two = (250, 50, 83), (51, 221, 255), (128, 0, 0), (0, 128, 0)
    save(root / "SegmentationClass" / "a.png", [[red, red, green], [(0, 0, 0)] * 3])
    save(root / "SegmentationObject" / "a.png", [[one, two, (0, 0, 128)], [(0, 0, 0)] * 3])
    (root / "labelmap.txt").write_text(
        "# label:color_rgb:parts:actions\nbackground:0,0,0::\nbolt:250,50,83::\nnut:51,221,255::\n"
    )
    photo(root / "JPEGImages" / "a.png", 2, 3)
    return read_voc(root)


def pannuke(root: Path) -> list[SourcePart]:
    masks = np.zeros((1, 2, 3, 6))
    masks[0, 0, :2, 0], masks[0, 0, 2, 0], masks[0, 1, 0, 4] = 7, 8, 7
    masks[0, 1, 1:, 5] = 1
    for kind, values in (("images", np.full((1, 2, 3, 3), 80.0)), ("masks", masks)):
        (root / kind / "fold1").mkdir(parents=True)
        np.save(root / kind / "fold1" / f"{kind}.npy", values)
    return read_cell_arrays(root)


def conic(root: Path) -> list[SourcePart]:
    labels = np.zeros((1, 2, 3, 2), np.int32)
    labels[0, 0, :2] = (300, 3)
    labels[0, 0, 2] = (4, 6)
    root.mkdir(parents=True, exist_ok=True)
    np.save(root / "images.npy", np.full((1, 2, 3, 3), 80, np.uint8))
    np.save(root / "labels.npy", labels)
    return read_cell_arrays(root)


def tissuenet(root: Path) -> list[SourcePart]:
    y = np.zeros((1, 2, 3, 2), np.int64)
    y[0, 0, :2, 0], y[0, 1, 2, 0], y[0, 0, 0, 1] = 5, 6, 5
    root.mkdir(parents=True, exist_ok=True)
    np.savez(root / "train.npz", X=np.random.default_rng(0).random((1, 2, 3, 2)).astype(np.float32), y=y)
    return read_cell_arrays(root)


CASES = {
    "kitti-step": (step, [("car", False, 1), ("car", False, 2), ("person", True, 1), ("truck", False, 1)]),
    "bdd100k": (bdd100k, [("car", False, 2), ("car", True, 1), ("road", False, 1)]),
    "voc": (voc, [("background", False, 1), ("dog", True, 1), ("person", False, 1), ("person", False, 2)]),
    "voc of CVAT": (
        cvat,
        [("background", False, 3), ("bolt", False, 1), ("bolt", False, 1), ("nut", False, 1)],
    ),
    "cell-arrays of PanNuke": (
        pannuke,
        [
            ("background", False, 2),
            ("epithelial", False, 1),
            ("neoplastic", False, 1),
            ("neoplastic", False, 2),
        ],
    ),
    "cell-arrays of CoNIC": (
        conic,
        [("background", False, 3), ("connective", False, 1), ("lymphocyte", False, 2)],
    ),
    "cell-arrays of TissueNet": (
        tissuenet,
        [("background", False, 3), ("cell", False, 1), ("cell", False, 2)],
    ),
}


@pytest.mark.parametrize("kind", CASES)
def test_every_pixel_has_the_segment_that_was_meant(tmp_path: Path, kind: str):
    make, wanted = CASES[kind]
    [part] = make(tmp_path / "in")
    assert shown(part) == wanted
    assert part.maps[0].has_photo
    format = kind.partition(" ")[0]
    assert format_of(tmp_path / "in") == format
    sample = PanopticDataset(tmp_path / "in")[0]
    assert tuple(sample.image.shape) == (3, 2, 3)
    assert len(sample.segments) == len(wanted)
    convert(format, str(tmp_path / "in"), str(tmp_path / "out"))
    assert inspect(str(tmp_path / "out")).problems == []
    assert sum(inspect(str(tmp_path / "in")).segments.values()) == len(wanted)


def test_numbers_that_went_through_jpeg_are_refused(tmp_path: Path):
    [part] = step(tmp_path)
    path = part.maps[0].map_path
    assert path is not None
    save(path, np.zeros((2, 3, 3)), format="JPEG")
    with pytest.raises(ValueError, match=r"000000.png` must be a readable PNG of RGB"):
        part.maps[0].read()


def test_unknown_colours_and_categories_are_refused(tmp_path: Path):
    [part] = cvat(tmp_path / "a")
    save(tmp_path / "a" / "SegmentationClass" / "a.png", [[(1, 2, 3)] * 3] * 2)
    with pytest.raises(ValueError, match=r"made of the categories' colours, got \(1, 2, 3\)"):
        part.maps[0].read()
    [part] = step(tmp_path / "b")
    save(tmp_path / "b" / "panoptic_maps" / "train" / "0000" / "000000.png", [[(19, 0, 1)]])
    with pytest.raises(ValueError, match="`category id` must be one of"):
        part.maps[0].read()


def test_arrays_that_do_not_fit_are_refused(tmp_path: Path):
    np.save(tmp_path / "images.npy", np.zeros((1, 4, 4, 3)))
    np.save(tmp_path / "labels.npy", np.zeros((1, 2, 3, 2)))
    with pytest.raises(ValueError, match=r"images.npy` must be of images as labels.npy has, \(1, 2, 3\)"):
        read_cell_arrays(tmp_path)
    np.save(tmp_path / "labels.npy", np.zeros((1, 4, 4, 7)))
    with pytest.raises(ValueError, match=r"labels.npy` must be masks of 6 channels"):
        read_cell_arrays(tmp_path)
    with pytest.raises(ValueError, match=r"must be a folder with images.npy beside masks.npy"):
        read_cell_arrays(tmp_path / "none")
