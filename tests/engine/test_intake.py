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
