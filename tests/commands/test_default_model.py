"""Where no model is named: which one is taken, and what is said where it finds nothing."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import intarsia

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
HINT = "--model nuclei"


def said(capsys, *photos: Path, out: Path, **options) -> str:
    intarsia.predict(tuple(map(str, photos)), out=str(out), overlays=False, **options)
    return capsys.readouterr().out


def test_cells_without_a_named_model_are_answered_with_the_one_for_nuclei(tmp_path, capsys):
    assert HINT in said(capsys, PHOTOS / "nuclei.tif", out=tmp_path)


def test_a_house_is_not(tmp_path, capsys):
    assert HINT not in said(capsys, PHOTOS / "china.jpg", out=tmp_path)


def test_one_image_with_things_is_enough(tmp_path, capsys):
    assert HINT not in said(capsys, PHOTOS / "nuclei.tif", PHOTOS / "china.jpg", out=tmp_path)


@pytest.mark.parametrize("model", ["facades", "nuclei"])
def test_who_names_a_model_is_not_told_of_another(tmp_path, capsys, model):
    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "black.png")
    assert HINT not in said(capsys, tmp_path / "black.png", out=tmp_path / "out", model=model)
