"""A model that remembers the size of its training sees every image in it, whatever the command."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import intarsia
from intarsia._id_map import nearest_index
from intarsia.cli import main
from intarsia.commands.video import CenterTracking, CutTracking
from intarsia.decoding.insight import view_of_pixel
from intarsia.pictures.intake import Intake
from intarsia.pictures.reading import read_image
from intarsia.runtime.model import Model
from intarsia.serve.models import ServedModel

EXAMPLES = Path(__file__).parents[2] / "examples" / "photos"
PHOTO = read_image(EXAMPLES / "china.jpg")[100:240, 100:292]
SEEN = (80, 128)
"""Neither half nor any other whole share of the photo's 140x192."""


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "house.png"
    Image.fromarray(PHOTO).save(path)
    return path


@pytest.fixture
def small_photo(tmp_path: Path) -> Path:
    """What a model of that size sees."""
    path = tmp_path / "small.png"
    Image.fromarray(Intake(size="128x80").resize(PHOTO)).save(path)  # pyright: ignore[reportArgumentType]
    return path


@pytest.fixture(params=["facades-embedding", "facades"])
def model(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A shipped one, as if it had been trained with `size=128x80`."""
    folder = tmp_path / "sized"
    shutil.copytree(Path(intarsia.__file__).parent / "models" / request.param, folder)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | {"intake": {"channel": [], "size": "128x80"}}))
    return str(folder)


def at_pixels_of_the_photo(values: np.ndarray) -> np.ndarray:
    rows, columns = map(nearest_index, PHOTO.shape[:2], SEEN)
    return values[rows][:, columns]


def test_explain_shows_what_predict_found(model: str, photo: Path, small_photo: Path, tmp_path: Path):
    seen = intarsia.explain(str(photo), pixel="70,96", model=model, out=str(tmp_path / "a.png"))
    assert seen.map == intarsia.load(model).predict(str(photo))
    small = intarsia.explain(str(small_photo), pixel="40,64", model=model, out=str(tmp_path / "b.png"))
    spread = at_pixels_of_the_photo(small.values)
    if seen.kind == "affinity":
        spread = spread / spread.sum()
    np.testing.assert_allclose(seen.values, spread, rtol=1e-4, atol=1e-9)
    assert len(seen.pairs) == len(small.pairs)
    for of_photo, of_small in zip(seen.pairs, small.pairs, strict=True):
        assert of_photo[2] == of_small[2]
        assert of_photo[0] == round(of_small[0] * 140 / 80)
        assert of_photo[1] == round(of_small[1] * 192 / 128)


def test_explain_takes_another_size(photo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["explain", str(photo), "--pixel", "5,6", "--out", str(tmp_path / "seen.png")]
    assert main([*command, "--size", "128x80"]) == 0
    assert main([*command, "--size", "80"]) == 2
    assert "`size` must be" in capsys.readouterr().err
    seen = intarsia.explain(str(photo), pixel="5,6", size="128x80", out=str(tmp_path / "seen.png"))
    model = intarsia.load("facades-embedding")
    model.intake = Intake(size="128x80")
    assert seen.map == model.predict(str(photo))


def test_the_page_looks_from_the_pixel_that_was_clicked(model: str):
    served = ServedModel("sized", intarsia.load(model))
    panoptic_map = served.segment(PHOTO)
    inside = served.look_inside(PHOTO, panoptic_map)
    rows, columns = inside.category_prob.shape[1:]
    view = view_of_pixel(inside, panoptic_map, served.categories, pixel=(139, 191))
    assert (rows * view.step_px[0], columns * view.step_px[1]) == pytest.approx((140, 192))
    assert view.joined is not None
    nearest = view.joined.argmin() if view.kind == "distance" else view.joined.argmax()
    assert nearest == rows * columns - 1  # itself, in the corner
    assert view.segment_id == panoptic_map.ids[139, 191]


def frames_by(model: Model, tracking: type[CenterTracking] | type[CutTracking]) -> list[np.ndarray]:
    tracker = tracking(model)
    maps = [found for shift in (0, 2) for found in tracker.add(np.roll(PHOTO, shift, axis=1))]
    return [panoptic_map.semantic(model.categories) for panoptic_map in [*maps, *tracker.finish()]]


@pytest.mark.parametrize("tracking", [CenterTracking, CutTracking])
def test_frames_of_a_video_are_seen_in_that_size(tracking: type[CenterTracking] | type[CutTracking]):
    sized, plain = (intarsia.load("facades-embedding", threads=1) for _ in range(2))
    sized.intake = Intake(size="128x80")
    tracker = tracking(plain)
    frames = [Intake(size="128x80").resize(np.roll(PHOTO, shift, axis=1)) for shift in (0, 2)]
    maps = [found for frame in frames for found in tracker.add(frame)]  # pyright: ignore[reportArgumentType]
    expected = [panoptic_map.semantic(plain.categories) for panoptic_map in [*maps, *tracker.finish()]]
    assert len(expected) == 2
    for got, wanted in zip(frames_by(sized, tracking), expected, strict=True):
        assert np.array_equal(got, wanted)


def test_a_stack_is_cut_in_that_size_and_comes_back_in_its_own():
    pages = [read_image(EXAMPLES / "nuclei.tif")[100:220, 100:240]] * 2
    model = intarsia.load("nuclei", threads=1)
    small = [Intake(size="70x60").resize(page) for page in pages]
    expected = [page.resized(120, 140) for page in model.predict_stack(small)]
    model.intake = model.intake.with_options((), "70x60")
    assert model.predict_stack(pages) == expected
