"""COCO panoptic data sets are found where their makers put them: to train on, inspect and convert alike."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands.convert import convert
from intarsia.commands.inspect import inspect
from intarsia.data.dataset import PanopticDataset
from intarsia.formats.coco import CocoWriter
from intarsia.formats.coco_places import find_coco
from intarsia.formats.layout import find_parts, read_split, splits_of
from intarsia.panoptic import PanopticMap, Segment

FACADES = Categories.named("facades")


def write(json_path: Path, photos: Path, name: str = "a.png") -> None:
    with CocoWriter(json_path, FACADES) as writer:
        writer.add(name, PanopticMap(np.array([[1, 1, 2]]), [Segment(1, 1), Segment(2, 6)]))
    photos.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (3, 1), (7, 0, 0)).save(photos / name)


LAYOUTS = {
    "ours": ("train/panoptic.json", "train/images"),
    "COCO 2017": ("annotations/panoptic_train2017.json", "train2017"),
    "COCO 2014": ("annotations/panoptic_train2014.json", "train2014"),
    "datumaro": ("annotations/panoptic_train.json", "images/train"),
    "photos of all parts together": ("annotations/panoptic_train.json", "images"),
    "another word for train": ("training/panoptic.json", "training/images"),
    "capital letters": ("Train/panoptic.json", "Train/images"),
    "Cityscapes": ("gtFine/cityscapes_panoptic_train.json", "leftImg8bit/train/bonn"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_layout_is_trained_on_inspected_and_converted(tmp_path: Path, layout: str):
    json_path, photos = (tmp_path / "in" / place for place in LAYOUTS[layout])
    write(json_path, photos)
    folder = tmp_path / "in"
    assert splits_of(folder) == ("train",)
    sample = PanopticDataset(folder, split="train")[0]
    assert sample.image[:, 0, 0].tolist() == [7, 0, 0]
    assert len(sample.segments) == 2
    assert inspect(str(folder)).problems == []
    assert inspect(str(json_path)).num_images == 1
    convert("coco", str(folder), str(tmp_path / "out"))
    [place] = find_coco(tmp_path / "out")
    assert (place.images / "a.png").read_bytes() == (photos / "a.png").read_bytes()


def test_cityscapes_names_its_photos_otherwise_than_its_json_does(tmp_path: Path):
    write(tmp_path / "gtFine" / "cityscapes_panoptic_val.json", tmp_path, "bonn_1_2_gtFine_leftImg8bit.png")
    photo = tmp_path / "leftImg8bit" / "val" / "bonn" / "bonn_1_2_leftImg8bit.png"
    photo.parent.mkdir(parents=True)
    shutil.move(tmp_path / "bonn_1_2_gtFine_leftImg8bit.png", photo)
    assert read_split(tmp_path, "val").maps[0].image_path == photo


def test_photos_of_one_folder_belong_to_the_part_that_lists_them(tmp_path: Path):
    for part in ("train", "val"):
        write(tmp_path / "annotations" / f"panoptic_{part}.json", tmp_path / "images", f"{part}.png")
    assert inspect(str(tmp_path)).problems == []


@pytest.mark.parametrize(("name", "split"), [("valid", "val"), ("Validation", "val"), ("training", "train")])
def test_a_part_may_have_another_word_for_its_purpose(tmp_path: Path, name: str, split: str):
    write(tmp_path / name / "panoptic.json", tmp_path / name / "images")
    write(tmp_path / "test" / "panoptic.json", tmp_path / "test" / "images")
    assert splits_of(tmp_path) == (split,)
    assert read_split(tmp_path, split).name == name


def test_one_part_of_any_name_is_for_training(tmp_path: Path):
    """CVAT calls the only part "default"."""
    write(tmp_path / "default" / "panoptic.json", tmp_path / "default" / "images")
    assert [part.name for part in find_parts(tmp_path)] == ["default"]
    assert splits_of(tmp_path) == ()
    assert len(PanopticDataset(tmp_path)) == len(PanopticDataset(tmp_path, split="train")) == 1


def test_parts_of_one_purpose_are_refused_and_kept_apart(tmp_path: Path):
    for year in (2014, 2017):
        write(tmp_path / "annotations" / f"panoptic_val{year}.json", tmp_path / f"val{year}")
    assert [place.name for place in find_coco(tmp_path)] == ["val2014", "val2017"]
    with pytest.raises(
        ValueError, match="a data set folder with one part for `val`, got val2014 and val2017"
    ):
        read_split(tmp_path, "val")
    convert("coco", str(tmp_path), str(tmp_path / "out"))
    assert [place.name for place in find_coco(tmp_path / "out")] == ["val2014", "val2017"]
