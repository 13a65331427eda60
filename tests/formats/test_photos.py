"""A photo is found under the names that annotation tools give it, and another's is never taken for it."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from intarsia.formats.photos import find_photos


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(name)


def places(root: Path) -> list[Path]:
    return [root / "val", root / "images" / "val", root / "images", root]


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("a.png", "images/a.png"),
        ("a.png", "images/val/a.png"),
        ("a.png", "val/a.png"),
        ("images/a.png", "images/a.png"),
        ("images/a.png", "images/val/a.png"),
        ("val/a.png", "images/a.png"),
        ("val/a.png", "images/val/a.png"),
        (r"images\a.png", "images/a.png"),
        (r"some\folder\a.png", "images/a.png"),
        ("./images/a.png", "images/a.png"),
        ("A.PNG", "images/a.png"),
        ("a.png", "Images/a.PNG"),
        (unicodedata.normalize("NFC", "Bäume/é.png"), unicodedata.normalize("NFD", "images/Bäume/é.png")),
        (unicodedata.normalize("NFD", "é.png"), unicodedata.normalize("NFC", "images/é.png")),
        ("b_000001_gtFine_leftImg8bit.png", "images/b_000001_leftImg8bit.png"),
        ("a b (1).jpeg", "images/a b (1).jpeg"),
    ],
)
def test_a_photo_is_found_under_the_name_it_was_given(tmp_path: Path, name: str, file: str):
    make(tmp_path, file, "images/other.png")
    folders = [*places(tmp_path), *(tmp_path / part for part in ("Images",))]
    assert find_photos([name], folders) == {name: tmp_path / file}


def test_a_name_with_a_backslash_may_be_the_name_of_a_file(tmp_path: Path):
    make(tmp_path, "images/a\\b.png")
    assert find_photos(["a\\b.png"], places(tmp_path)) == {"a\\b.png": tmp_path / "images" / "a\\b.png"}


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["val/a.png"], ["images/a.png", "val/b.png"]),  # val/ is there, and a.png is not in it
        (["x/a.png", "y/a.png"], ["images/a.png"]),  # whose is it?
        (["a.png"], ["images/A.png", "images/A.PNG"]),  # which of the two?
        (["a.png"], ["images/a.jpg", "train/a.png"]),
        (["a" * 300 + ".png"], ["images/a.png"]),
        (["a.png"], ["images/a.png/b.png"]),  # a folder is no photo
    ],
)
def test_a_photo_that_may_be_anothers_is_not_taken(tmp_path: Path, names: list[str], files: list[str]):
    make(tmp_path, *files)
    assert find_photos(names, places(tmp_path)) == {}


def test_of_two_names_for_a_photo_the_exact_one_has_it(tmp_path: Path):
    make(tmp_path, "images/a.png")
    assert find_photos(["x/a.png", "a.png"], places(tmp_path)) == {"a.png": tmp_path / "images/a.png"}


@pytest.mark.parametrize(
    "name",
    [
        "/etc/passwd",
        "../a.png",
        "a/../../b.png",
        r"..\a.png",
        r"C:\data\a.png",
        "c:a.png",
        r"\\server\a.png",
        "http://a.org/b.png",
        "s3://bucket/a.png",
        "nul\0.png",
    ],
)
def test_names_outside_of_the_data_set_are_refused(tmp_path: Path, name: str):
    with pytest.raises(ValueError, match="`file_name` must be a name inside the data set's folder, got '"):
        find_photos([name], [tmp_path])
