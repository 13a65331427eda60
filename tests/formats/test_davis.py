"""Sequences of DAVIS 2016, DAVIS 2017 and YouTube-VOS, made by hand, and palettes of their kind elsewhere."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.commands.inspect import inspect
from intarsia.data.dataset import PanopticDataset
from intarsia.formats.davis import read_davis
from intarsia.formats.label_folder import read_label_folder
from intarsia.formats.layout import format_of
from tests.formats.layout_files import photo, shown

FRAME = [[0, 1, 1], [2, 2, 255]]
OBJECTS = [("background", False, 1), ("object", False, 2), ("object", False, 2)]


def palette_png(
    path: Path, labels: list[list[int]], *, border: tuple[int, int, int] = (224, 224, 192)
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(np.array(labels, np.uint8), "P")
    image.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [7] * (3 * 252) + list(border))
    image.save(path)


def davis_2017(root: Path, annotations: str = "Annotations") -> Path:
    for sequence in ("bear", "bike"):
        for n in range(2):
            palette_png(root / annotations / "480p" / sequence / f"{n:05d}.png", FRAME)
            photo(root / "JPEGImages" / "480p" / sequence / f"{n:05d}.jpg", 2, 3)
    sets = root / "ImageSets" / "2017"
    sets.mkdir(parents=True)
    for name, sequences in (("train", "bear\n"), ("val", "bike\n"), ("test-dev", "car\n")):
        (sets / f"{name}.txt").write_text(sequences)
    return root


@pytest.mark.parametrize("annotations", ["Annotations", "Annotations_unsupervised"])
def test_objects_of_2017_are_numbers_and_the_palettes_last_colour_is_void(tmp_path: Path, annotations: str):
    root = davis_2017(tmp_path, annotations)
    assert format_of(root) == "davis"
    parts = {part.name: part for part in read_davis(root)}
    assert list(parts) == ["train", "val"]
    assert [one.image_id for one in parts["val"].maps] == ["bike/00000", "bike/00001"]
    assert shown(parts["train"]) == OBJECTS
    assert parts["train"].maps[0].read().ids[:, 1].tolist() == [1, 2]  # the same number in every frame
    assert PanopticDataset(root, split="val")[1].image.shape == (3, 2, 3)
    assert not inspect(str(root)).problems


def test_the_one_object_of_2016_is_255(tmp_path: Path):
    path = tmp_path / "Annotations" / "480p" / "bear" / "00000.png"
    path.parent.mkdir(parents=True)
    Image.fromarray(np.array([[0, 255, 255]], np.uint8)).save(path)
    photo(tmp_path / "JPEGImages" / "480p" / "bear" / "00000.jpg", 1, 3)
    sets = tmp_path / "ImageSets" / "480p"
    sets.mkdir(parents=True)
    (sets / "train.txt").write_text("/JPEGImages/480p/bear/00000.jpg /Annotations/480p/bear/00000.png\n")
    [part] = read_davis(tmp_path)
    assert part.name == "train"
    assert part.maps[0].has_photo
    assert shown(part) == [("background", False, 1), ("object", False, 2)]


def test_youtube_vos_has_its_parts_outside(tmp_path: Path):
    for name in ("train", "valid"):
        palette_png(tmp_path / name / "Annotations" / "003234408d" / "00000.png", FRAME)
        photo(tmp_path / name / "JPEGImages" / "003234408d" / "00000.jpg", 2, 3)
    assert format_of(tmp_path) == "davis"
    parts = read_davis(tmp_path)
    assert [part.name for part in parts] == ["train", "valid"]
    assert all(part.maps[0].has_photo for part in parts)
    assert shown(parts[1]) == OBJECTS


def test_the_rim_of_a_palette_is_void_in_a_folder_of_label_images_too(tmp_path: Path):
    palette_png(tmp_path / "labels" / "a.png", FRAME)
    photo(tmp_path / "images" / "a.jpg", 2, 3)
    [part] = read_label_folder(tmp_path)
    assert shown(part) == OBJECTS
    assert part.maps[0].read().ids[1, 2] == 0


@pytest.mark.parametrize("kind", ["another palette", "gray"])
def test_elsewhere_255_is_an_object(tmp_path: Path, kind: str):
    if kind == "gray":
        (tmp_path / "labels").mkdir()
        Image.fromarray(np.array(FRAME, np.uint8)).save(tmp_path / "labels" / "a.png")
    else:
        palette_png(tmp_path / "labels" / "a.png", FRAME, border=(1, 2, 3))
    [part] = read_label_folder(tmp_path)
    assert shown(part) == [("background", False, 1), *[("object", False, n) for n in (1, 2, 2)]]


def test_a_folder_without_sequences_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="a DAVIS folder with Annotations/480p/SEQUENCE"):
        read_davis(tmp_path)
