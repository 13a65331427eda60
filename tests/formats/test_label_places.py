"""Layouts that tools and challenges leave: each photo meets its labels, or it is said why not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from intarsia.cli import main
from intarsia.errors import InputError
from intarsia.formats.label_folder import read_label_folder
from intarsia.formats.layout import find_parts, format_of
from intarsia.formats.mask_files import read_mask_files
from tests.formats.layout_files import shown
from tests.formats.test_label_folder import CELLS, NOISE, objects_of, pairs_of, write

SMALL = CELLS.astype(np.uint8)


@pytest.mark.parametrize(
    ("photo", "labels", "name"),
    [
        ("a.tif", "a-labels.tif", "a"),  # QuPath
        ("images/a.jpg", "labels/a.jpg.png", "a"),  # Supervisely
        ("images/img_001.png", "masks/mask_001.png", "001"),
        ("img_001.png", "mask_001.png", "001"),
        ("images/raw-7.png", "labels/label-7.png", "7"),
        ("images/p1/a.png", "labels/p1/a.png", "p1/a"),
        ("01/t007.tif", "01_ST/SEG/man_seg007.tif", "01/t007"),  # Cell Tracking Challenge
        ("01/t007.tif", "01_GT/SEG/man_seg007.tif", "01/t007"),
    ],
)
def test_a_photo_meets_its_labels(tmp_path: Path, photo: str, labels: str, name: str):
    write(tmp_path / photo, NOISE)
    write(tmp_path / labels, SMALL)
    assert (format_of(tmp_path) == "labels") is (labels != "mask_001.png")  # alone it may be anything
    [part] = read_label_folder(tmp_path)
    assert pairs_of(part) == {name.replace("/", "_"): Path(photo).name}
    assert (part.unlabelled, part.left_out) == ((), ())
    assert objects_of(part.maps[0].read()) == 3


@pytest.mark.parametrize(
    ("photo", "labels"),
    [
        ("images/{}/a.png", "labels/{}/a.png"),
        ("{}/a.png", "{}/a_mask.png"),
        ("{}/images/a.png", "{}/masks/a.png"),
    ],
)
def test_parts_are_folders_outside_or_inside(tmp_path: Path, photo: str, labels: str):
    for folder in ("train", "valid"):
        write(tmp_path / photo.format(folder), NOISE)
        write(tmp_path / labels.format(folder), SMALL)
    parts = find_parts(tmp_path)
    assert [(part.name, part.split) for part in parts] == [("train", "train"), ("val", "val")]
    assert [pairs_of(part.read()) for part in parts] == [{"a": "a.png"}] * 2


def test_leaves_of_cvppp_are_read_as_they_are(tmp_path: Path):
    """RGBA photos, labels in a palette, and what its authors lay beside them."""
    for part in ("A1", "A2"):
        start = tmp_path / part / "plant001"
        write(start.with_name("plant001_rgb.png"), np.dstack([NOISE, NOISE, NOISE, np.full_like(NOISE, 255)]))
        write(start.with_name("plant001_label.png"), SMALL)
        write(start.with_name("plant001_fg.png"), np.minimum(SMALL, 1))
        write(start.with_name("plant001_centers.png"), np.minimum(SMALL, 1))
    parts = [part.read() for part in find_parts(tmp_path)]
    assert [part.name for part in parts] == ["A1", "A2"]
    assert [pairs_of(part) for part in parts] == [{"plant001": "plant001_rgb.png"}] * 2
    assert [objects_of(part.maps[0].read()) for part in parts] == [3, 3]
    assert {path.name for path, _ in parts[0].left_out} <= {"plant001_fg.png", "plant001_centers.png"}


def test_photos_of_one_name_in_two_folders_are_two(tmp_path: Path):
    for folder in ("p1", "p2"):
        write(tmp_path / "images" / folder / "a.png", NOISE)
        write(tmp_path / "labels" / folder / "a.png", SMALL)
    assert main(["convert", "labels", str(tmp_path), str(tmp_path / "out")]) == 0
    assert sorted(path.name for path in (tmp_path / "out/panoptic").iterdir()) == ["p1_a.png", "p2_a.png"]
    assert len(list((tmp_path / "out/images").rglob("*.png"))) == 2


def test_labels_in_a_folder_inside_are_not_lost_in_silence(tmp_path: Path, capsys):
    write(tmp_path / "images" / "a.png", NOISE)
    write(tmp_path / "labels" / "a.png", SMALL)
    write(tmp_path / "labels" / "old" / "b.png", SMALL)
    assert main(["convert", "labels", str(tmp_path), str(tmp_path / "out")]) == 1
    assert "b.png" in capsys.readouterr().err


def test_two_photos_that_a_label_could_mean_are_nobodys(tmp_path: Path):
    for name in ("img_1", "raw_1"):
        write(tmp_path / "images" / f"{name}.png", NOISE)
    write(tmp_path / "masks" / "mask_1.png", SMALL)
    [part] = read_label_folder(tmp_path)
    assert len(part.unlabelled) == 2


def test_semantic_masks_of_roboflow_are_no_objects(tmp_path: Path):
    write(tmp_path / "train" / "a.jpg", NOISE)
    write(tmp_path / "train" / "a_mask.png", np.minimum(SMALL, 2))
    (tmp_path / "train" / "_classes.csv").write_text("Pixel Value, Class\n0, background\n1, cat\n")
    with pytest.raises(InputError, match=r"masks of classes, as _classes\.csv says\. Export COCO"):
        find_parts(tmp_path)


def test_a_few_values_in_many_pieces_are_a_mask(tmp_path: Path):
    """Two classes in ten pieces; four pieces of each of two labels may be cells that others cut."""
    classes = np.zeros((20, 30), np.uint8)
    for n in range(10):
        classes[2 + 9 * (n // 5) : 6 + 9 * (n // 5), 1 + 6 * (n % 5) : 5 + 6 * (n % 5)] = 1 + n % 2
    write(tmp_path / "labels" / "a.png", classes)
    [part] = read_label_folder(tmp_path)
    with pytest.raises(InputError, match="a mask of 2 values in 10 pieces"):
        part.maps[0].read()
    [part] = read_label_folder(tmp_path, objects="labels")
    assert objects_of(part.maps[0].read()) == 2
    write(tmp_path / "labels" / "a.png", classes * (np.arange(30) < 24))
    [part] = read_label_folder(tmp_path)
    assert objects_of(part.maps[0].read()) == 2


def bowl(root: Path) -> Path:
    """Two images of the Data Science Bowl: a photo, and a file for each object; two objects overlap."""
    for name in ("one", "two"):
        write(root / name / "images" / f"{name}.png", NOISE)
        for n in (1, 2, 3):
            write(root / name / "masks" / f"hash{n}.png", np.where(n == SMALL, 255, 0).astype(np.uint8))
        write(root / name / "masks" / "wide.png", np.where(SMALL > 0, 255, 0).astype(np.uint8))
    return root


def test_a_mask_file_for_each_object_is_an_object(tmp_path: Path):
    """The smaller is on top, so that the wide one, of all pixels of the others, is not seen."""
    root = bowl(tmp_path / "bowl")
    assert format_of(root) == "mask-files"
    [part] = read_mask_files(root)
    assert pairs_of(part) == {"one": "one.png", "two": "two.png"}
    background = int((CELLS == 0).sum())
    assert shown(part) == [("background", False, background), *[("object", False, 64)] * 3]
    assert part.maps[0].listed == 5
    assert main(["convert", "mask-files", str(root), str(tmp_path / "out")]) == 1  # one has no pixel
    with pytest.raises(InputError, match="must be label images, got a mask file for each object"):
        read_label_folder(root)


def test_parts_of_mask_files_are_folders(tmp_path: Path):
    bowl(tmp_path / "train")
    bowl(tmp_path / "val")
    assert format_of(tmp_path) == "mask-files"
    assert [part.name for part in read_mask_files(tmp_path)] == ["train", "val"]


def test_a_mask_file_of_several_objects_is_refused(tmp_path: Path):
    root = bowl(tmp_path)
    write(root / "one" / "masks" / "hash1.png", SMALL)
    [part] = read_mask_files(root)
    with pytest.raises(InputError, match="the mask of one object, of 0 and another number, got 3 numbers"):
        part.maps[0].read()
