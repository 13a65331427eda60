"""Data sets on disk: every known layout is read, and every broken one is named in a sentence."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.data.dataset import PanopticDataset
from intarsia.data.sample import Sample
from intarsia.formats.layout import read_split, splits_of


@pytest.fixture
def one_folder(sticks_folder: Path, tmp_path: Path) -> Path:
    """A copy of the validation part that a test may damage."""
    return Path(shutil.copytree(sticks_folder / "val", tmp_path / "one"))


def first_image(folder: Path) -> Path:
    return sorted((folder / "images").iterdir())[0]


def test_one_folder_is_a_data_set(one_folder: Path):
    dataset = PanopticDataset(one_folder)
    assert len(dataset) == 2
    assert splits_of(one_folder) == ()
    sample = dataset[1]
    assert sample.image.shape == (3, 256, 256)
    assert sample.size == (256, 256)
    assert sample.name == "sticks_00008.png"
    assert set(sample.ids.unique().tolist()) == {segment.id for segment in sample.segments}
    assert np.array_equal(sample.panoptic_map().ids, sample.ids.numpy())


def test_one_folder_serves_for_training_and_has_nothing_for_validation(one_folder: Path):
    assert len(PanopticDataset(one_folder, split="train")) == 2
    with pytest.raises(ValueError, match=r"a data set folder with `val/`, got one data set without parts"):
        PanopticDataset(one_folder, split="val")


def test_train_and_val_are_the_parts_of_a_folder(sticks_folder: Path):
    assert splits_of(sticks_folder) == ("train", "val")
    assert len(PanopticDataset(sticks_folder, split="train")) == 7
    with pytest.raises(ValueError, match=r'`split` must be "train" or "val" for .*, which has several parts'):
        PanopticDataset(sticks_folder)


def test_the_official_layout_of_coco(one_folder: Path, tmp_path: Path):
    coco = tmp_path / "coco"
    (coco / "annotations").mkdir(parents=True)
    (one_folder / "panoptic.json").rename(coco / "annotations" / "panoptic_val2017.json")
    (one_folder / "panoptic").rename(coco / "annotations" / "panoptic_val2017")
    (one_folder / "images").rename(coco / "val2017")
    assert splits_of(coco) == ("val",)
    assert PanopticDataset(coco, split="val")[0].size == (256, 256)


def test_the_official_layout_of_cityscapes(one_folder: Path, tmp_path: Path):
    city = tmp_path / "cityscapes"
    (city / "leftImg8bit" / "train").mkdir(parents=True)
    (city / "gtFine").mkdir()
    (one_folder / "panoptic.json").rename(city / "gtFine" / "cityscapes_panoptic_train.json")
    (one_folder / "panoptic").rename(city / "gtFine" / "cityscapes_panoptic_train")
    (one_folder / "images").rename(city / "leftImg8bit" / "train" / "sticks")  # names begin with their city
    assert PanopticDataset(city, split="train")[0].size == (256, 256)


def test_a_transform_sees_every_sample(one_folder: Path):
    def mirrored(sample: Sample) -> Sample:
        return Sample(sample.image.flip(2), sample.ids.flip(1), sample.segments, sample.name)

    plain, turned = PanopticDataset(one_folder)[0], PanopticDataset(one_folder, transform=mirrored)[0]
    assert np.array_equal(turned.ids.flip(1), plain.ids)


def test_an_image_stored_on_its_side_is_turned_to_fit_its_map(one_folder: Path):
    content = json.loads((one_folder / "panoptic.json").read_text())
    row = content["annotations"][0]
    path = one_folder / "panoptic" / row["file_name"]
    Image.open(path).crop((0, 0, 200, 256)).save(path)
    ids = set(np.unique(np.asarray(Image.open(path))[..., 0]).tolist())
    row["segments_info"] = [info for info in row["segments_info"] if info["id"] in ids]
    content["images"][0]["width"] = 200
    (one_folder / "panoptic.json").write_text(json.dumps(content))
    upright = Image.open(first_image(one_folder)).crop((0, 0, 200, 256))
    exif = upright.getexif()
    exif[0x0112] = 8  # stored turned clockwise: turn back by 90 degrees
    upright.transpose(Image.Transpose.ROTATE_270).save(first_image(one_folder), exif=exif)
    assert np.array_equal(PanopticDataset(one_folder)[0].image.movedim(0, 2), np.asarray(upright))


def test_a_gray_image_is_a_colour_image_here(one_folder: Path):
    path = first_image(one_folder)
    Image.open(path).convert("L").save(path)
    assert PanopticDataset(one_folder)[0].image.shape == (3, 256, 256)


def test_a_folder_that_does_not_exist():
    with pytest.raises(ValueError, match="`/nowhere` must be a data set folder, got no such folder"):
        read_split("/nowhere", None)


def test_a_split_nobody_knows(one_folder: Path):
    with pytest.raises(ValueError, match='`split` must be None, "train" or "val", got \'test\''):
        read_split(one_folder, "test")


def test_a_folder_of_something_else(tmp_path: Path):
    (tmp_path / "photo.jpg").touch()
    with pytest.raises(
        ValueError, match=r"or have such folders train/ and val/, got a folder with photo.jpg"
    ):
        read_split(tmp_path, "train")


def test_a_folder_without_images(one_folder: Path):
    shutil.rmtree(one_folder / "images")
    with pytest.raises(ValueError, match=r"images` must be a folder with the images, got no such folder"):
        PanopticDataset(one_folder)
    (one_folder / "images").mkdir()
    with pytest.raises(ValueError, match=r"images` must be a folder with the images, got an empty one"):
        PanopticDataset(one_folder)


def test_a_folder_without_maps(one_folder: Path):
    shutil.rmtree(one_folder / "panoptic")
    with pytest.raises(ValueError, match=r"panoptic` must be a folder with the maps, got no such folder"):
        PanopticDataset(one_folder)


def test_a_missing_file_is_named_before_anything_starts(one_folder: Path):
    first_image(one_folder).unlink()
    with pytest.raises(ValueError, match=r"missing: 1 of 2 images, got .*sticks_00007\.png"):
        PanopticDataset(one_folder)


def test_a_data_set_of_nothing(one_folder: Path):
    content = json.loads((one_folder / "panoptic.json").read_text())
    (one_folder / "panoptic.json").write_text(json.dumps({**content, "annotations": []}))
    with pytest.raises(ValueError, match="at least one image, got one without annotations"):
        PanopticDataset(one_folder)


def test_an_image_of_another_size_than_its_map(one_folder: Path):
    Image.new("RGB", (20, 10)).save(first_image(one_folder))
    with pytest.raises(
        ValueError, match=r"07\.png` must be 256x256 pixels like its map .*07\.png, got 10x20"
    ):
        PanopticDataset(one_folder)[0]


def test_a_truncated_image(one_folder: Path):
    path = first_image(one_folder)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(ValueError, match=r"sticks_00007\.png` must be a readable image"):
        PanopticDataset(one_folder)[0]
