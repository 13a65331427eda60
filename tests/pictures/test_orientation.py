"""All eight orientations: every reader of the house sees the same, upright pixels."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

from intarsia.commands.convert import convert
from intarsia.commands.evaluate import evaluate
from intarsia.commands.inspect import inspect
from intarsia.data.dataset import PanopticDataset
from intarsia.data.learnable import check_learnable
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco import CocoWriter
from intarsia.panoptic import Categories, PanopticMap, Segment
from intarsia.pictures.image_like import as_image
from intarsia.pictures.orientation import turn_upright
from intarsia.pictures.reading import read_image, read_size

ORIENTATION = 0x0112


def write_photo(path: Path, stored: np.ndarray, tag: int) -> Path:
    """A photo whose pixels are stored as given, with a tag that says how to turn it."""
    image = Image.fromarray(stored)
    exif = image.getexif()
    exif[ORIENTATION] = tag
    image.save(path, exif=exif, quality=95, subsampling=0)
    return path


def stored_for(upright: np.ndarray, tag: int) -> np.ndarray:
    """What a camera stores so that the tag turns it into `upright`: 6 and 8 undo each other."""
    return turn_upright(upright, {6: 8, 8: 6}.get(tag, tag))


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("shape", [(4, 7), (5, 5)])
def test_an_array_is_turned_as_pillow_turns_an_image(tag: int, shape: tuple[int, int]):
    values = np.arange(shape[0] * shape[1], dtype=np.uint8).reshape(shape)
    image = Image.fromarray(values)
    image.getexif()[ORIENTATION] = tag
    expected = np.asarray(ImageOps.exif_transpose(image))
    assert np.array_equal(turn_upright(values, tag), expected)
    assert np.array_equal(turn_upright(stored_for(values, tag), tag), values)


@pytest.mark.parametrize("tag", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif"])
@pytest.mark.parametrize("size", [(32, 48), (40, 40)])
def test_training_prediction_inspection_and_conversion_see_the_same_pixels(
    tmp_path: Path, tag: int, suffix: str, size: tuple[int, int]
):
    """A dark picture with a bright corner; the truth is drawn upright, on the bright corner."""
    upright = np.full((*size, 3), 32, np.uint8)
    upright[:8, :16] = 200
    ids = np.ones(size, np.int32)
    ids[:8, :16] = 2
    (tmp_path / "in" / "images").mkdir(parents=True)
    photo = write_photo(tmp_path / "in" / "images" / f"a{suffix}", stored_for(upright, tag), tag)
    with CocoWriter(tmp_path / "in" / "panoptic.json", Categories.named("nuclei")) as writer:
        writer.add(photo.name, PanopticMap(ids, [Segment(1, 2), Segment(2, 1)]), image_id="a_1")
    assert read_size(photo) == size
    picture = read_image(photo)
    assert picture.shape[:2] == size
    assert picture[ids == 2].min() > 150 > 90 > picture[ids == 1].max()
    assert np.array_equal(as_image(photo) * np.float32(255), picture.astype(np.float32))
    assert np.array_equal(PanopticDataset(tmp_path / "in")[0].image.numpy().transpose(1, 2, 0), picture)
    assert inspect(str(tmp_path / "in")).num_images == 1
    for format in ("labels", "semantic-instances", "coco-instances", "label-divisor", "vistas"):
        out = Path(convert("coco", str(tmp_path / "in"), str(tmp_path / format), to=format))
        [written] = [path for path in out.rglob("*") if path.parent.name == "images"]
        assert np.array_equal(read_image(written), picture)


@pytest.mark.parametrize("tag", [6, 8])
def test_a_map_drawn_on_the_stored_pixels_is_refused_with_the_reason(tmp_path: Path, tag: int):
    (tmp_path / "images").mkdir()
    write_photo(tmp_path / "images" / "a.jpg", np.zeros((8, 12, 3), np.uint8), tag)
    with CocoWriter(tmp_path / "panoptic.json", Categories.named("nuclei")) as writer:
        writer.add("a.jpg", PanopticMap(np.ones((8, 12), int), [Segment(1, 2)]), image_id=1)
    with pytest.raises(ValueError, match="8x12 pixels like its map a.png, got 12x8. Its EXIF orientation"):
        PanopticDataset(tmp_path)[0]


def label_folder(folder: Path, labels: np.ndarray, upright: np.ndarray, tag: int) -> Path:
    """One photo that its tag turns upright, and beside it labels as they are given."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    write_photo(folder / "images" / "a.jpg", stored_for(upright, tag), tag)
    Image.fromarray(labels.astype(np.uint8)).save(folder / "labels" / "a.png")
    return folder


BRIGHT = np.kron(np.array([[1, 0, 0], [0, 0, 2]]), np.ones((16, 16), int))
"""Labels of a wide picture that is bright where they are."""
UPRIGHT = np.where(BRIGHT[..., None] > 0, np.uint8(220), np.uint8(30)).repeat(3, axis=2)
EXIF_SENTENCE = r"a.jpg` must be 48x32 pixels like its map a.png, got 32x48. Its EXIF orientation turns it"


@pytest.mark.parametrize("tag", range(1, 9))
def test_labels_of_the_upright_photo_fit_through_every_door(tmp_path: Path, tag: int):
    folder = label_folder(tmp_path / "in", BRIGHT, UPRIGHT, tag)
    dataset = PanopticDataset(folder)
    assert check_learnable(dataset) == ""
    sample = dataset[0]
    assert sample.image[0][sample.ids <= 2].min() > 150 > 90 > sample.image[0][sample.ids == 3].max()
    assert inspect(str(folder)).num_images == 1
    out = Path(convert("labels", str(folder), str(tmp_path / "out"), strict=True))
    again = PanopticDataset(out)[0]
    assert torch.equal(again.image, sample.image)
    assert torch.equal(again.ids, sample.ids)
    assert evaluate(str(folder), str(out)).all.pq == 1


@pytest.mark.parametrize("tag", range(5, 9))
def test_labels_drawn_on_the_stored_pixels_are_refused_with_the_reason_at_every_door(
    tmp_path: Path, tag: int
):
    """They are not turned: of square pictures, and of tags that only mirror, nothing would tell."""
    folder = label_folder(tmp_path / "in", stored_for(BRIGHT, tag), UPRIGHT, tag)
    dataset = PanopticDataset(folder)
    doors = (
        lambda: dataset[0],
        lambda: check_learnable(dataset),
        lambda: inspect(str(folder)),
        lambda: convert("labels", str(folder), str(tmp_path / "out")),
        lambda: convert("labels", str(folder), str(tmp_path / "out"), strict=True),
    )
    for door in doors:
        with pytest.raises((InputError, PartialFailure), match=EXIF_SENTENCE):
            door()
    with CocoWriter(tmp_path / "p.json", Categories.named("nuclei")) as writer:
        writer.add("a.jpg", PanopticMap(np.ones(BRIGHT.shape, int), [Segment(1, 1)]), image_id="a")
    with pytest.raises(ValueError, match="One lies on its side: maps are of the photo as its EXIF"):
        evaluate(str(folder), str(tmp_path / "p.json"))


def test_a_photo_rewritten_for_cityscapes_is_upright(tmp_path: Path):
    """The map has 40x64 pixels, the JPEG stores 64x40 and says that it lies on its side."""
    upright = np.zeros((40, 64, 3), np.uint8)
    upright[:10] = 255
    (tmp_path / "in" / "images").mkdir(parents=True)
    photo = write_photo(tmp_path / "in" / "images" / "bonn_0_1.jpg", stored_for(upright, 6), 6)
    with CocoWriter(tmp_path / "in" / "panoptic.json", Categories.named("cityscapes")) as writer:
        writer.add(photo.name, PanopticMap(np.ones((40, 64), int), [Segment(1, 7)]), image_id="bonn_0_1")
    out = convert("coco", str(tmp_path / "in"), str(tmp_path / "out"), to="cityscapes")
    [written] = list(Path(out).rglob("*_leftImg8bit.png"))
    assert read_image(written).shape == (40, 64, 3)
    assert np.array_equal(read_image(written), read_image(photo))
    assert json.loads((tmp_path / "in" / "panoptic.json").read_text())["images"][0]["width"] == 64
