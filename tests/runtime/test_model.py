"""A model takes what people call an image, says where it runs, and shows itself in a few lines."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import intarsia
from intarsia.errors import InputError
from intarsia.panoptic import PanopticMap
from intarsia.runtime import Model

PHOTO = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def model() -> Model:
    return intarsia.load("facades", device="cpu", threads=1)


@pytest.fixture(scope="module")
def expected(model: Model) -> PanopticMap:
    panoptic_map = model.predict(PHOTO)
    assert panoptic_map.size == PHOTO.shape[:2]
    return panoptic_map


def test_one_image_in_any_form_gives_the_same_map(model, expected, tmp_path: Path):
    Image.fromarray(PHOTO).save(tmp_path / "a.png")
    content = (tmp_path / "a.png").read_bytes()
    alpha = np.concatenate([PHOTO, np.full((40, 56, 1), 9, np.uint8)], axis=2)
    forms = [tmp_path / "a.png", str(tmp_path / "a.png"), content, BytesIO(content), Image.fromarray(PHOTO)]
    for image in [*forms, alpha, Image.fromarray(alpha), PHOTO / 255, (PHOTO / 255).astype(np.float32)]:
        assert model.predict(image) == expected


def test_several_images_are_a_list_a_tuple_or_an_iterator(model, expected):
    pair = [PHOTO, PHOTO]
    for several in (pair, tuple(pair), (photo for photo in pair), iter(pair), map(np.copy, pair)):
        assert model.predict(several) == [expected, expected]
    assert model.predict([]) == model.predict(()) == []


def test_a_deep_array_is_stretched_and_what_is_no_image_is_refused_in_a_sentence(model):
    assert model.predict(PHOTO[..., 0].astype(np.uint16) * 16).size == PHOTO.shape[:2]
    for image in (b"no image", np.zeros((2, 3, 5), np.uint8), np.zeros((2, 3), np.int64), PHOTO * 1.0):
        with pytest.raises(InputError, match=r"^`image` must be .*, got "):
            model.predict(image)


def test_a_model_says_where_it_runs(model):
    assert model.device == "cpu"
    pytest.importorskip("torch")
    assert intarsia.load("facades", backend="torch", device="cpu").device == "cpu"


def test_a_model_shows_itself_in_a_few_lines_and_its_colours_in_a_notebook(model):
    title, things, stuff = repr(model).splitlines()
    assert "cpu" in title
    assert things.strip().startswith(f"{len(model.categories.things)} things: ")
    assert stuff.strip().startswith(f"{len(model.categories.stuff)} stuff: ")
    page = model._repr_html_()
    for category in model.categories:
        assert f"rgb{category.color}" in page
        assert category.name in page
