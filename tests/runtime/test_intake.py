"""A model sees what it was trained on: channels of a file, and a size; maps have the picture's own size."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import intarsia
from intarsia.commands.predict import predict
from intarsia.pictures.intake import Intake
from intarsia.pictures.reading import read_image

NUCLEI = Path(__file__).parents[2] / "examples" / "photos" / "nuclei.tif"
PICTURE = read_image(NUCLEI)[:120, :160]


def stains(path: Path) -> Path:
    """Three channels of 16 bits of which the last but one shows the nuclei."""
    gray = PICTURE[..., 0].astype(np.uint16) * 16
    planes = np.stack([np.zeros_like(gray), np.full_like(gray, 9), gray, gray[::-1]])
    tifffile.imwrite(path, planes, photometric="minisblack", metadata={"axes": "CYX"}, ome=True)
    return path


def test_a_size_of_its_own_is_that_of_predicting_the_resized_picture(tmp_path: Path):
    model = intarsia.load("nuclei", threads=1)
    small = np.asarray(Image.fromarray(PICTURE).resize((80, 60), Image.Resampling.BILINEAR))
    expected = model.predict(small).resized(120, 160)
    model.intake = model.intake.with_options((), "80x60")
    one = model.predict(PICTURE)
    assert one.size == (120, 160)
    assert np.array_equal(one.ids, expected.ids)
    assert [m.size for m in model.predict([PICTURE, PICTURE[:90]])] == [(120, 160), (90, 160)]


def test_the_command_takes_a_size(tmp_path: Path):
    Image.fromarray(PICTURE).save(tmp_path / "a.png")
    [prediction] = predict(
        (str(tmp_path / "a.png"),), model="nuclei", out=str(tmp_path / "out"), size="80x60"
    )
    assert prediction.map.size == (120, 160)
    model = intarsia.load("nuclei", threads=1)
    model.intake = model.intake.with_options((), "80x60")
    assert np.array_equal(prediction.map.ids, model.predict(PICTURE).ids)
    with pytest.raises(ValueError, match="WIDTHxHEIGHT"):
        predict((str(tmp_path / "a.png"),), model="nuclei", out=str(tmp_path / "out"), size="80")


def test_a_channel_of_the_model_is_chosen_in_files(tmp_path: Path):
    path = stains(tmp_path / "a.ome.tif")
    model = intarsia.load("nuclei", threads=1)
    with pytest.raises(ValueError, match="Choose with `channel`, 0 to 3"):
        model.predict(path)
    model.intake = replace(model.intake, channel=(2,))
    assert np.array_equal(model.predict(path).ids, model.predict(read_image(path, channel=2)).ids)


@pytest.mark.parametrize("channel", [(0, 1, 2, 3), (-1,)])
def test_channels_that_no_file_has_are_refused(channel: tuple[int, ...]):
    with pytest.raises(ValueError, match="`channel` must be up to three numbers from 0"):
        Intake(channel)


@pytest.mark.parametrize("factor", [-1.0, 0.5, 1.0, float("nan"), float("inf")])
def test_a_second_look_is_from_a_factor_on(factor: float):
    with pytest.raises(ValueError, match="`second_look` must be 0 or a factor above 1"):
        Intake(second_look=factor)


def test_a_size_and_a_second_look_exclude_each_other():
    with pytest.raises(ValueError, match="`size` must be left out where `second_look` says"):
        Intake(size="80x60", second_look=2.0)
    assert Intake(second_look=2.0).with_options((1,), "80x60") == Intake((1,), "80x60")
    assert Intake(second_look=2.0).with_options((1,), None) == Intake((1,), second_look=2.0)
