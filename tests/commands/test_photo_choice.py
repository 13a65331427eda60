"""Files of several pages or channels: conversion, training, inspection and prediction see the same choice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

import intarsia
from intarsia.cli import main
from intarsia.data.dataset import PanopticDataset
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco import CocoWriter, read_coco
from intarsia.formats.layout import FORMATS
from intarsia.panoptic import Categories, PanopticMap, Segment
from intarsia.pictures.reading import read_image

LABELS = np.kron(np.array([[0, 1, 0], [2, 0, 3]]), np.ones((64, 64), int)).astype(np.uint16)
CHOICES = [((1,), 2), ((1, 0), 0), ((2, 1, 0), 1)]


def hyperstack(path: Path) -> Path:
    """Three sections of three stains, 12 bits, as ImageJ saves them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    noise = np.random.default_rng(0).integers(0, 4096, (3, 3, *LABELS.shape)).astype(np.uint16)
    height, width = LABELS.shape
    noise[2, 1] = read_image("examples/photos/nuclei.tif")[:height, :width, 0] * np.uint16(16)
    tifffile.imwrite(path, noise, imagej=True, metadata={"axes": "ZCYX"})
    return path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two hyperstacks, on each of which one label image was drawn."""
    for name in "ab":
        hyperstack(tmp_path / "data" / "images" / f"{name}.tif")
        (tmp_path / "data" / "masks").mkdir(exist_ok=True)
        tifffile.imwrite(tmp_path / "data" / "masks" / f"{name}.tif", LABELS, photometric="minisblack")
    return tmp_path / "data"


@pytest.mark.parametrize(("channel", "page"), CHOICES)
@pytest.mark.parametrize("to", ["coco", "labels", "coco-instances", "cityscapes"])
def test_conversion_brings_along_what_training_sees(
    folder: Path, tmp_path: Path, channel: tuple[int, ...], page: int, to: str
):
    table = tmp_path / "map.json"  # Cityscapes has categories of its own
    table.write_text('{"categories": "cityscapes", "labels": {"0": 7, "1": 26, "2": 26, "3": 26}}')
    options: dict[str, Any] = {"category_map": str(table)} if to == "cityscapes" else {}
    out = intarsia.convert(
        "labels", str(folder), str(tmp_path / "out"), to=to, channel=channel, page=page, **options
    )
    [part] = FORMATS[to](out)
    photos = [source.read_photo() for source in part.maps]
    expected = read_image(folder / "images" / "a.tif", channel=channel, page=page)
    assert len(photos) == 2
    assert all(np.array_equal(photo, expected) for photo in photos)
    sample = PanopticDataset(folder, channel=channel, page=page)[0]
    assert np.array_equal(sample.image.numpy().transpose(1, 2, 0), expected)


def test_a_file_and_what_was_converted_of_it_have_one_prediction(folder: Path, tmp_path: Path):
    out = intarsia.convert("labels", str(folder), str(tmp_path / "out"), channel=(1,), page=2)
    options = {"model": "nuclei", "overlays": False}
    [ours] = intarsia.predict((str(out / "images" / "a.png"),), out=str(tmp_path / "1"), **options)
    choice = {"channel": (1,), "page": 2}
    [theirs] = intarsia.predict(
        (str(folder / "images" / "a.tif"),), out=str(tmp_path / "2"), **choice, **options
    )
    assert np.array_equal(ours.map.ids, theirs.map.ids)
    assert [segment.category_id for segment in ours.map.segments].count(1) >= 1


def test_explanation_sees_the_same_page_and_channel(folder: Path, tmp_path: Path):
    stack, out = str(folder / "images" / "a.tif"), str(tmp_path / "explained.png")
    looks = {"pixel": (10, 20), "model": "nuclei", "out": out}
    ours = intarsia.explain(stack, channel=(1,), page=2, **looks)
    Image.fromarray(read_image(stack, channel=1, page=2)).save(tmp_path / "shown.png")
    theirs = intarsia.explain(str(tmp_path / "shown.png"), **looks)
    assert np.array_equal(ours.map.ids, theirs.map.ids)
    assert np.array_equal(ours.values, theirs.values)


def test_the_options_of_the_shell_are_those_of_prediction(folder: Path, tmp_path: Path, capsys):
    choice = ["--channel", "1", "--page", "2"]
    assert main(["convert", "labels", str(folder), str(tmp_path / "out"), *choice]) == 0
    assert main(["inspect", str(folder), *choice]) == 0
    assert main(["inspect", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert main(["convert", "labels", str(folder), str(tmp_path / "none")]) == 2
    assert (
        "got 3 pages. Choose one with `page`, 0 to 2. So it is with all 2 images" in capsys.readouterr().err
    )
    assert main(["inspect", str(folder)]) == 1
    assert capsys.readouterr().err.count("got 3 pages. Choose one with `page`, 0 to 2.") == 2


def test_pages_with_labels_of_their_own_need_a_channel_alone(tmp_path: Path):
    path = hyperstack(tmp_path / "data" / "images" / "a.tif")
    (tmp_path / "data" / "labels").mkdir()
    tifffile.imwrite(tmp_path / "data" / "labels" / "a.tif", np.stack([LABELS] * 3), photometric="minisblack")
    with pytest.raises(InputError, match="`page` must be left out where every page has a map of its own"):
        intarsia.convert("labels", str(tmp_path / "data"), str(tmp_path / "out"), page=1)
    out = intarsia.convert("labels", str(tmp_path / "data"), str(tmp_path / "out"), channel=(2,))
    written = sorted((out / "images").iterdir())
    assert [photo.name for photo in written] == ["a_0000.png", "a_0001.png", "a_0002.png"]
    for page, photo in enumerate(written):
        assert np.array_equal(read_image(photo), read_image(path, channel=2, page=page))


def test_a_channel_that_no_file_has_and_pixels_in_arrays_are_refused(folder: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"`channel` must be in \[0, 3\) for .*a.tif, got 3"):
        intarsia.convert("labels", str(folder), str(tmp_path / "out"), channel=(3,), page=0)
    with pytest.raises(InputError, match=r"`page` must be in \[0, 3\) for .*a.tif, got 3"):
        intarsia.convert("labels", str(folder), str(tmp_path / "out2"), channel=(0,), page=3)
    (tmp_path / "cells").mkdir()
    np.savez(tmp_path / "cells" / "t.npz", X=np.zeros((1, 8, 8, 2)), y=np.ones((1, 8, 8, 2), int))
    with pytest.raises(InputError, match="`channel` must be given for photos in files of their own"):
        intarsia.convert("cell-arrays", str(tmp_path / "cells"), str(tmp_path / "out3"), channel=(0,))


def test_photos_that_would_become_one_png_are_refused(tmp_path: Path):
    one = PanopticMap(np.ones((4, 4), int), [Segment(1, 2)])
    (tmp_path / "in" / "images").mkdir(parents=True)
    with CocoWriter(tmp_path / "in" / "panoptic.json", Categories.named("nuclei")) as writer:
        for number, name in enumerate(("a.png", "a.tif")):
            Image.new("RGB", (4, 4), (number, 0, 0)).save(tmp_path / "in" / "images" / name)
            writer.add(name, one, image_id=number)
    with pytest.raises(
        InputError, match="whose photos have names of their own, got two to be called 'a.png'"
    ):
        intarsia.convert("coco", str(tmp_path / "in"), str(tmp_path / "out"), channel=(0,))
    intarsia.convert("coco", str(tmp_path / "in"), str(tmp_path / "out"))


def test_a_choice_reaches_the_photos_of_every_format(tmp_path: Path):
    """COCO panoptic with stacks, which `inspect` reads by its JSON; a map without a photo has no choice."""
    hyperstack(tmp_path / "in" / "images" / "a.tif")
    one = PanopticMap(np.ones(LABELS.shape, int), [Segment(1, 2)])
    with CocoWriter(tmp_path / "in" / "panoptic.json", Categories.named("nuclei")) as writer:
        writer.add("a.tif", one, image_id=1)
        writer.add("b.tif", one, image_id=2)
    with pytest.raises(PartialFailure, match="b.tif") as failure:
        intarsia.inspect(str(tmp_path / "in"), channel=(0,), page=1)
    assert "a.tif" not in str(failure.value)
    with pytest.raises(PartialFailure, match=r"1 photo|b\.tif"):
        intarsia.convert("coco", str(tmp_path / "in"), str(tmp_path / "out"), channel=(0,), page=1)
    names = {
        record.image_id: record.image_file for record in read_coco(tmp_path / "out/panoptic.json").records
    }
    assert names == {1: "a.png", 2: "b.tif"}
    expected = read_image(tmp_path / "in" / "images" / "a.tif", channel=0, page=1)
    assert np.array_equal(read_image(tmp_path / "out" / "images" / "a.png"), expected)
