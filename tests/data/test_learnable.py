"""Label images are trained on as they are, and what nothing can be learned from is refused before step 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

import intarsia
from intarsia.commands.convert import convert
from intarsia.data.dataset import PanopticDataset
from intarsia.data.learnable import check_learnable
from intarsia.errors import InputError
from intarsia.formats.coco import CocoWriter
from intarsia.panoptic import Categories, PanopticMap, Segment
from tests.engine.tiny import OVERRIDES, losses_of
from tests.formats.written_maps import pixels


def write_cells(folder: Path, *, labels: str = "masks/{}.tif", num: int = 4, seed: int = 0) -> Path:
    """Photos of bright squares on a dark ground, 12 bits in 16, and the labels that a program wrote."""
    generator = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    for n in range(num):
        cells = np.zeros((64, 80), np.uint16)
        for label, (row, column) in enumerate([(4, 4), (4, 40), (34, 10), (36, 52)], start=1):
            cells[row : row + 18, column : column + 18] = label
        photo = np.where(cells > 0, 3000, 600) + generator.integers(0, 200, cells.shape)
        tifffile.imwrite(folder / "images" / f"{n}.tif", photo.astype(np.uint16))
        path = folder / labels.format(n)
        path.parent.mkdir(exist_ok=True)
        tifffile.imwrite(path, cells)
    return folder


@pytest.mark.parametrize("labels", ["masks/{}.tif", "labels/{}_labels.tif", "masks/{}_cp_masks.tif"])
def test_a_folder_of_label_images_is_a_data_set(tmp_path: Path, labels: str):
    dataset = PanopticDataset(write_cells(tmp_path, labels=labels), split="train")
    assert check_learnable(dataset) == ""
    sample = dataset[0]
    assert [row.name for row in dataset.categories] == ["object", "background"]
    assert sorted(segment.category_id for segment in sample.segments) == [1, 1, 1, 1, 2]
    assert (sample.ids > 0).all()
    inside = sample.image[:, sample.ids == 1].float().mean()
    assert inside > 4 * sample.image[:, sample.ids == 5].float().mean()


def test_label_images_and_coco_panoptic_give_the_same_samples(tmp_path: Path):
    """Photo, segments and their pixels; only the numbers of segments may differ."""
    labels = PanopticDataset(write_cells(tmp_path / "labels"), split="train")
    convert("labels", str(tmp_path / "labels"), str(tmp_path / "coco"))
    coco = PanopticDataset(tmp_path / "coco", split="train")
    assert coco.categories == labels.categories
    assert len(coco) == len(labels) == 4
    for n in range(4):
        assert np.array_equal(coco[n].image, labels[n].image)
        assert pixels(coco[n].panoptic_map()) == pixels(labels[n].panoptic_map())


def test_training_on_label_images_needs_no_conversion(tmp_path: Path):
    write_cells(tmp_path / "data")
    out = intarsia.train(
        "discriminative-nuclei", (*OVERRIDES, f"data={tmp_path / 'data'}"), out=str(tmp_path / "run")
    )
    assert (out / "best" / "model.safetensors").is_file()
    model = intarsia.load(str(out / "best"))
    assert [row.name for row in model.categories] == ["object", "background"]


def test_label_images_train_to_the_losses_and_the_quality_of_coco_panoptic(tmp_path: Path):
    """The same photos and truth in both formats, one seed: every loss and every pixel of a prediction."""
    for part, seed in (("train", 0), ("val", 1)):
        write_cells(tmp_path / "labels" / part, seed=seed)
    convert("labels", str(tmp_path / "labels"), str(tmp_path / "coco"))
    runs = [
        intarsia.train(
            "cops-nuclei", (*OVERRIDES, f"data={tmp_path / kind}"), out=str(tmp_path / f"run-{kind}")
        )
        for kind in ("labels", "coco")
    ]
    first, second = map(losses_of, runs)
    assert len(first) == 6
    assert first == second
    photo = tmp_path / "labels" / "val" / "images" / "0.tif"
    maps = [intarsia.load(str(run / "best")).predict(photo) for run in runs]
    assert pixels(maps[0]) == pixels(maps[1])


def test_parts_of_label_images_are_trained_and_validated_on(tmp_path: Path):
    write_cells(tmp_path / "train", num=3)
    write_cells(tmp_path / "validation", num=2, seed=1)
    assert len(PanopticDataset(tmp_path, split="train")) == 3
    assert len(PanopticDataset(tmp_path, split="val")) == 2


def test_photos_without_labels_are_named(tmp_path: Path):
    write_cells(tmp_path)
    (tmp_path / "masks" / "2.tif").unlink()
    dataset = PanopticDataset(tmp_path, split="train")
    assert len(dataset) == 3
    assert check_learnable(dataset) == f"Without labels: 1 photo of {tmp_path} (2.tif)"


def test_labels_without_a_photo_are_refused(tmp_path: Path):
    write_cells(tmp_path)
    (tmp_path / "images" / "2.tif").unlink()
    with pytest.raises(InputError, match="missing: 1 of 4 images, got 2.png"):
        PanopticDataset(tmp_path, split="train")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda cells: cells[:-4], r"must be 60x80 pixels like its map 3.tif, got 64x80"),
        (lambda cells: (cells > 0).astype(np.uint8) * 255, "a mask of 0 and 255 in 4 pieces"),
        (lambda cells: np.random.default_rng(0).integers(0, 99, cells.shape, np.uint8), "looks like a photo"),
        (lambda cells: cells.astype(np.float32) / 2, "a label image of whole numbers"),
    ],
)
def test_one_that_is_no_label_image_is_refused_before_the_first_step(tmp_path: Path, change, sentence: str):
    write_cells(tmp_path / "data")
    path = tmp_path / "data" / "masks" / "3.tif"
    tifffile.imwrite(path, change(tifffile.imread(path)))
    with pytest.raises(InputError, match=sentence):
        intarsia.train("discriminative-nuclei", (f"data={tmp_path / 'data'}",), out=str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


WHOLE = np.ones((8, 8), int)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (PanopticMap.empty(8, 8), "no pixel of its 2 maps is labelled"),
        (PanopticMap(WHOLE, [Segment(1, 1, is_crowd=True)]), r"every object \(2\) is a crowd"),
        (PanopticMap(WHOLE, [Segment(1, 1)]), "only one category is labelled"),
    ],
)
def test_nothing_to_learn_is_refused_before_the_first_step(tmp_path: Path, one: PanopticMap, reason: str):
    (tmp_path / "data" / "images").mkdir(parents=True)
    with CocoWriter(tmp_path / "data" / "panoptic.json", Categories.named("nuclei")) as writer:
        for n in range(2):
            tifffile.imwrite(tmp_path / "data" / "images" / f"{n}.tif", np.zeros((8, 8), np.uint8))
            writer.add(f"{n}.tif", one)
    with pytest.raises(InputError, match=f"in which there is something to learn, got {reason}"):
        intarsia.train("discriminative-nuclei", (f"data={tmp_path / 'data'}",), out=str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
