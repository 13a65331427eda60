"""What the shipped model of nuclei says of pictures that are not like those it learned from."""

import numpy as np
import pytest

import intarsia
from intarsia.pictures.reading import read_image
from intarsia.runtime import Model


@pytest.fixture(scope="module")
def model() -> Model:
    return intarsia.load("nuclei", threads=1)


@pytest.fixture(scope="module")
def cells(request) -> np.ndarray:
    return read_image(request.config.rootpath / "examples" / "photos" / "nuclei.tif")


def num_nuclei(model: Model, picture: np.ndarray) -> int:
    (nucleus,) = model.categories.things
    return sum(segment.category_id == nucleus.id for segment in model.predict(picture).segments)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_a_blank_picture_has_no_nuclei(model, level):
    assert num_nuclei(model, np.full((256, 256, 3), level, np.uint8)) == 0


def test_noise_has_no_nuclei(model):
    draws = np.random.default_rng(0)
    colors = draws.integers(0, 256, (256, 256, 3), dtype=np.uint8)
    gray = np.clip(draws.normal(60, 8, (256, 256, 1)), 0, 255).astype(np.uint8)
    dark = draws.poisson(3, (256, 256, 1)).astype(np.uint8)
    assert [num_nuclei(model, picture) for picture in (colors, gray.repeat(3, 2), dark.repeat(3, 2))] == [
        0,
        0,
        0,
    ]


def test_depth_does_not_matter_and_inverted_contrast_little(model, cells):
    usual = num_nuclei(model, cells)
    assert usual > 100
    for deep in (cells.astype(np.uint16) * 257, cells.astype(np.uint16) * 16, cells.astype(np.float32) / 255):
        assert abs(num_nuclei(model, deep) - usual) <= 3
    assert num_nuclei(model, 255 - cells) > 0.8 * usual
