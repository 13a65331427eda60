"""Which files are pictures: not the hidden, not the results, not the maps; the rest is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from intarsia.errors import InputError
from intarsia.pictures.finding import find_photos


def make(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_folders_are_searched_at_any_depth_in_order(tmp_path: Path):
    folder = make(tmp_path, "b.JPG", "a/c.tif", "a/a.png", "note.txt")
    assert list(find_photos([folder]).files) == ["a/a.png", "a/c.tif", "b.JPG"]


def test_names_that_begin_with_a_dot_are_no_pictures(tmp_path: Path):
    folder = make(tmp_path, "a.jpg", "._a.jpg", ".trash/b.jpg", "x/._c.png")
    found = find_photos([folder])
    assert list(found.files) == ["a.jpg"]
    assert not found.passed_over


def test_what_is_not_read_is_named_once_a_kind(tmp_path: Path):
    folder = make(tmp_path, "a.jpg", "b.nef", "c.NEF", "d.czi", "e.mp4", "f.txt", "g.json")
    found = find_photos([folder])
    assert found.num_passed_over == 4
    nef, czi, mp4 = found.passed_over
    assert "got 2 .nef files (b.nef, c.NEF). Save them as TIFF or PNG." in nef
    assert "got 1 .czi file (d.czi)" in czi
    assert "Give videos one by one." in mp4


def test_of_many_files_that_are_not_read_five_are_named(tmp_path: Path):
    folder = make(tmp_path, "a.jpg", *(f"{n}.nef" for n in range(9)))
    assert "got 9 .nef files (0.nef, 1.nef, 2.nef, 3.nef, 4.nef, ...)" in find_photos([folder]).passed_over[0]


@pytest.mark.parametrize("marker", ["panoptic.json", "segments.csv", "instances.json", "category_map.json"])
def test_results_of_an_earlier_run_are_no_pictures(tmp_path: Path, marker: str):
    folder = make(
        tmp_path, "a.jpg", "overlays/a.jpg", "panoptic/a.png", "labels/a.tif", "x/overlays/b.jpg", marker
    )
    assert list(find_photos([folder], out=folder).files) == ["a.jpg", "x/overlays/b.jpg"]


def test_a_folder_called_overlays_without_results_is_searched(tmp_path: Path):
    folder = make(tmp_path, "overlays/a.jpg")
    assert list(find_photos([folder], out=folder).files) == ["overlays/a.jpg"]
    assert list(find_photos([folder], out=tmp_path / "out").files) == ["overlays/a.jpg"]


def test_the_truth_beside_photos_is_no_picture(tmp_path: Path):
    folder = make(
        tmp_path,
        "val/images/a.jpg",
        "val/panoptic/a.png",
        "val/panoptic.json",
        "b/images/b.tif",
        "b/masks/b.tif",
    )
    assert list(find_photos([folder]).files) == ["b/images/b.tif", "val/images/a.jpg"]


def test_label_images_beside_their_photos_are_no_pictures(tmp_path: Path):
    """What cellpose, CVPPP and QuPath leave in one folder; a label of no photo, and a JPEG, are pictures."""
    labels = ["a_cp_masks.png", "a_cp_outlines.png", "a_flows.tif", "b_label.png", "c-labelled.png"]
    photos = ["a.tif", "b_rgb.png", "c.jpg", "c_mask.jpg", "d_masks.tif"]
    for name in (*labels, *photos):
        (tmp_path / name).touch()
    assert list(find_photos([tmp_path]).files) == photos


def test_pictures_of_one_name_in_two_folders_are_both_there(tmp_path: Path):
    make(tmp_path, "x/1.png", "y/1.png")
    found = find_photos([tmp_path / "x", tmp_path / "y"])
    assert found.files == {"1.png": tmp_path / "x/1.png", "1-2.png": tmp_path / "y/1.png"}


def test_a_file_that_is_named_is_taken_whatever_it_is_called(tmp_path: Path):
    folder = make(tmp_path, "picture.scan")
    assert list(find_photos([folder / "picture.scan"]).files) == ["picture.scan"]


def test_links_that_lead_in_a_circle_end(tmp_path: Path):
    folder = make(tmp_path, "a.jpg")
    (folder / "loop").symlink_to(folder)
    assert list(find_photos([folder]).files) == ["a.jpg"]


def test_links_to_other_folders_are_followed(tmp_path: Path):
    make(tmp_path, "data/b.jpg", "x/a.jpg")
    (tmp_path / "x" / "more").symlink_to(tmp_path / "data")
    assert list(find_photos([tmp_path / "x"]).files) == ["a.jpg", "more/b.jpg"]


def test_nothing_to_read_is_told_with_what_is_there(tmp_path: Path):
    with pytest.raises(InputError, match="must be a folder with pictures .*, got none but .nef"):
        find_photos([make(tmp_path / "x", "a.nef")])
    with pytest.raises(InputError, match="got none\\."):
        find_photos([make(tmp_path / "y", "a.txt")])
    with pytest.raises(InputError, match="`images` must be files or folders that exist"):
        find_photos([tmp_path / "z"])
    with pytest.raises(InputError, match="`images` must be at least one file or folder, got none"):
        find_photos([])
