"""A run on one channel of files of many, in a size of its own: the model remembers both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import intarsia
import intarsia.methods.load as methods
from intarsia.pictures.intake import Intake
from intarsia.pictures.reading import read_image
from tests.data.test_learnable import write_cells
from tests.engine.tiny import OVERRIDES


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    """Cells in the second of two channels."""
    folder = write_cells(tmp_path / "data")
    for path in (folder / "images").iterdir():
        cells = tifffile.imread(path)
        tifffile.imwrite(path, np.stack([cells * 0, cells]), imagej=True, metadata={"axes": "CYX"})
    return folder


def test_channel_and_size_of_training_are_those_of_prediction(stacks: Path, tmp_path: Path):
    settings = (*OVERRIDES, f"data={stacks}", "channel=1", "size=40x32", "schedule.steps=2", "export=true")
    run = intarsia.train("discriminative-nuclei", settings, out=str(tmp_path / "run"))
    photo = stacks / "images" / "0.tif"
    maps = []
    for backend in ("onnxruntime", "torch"):
        model = intarsia.load(run / "best", backend=backend)
        assert model.intake == Intake((1,), "40x32")
        maps.append(model.predict(photo))
        assert maps[-1].size == (64, 80)
        assert np.array_equal(model.predict(read_image(photo, channel=1)).ids, maps[-1].ids)
    assert methods.load(run / "best").intake == Intake((1,), "40x32")


def test_files_of_many_channels_without_a_choice_are_refused_before_the_first_step(
    stacks: Path, tmp_path: Path
):
    with pytest.raises(ValueError, match="Choose with `channel`, 0 to 1"):
        intarsia.train("discriminative-nuclei", (*OVERRIDES, f"data={stacks}"), out=str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()
    settings = (*OVERRIDES, f"data={stacks}", "channel=2")
    with pytest.raises(ValueError, match=r"`channel` must be in \[0, 2\)"):
        intarsia.train("discriminative-nuclei", settings, out=str(tmp_path / "run"))


@pytest.fixture
def sections(tmp_path: Path) -> Path:
    """Cells in the last of three pages, on one label image a file."""
    folder = write_cells(tmp_path / "data")
    for path in (folder / "images").iterdir():
        cells = tifffile.imread(path)
        tifffile.imwrite(path, np.stack([cells * 0, cells * 0, cells]), photometric="minisblack")
    return folder


def test_the_page_of_training_is_that_of_prediction(sections: Path, tmp_path: Path):
    settings = (*OVERRIDES, f"data={sections}", "page=2", "schedule.steps=2", "export=true")
    run = intarsia.train("discriminative-nuclei", settings, out=str(tmp_path / "run"))
    photo = sections / "images" / "0.tif"
    for backend in ("onnxruntime", "torch"):
        model = intarsia.load(run / "best", backend=backend)
        assert model.intake == Intake(page=2)
        assert np.array_equal(model.predict(photo).ids, model.predict(read_image(photo, page=2)).ids)
    # the command takes the same page, or another on request
    maps = [model.predict(read_image(photo, page=page)).ids for page in range(3)]
    for page, pages in [(None, [2]), (0, [0]), ("all", [0, 1, 2])]:
        options = {"model": str(run / "best"), "out": str(tmp_path / f"found_{page}"), "overlays": False}
        images = intarsia.predict((str(photo),), page=page, **options)
        assert all(np.array_equal(one.map.ids, maps[n]) for one, n in zip(images, pages, strict=True))


def test_files_of_several_pages_without_a_choice_are_refused_before_the_first_step(
    sections: Path, tmp_path: Path
):
    choices = [
        ((), "got 3 pages. Choose one with `page`, 0 to 2"),
        (("page=3",), r"`page` must be in \[0, 3\)"),
        (("page=-1",), "`page` must be a number from 0, got -1"),
    ]
    for choice, sentence in choices:
        settings = (*OVERRIDES, f"data={sections}", *choice)
        with pytest.raises(ValueError, match=sentence):
            intarsia.train("discriminative-nuclei", settings, out=str(tmp_path / "run"))
    # where every page has a label image of its own there is nothing to choose
    for path in (sections / "images").iterdir():
        label = sections / "masks" / path.name
        tifffile.imwrite(label, np.stack([tifffile.imread(label)] * 3), photometric="minisblack")
    with pytest.raises(ValueError, match="`page` must be left out where every page has a map of its own"):
        intarsia.train(
            "discriminative-nuclei", (*OVERRIDES, f"data={sections}", "page=1"), out=str(tmp_path / "run")
        )
    assert not (tmp_path / "run").exists()


def test_leaves_are_learned_predicted_and_counted(tmp_path: Path):
    """The recipe on two steps, its prediction against label images, with CVPPP's measures."""
    folder = write_cells(tmp_path / "A1", labels="{}_label.png")
    for path in [*(folder / "images").iterdir()]:
        path.rename(folder / f"{path.stem}_rgb.tif")
    (folder / "images").rmdir()
    for path in folder.glob("*_label.png"):
        Image.fromarray(tifffile.imread(path).astype(np.uint8)).save(path)
    settings = (*OVERRIDES, f"data={folder}", "schedule.steps=2")
    run = intarsia.train("discriminative-cvppp", settings, out=str(tmp_path / "run"))
    photos = tuple(map(str, sorted(folder.glob("*_rgb.tif"))))
    intarsia.predict(photos, model=str(run / "best"), out=str(tmp_path / "found"), overlays=False)
    report = intarsia.evaluate(folder, tmp_path / "found" / "panoptic.json", also=("leaf",))
    assert 0 <= report.also["leaf"].to_json()["symmetric_best_dice"] <= 1
