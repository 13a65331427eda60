"""Masks of another network beside photos: the model tells things apart, and says no category itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import intarsia
from intarsia.cli import main
from intarsia.commands.photo_pages import PhotoPage
from intarsia.commands.photo_run import PhotoSettings
from intarsia.commands.photos import Photo
from intarsia.commands.semantic_masks import MaskValues, mask_files
from intarsia.commands.shards import Shards, parts_of
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.json_file import write_json
from intarsia.panoptic import Categories, Category
from intarsia.pictures.reading import read_image
from intarsia.runtime.given_semantics import ImageWithSemantics

FACADES = Categories.named("facades")
SIZE = (64, 96)
CHINA = Path(__file__).parents[2] / "examples" / "photos" / "china.jpg"


def two_windows() -> np.ndarray:
    """Category ids: a facade (6) with two windows (1), and a corner that is left to the model."""
    ids = np.full(SIZE, 6, np.uint8)
    ids[10:40, 8:36] = 1
    ids[10:40, 56:84] = 1
    ids[50:, 90:] = 255
    return ids


def write_photos(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with Image.open(CHINA) as photo:
            photo.resize((SIZE[1], SIZE[0])).save(path)
    return folder


def write_mask(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(values).save(path)
    return path


def predicted(
    photos: Path, out: Path, semantic: Path, **options
) -> list[intarsia.commands.predict.Prediction]:  # type: ignore
    options = {"model": "facades-embedding", "threads": 1, "overlays": False, **options}
    return intarsia.predict((str(photos),), out=str(out), semantic=str(semantic), **options)


def test_the_maps_are_those_of_the_model_with_the_categories_that_the_masks_give(tmp_path: Path):
    photos = write_photos(tmp_path / "photos", "a.png", "deep/b.png")
    write_mask(tmp_path / "masks" / "a.png", two_windows())
    write_mask(tmp_path / "masks" / "deep" / "b.tif", two_windows()[::-1])
    done = predicted(photos, tmp_path / "out", tmp_path / "masks")
    model = intarsia.load("facades-embedding", threads=1)
    for prediction, ids in zip(done, (two_windows(), two_windows()[::-1]), strict=True):
        indices = np.where(ids == 255, 255, np.where(ids == 1, FACADES.index_of(1), FACADES.index_of(6)))
        image = ImageWithSemantics(read_image(photos / prediction.name), indices)
        assert prediction.map == model.predict(image)
        shown = prediction.map.semantic(FACADES)
        kept = (ids != 255) & (shown != FACADES.void_index)
        assert (shown == indices)[kept].mean() > 0.95


def test_a_table_beside_the_masks_says_by_name_what_its_values_mean(tmp_path: Path):
    known = Categories(
        [
            Category(1, "window", True, (1, 2, 3)),
            Category(6, "facade", False, (3, 2, 1)),
            Category(7, "wall", False, (3, 3, 1)),
        ]
    )
    rows = [{"id": 30, "name": "Wall", "isthing": 0}, {"id": 31, "name": "window", "isthing": 1}]
    rows.append({"id": 32, "name": "facade", "isthing": 0})
    write_json(tmp_path / "categories.json", {"categories": rows, "void": 9})
    mask = write_mask(tmp_path / "semantic" / "a.png", np.array([[30, 31, 32, 9]], np.uint8))
    for folder in (tmp_path, tmp_path / "semantic"):
        values = MaskValues.of(folder, known)
        assert values.read(mask, (1, 4), photo="a.jpg").tolist() == [[2, 0, 1, 255]]
        assert mask_files(folder, ["a.jpg"]) == {"a.jpg": mask}


def test_what_convert_writes_as_semantic_maps_is_taken_as_it_is(tmp_path: Path):
    photos = write_photos(tmp_path / "photos", "a.png")
    write_mask(tmp_path / "masks" / "a.png", two_windows())
    direct = predicted(photos, tmp_path / "direct", tmp_path / "masks")[0].map
    folder = tmp_path / "written"
    write_mask(folder / "semantic" / "a.png", two_windows())
    write_json(folder / "categories.json", {"categories": FACADES.to_coco(), "void": 255})
    assert predicted(photos, tmp_path / "out", folder)[0].map == direct


@pytest.mark.parametrize(
    ("mask", "sentence"),
    [
        (
            np.full(SIZE, 77, np.uint8),
            r"a.png` must be made of the ids of categories \(1, 2, .*got 77 at 6144 p",
        ),
        (two_windows()[:40], r"a.png` must be as large as its photo a.png, 64x96, got 40x96"),
        (two_windows()[..., None] * np.array([1, 2, 3], np.uint8), r"a.png` must be .*, got"),
    ],
)
def test_a_mask_that_does_not_fit_is_refused_and_nothing_is_written(
    tmp_path: Path, mask: np.ndarray, sentence: str
):
    photos = write_photos(tmp_path / "photos", "a.png")
    write_mask(tmp_path / "masks" / "a.png", mask)
    with pytest.raises(InputError, match=sentence):
        predicted(photos, tmp_path / "out", tmp_path / "masks")
    assert not (tmp_path / "out").exists()


def test_among_several_photos_the_others_are_predicted(tmp_path: Path):
    photos = write_photos(tmp_path / "photos", "a.png", "b.png")
    write_mask(tmp_path / "masks" / "a.png", two_windows()[:40])
    write_mask(tmp_path / "masks" / "b.png", two_windows())
    with pytest.raises(PartialFailure, match="1 of 2 failed: .*as large as its photo a.png") as failure:
        predicted(photos, tmp_path / "out", tmp_path / "masks")
    assert [prediction.name for prediction in failure.value.result] == ["b.png"]


def test_photos_and_masks_that_do_not_pair_are_refused(tmp_path: Path):
    photos = write_photos(tmp_path / "photos", "a.png", "deep/a.png", "b.png")
    write_mask(tmp_path / "masks" / "a.png", two_windows())
    with pytest.raises(InputError, match="`semantic` must be a folder .*for 1 of 3, such as b.png"):
        predicted(photos, tmp_path / "out", tmp_path / "masks")
    write_mask(tmp_path / "masks" / "b.png", two_windows())
    with pytest.raises(InputError, match="got a.png for a.png and deep/a.png"):
        predicted(photos, tmp_path / "out", tmp_path / "masks")
    with pytest.raises(InputError, match="`semantic` must be a folder of masks, got .*nowhere"):
        predicted(photos, tmp_path / "out", tmp_path / "nowhere")


@pytest.mark.parametrize("model", ["facades", "nuclei"])
def test_a_model_whose_categories_come_with_its_things_refuses_masks(
    tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
):
    photos = write_photos(tmp_path / "photos", "a.png")
    write_mask(tmp_path / "masks" / "a.png", two_windows())
    command = ["predict", str(photos), "--out", str(tmp_path / "out"), "--model", model]
    assert main([*command, "--semantic", str(tmp_path / "masks")]) == 2
    said = capsys.readouterr().err
    assert "`model` must be one that groups pixels whose categories are given, got one decoded by Cut" in said
    assert not (tmp_path / "out").exists()
    picture = ImageWithSemantics(read_image(photos / "a.png"), np.zeros(SIZE, int))
    with pytest.raises(InputError, match="groups pixels whose categories are given"):
        intarsia.load(model, threads=1).predict(picture)


def test_stacks_and_diameters_are_not_for_photos_with_masks(tmp_path: Path):
    photos = write_photos(tmp_path / "photos", "a.png")
    write_mask(tmp_path / "masks" / "a.png", two_windows())
    with pytest.raises(InputError, match="`semantic` must be left out for videos and stacks"):
        predicted(photos, tmp_path / "out", tmp_path / "masks", stack=True)
    with pytest.raises(InputError, match="`diameter` must be left out where `semantic` gives"):
        predicted(photos, tmp_path / "out", tmp_path / "masks", diameter=20.0)


def test_parts_of_a_run_with_other_masks_never_mix(tmp_path: Path):
    """A run that goes on after a stop must not keep what older masks led to."""
    photos = write_photos(tmp_path / "photos", "a.png")
    mask = write_mask(tmp_path / "masks" / "a.png", two_windows())
    photo = Photo("a.png", "a", 1, PhotoPage(photos / "a.png", None), mask)
    settings = PhotoSettings(model="facades-embedding", out=tmp_path, overlays=None, semantic=mask.parent)

    def folder_of(settings: PhotoSettings, photo: Photo) -> Path:
        return Shards.of(settings, parts_of([photo])).folder

    first = folder_of(settings, photo)
    assert folder_of(settings, photo) == first
    assert folder_of(replace(settings, semantic=None), replace(photo, mask=None)) != first
    write_json(mask.parent / "categories.json", {"categories": FACADES.to_coco()})
    second = folder_of(settings, photo)
    assert second != first
    write_mask(mask, two_windows()[:, ::-1][:40])
    assert folder_of(settings, photo) != second
