"""Objects of any size: how large they are, by what an image is scaled, and what comes back."""

import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import intarsia
from intarsia.errors import InputError
from intarsia.panoptic import Categories, Category, PanopticMap, Segment
from intarsia.pictures.image_like import as_image
from intarsia.pictures.intake import Intake
from intarsia.pictures.reading import read_image
from intarsia.runtime.diameter import (
    factor_of_picture,
    predict_at_diameter,
    rescale,
    scale_factor,
    second_look_holds,
    typical_diameter_px,
)
from intarsia.runtime.given_semantics import ImageWithSemantics
from intarsia.runtime.model import Model

PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "nuclei.tif"
TYPICAL_PX = 16.6
"""The diameter that `nuclei` was trained on: told of the same one, it sees the picture as it is."""
CATEGORIES = Categories([Category(1, "disc", True, (1, 1, 1)), Category(2, "ground", False, (2, 2, 2))])


def picture_of_squares(*sides):
    """Bright squares on a dark ground, one beside the other."""
    size = sum(sides) + 4 * len(sides) + 4, max(sides) + 8
    picture = np.zeros((*size, 3), np.float32)
    row = 4
    for side in sides:
        picture[row : row + side, 4 : 4 + side] = 1
        row += side + 4
    return picture


class Watcher:
    """Predicts bright patches as things, and remembers the sizes of what it was shown."""

    def __init__(self):
        self.seen = []

    def __call__(self, pictures):
        from scipy.ndimage import label

        for picture in pictures:
            self.seen.append(picture.shape[:2])
            ids, count = label(picture[..., 0] > 0.5)  # pyright: ignore[reportGeneralTypeIssues]
            ids = np.where(ids > 0, ids, count + 1).astype(np.int32)
            things = [Segment(n, 1) for n in range(1, count + 1)]
            yield PanopticMap.keeping_visible(ids, [*things, Segment(count + 1, 2)])


def predict(watcher, pictures, diameter, trained_px=10.0):
    options = {"trained_px": trained_px, "categories": CATEGORIES}
    return list(predict_at_diameter(watcher, pictures, diameter, **options))


def test_the_typical_diameter_is_the_median_image_s_median_thing():
    """Squares of side a have the area of discs of diameter 2 a / sqrt(pi); stuff does not count."""
    maps = list(
        Watcher()([picture_of_squares(4, 8, 8), picture_of_squares(30), np.zeros((9, 9, 3), np.float32)])
    )
    per_side = 2 / math.sqrt(math.pi)
    assert typical_diameter_px(maps[:1], CATEGORIES) == pytest.approx(8 * per_side)
    assert typical_diameter_px(maps, CATEGORIES) == pytest.approx((8 + 30) / 2 * per_side)
    assert typical_diameter_px(maps[2:], CATEGORIES) is None


@given(st.floats(1, 100), st.floats(1.3, 79))
def test_a_factor_brings_the_diameter_to_the_trained_one(trained, times):
    diameter = trained * times / 10
    assert math.isclose(diameter * scale_factor(diameter, trained), trained)


@pytest.mark.parametrize("diameter", [0.0, -3.0, 1.2, 81.0, math.nan])
def test_a_diameter_out_of_range_is_refused(diameter):
    with pytest.raises(InputError, match="`diameter` must be from 1.25 to 80 pixels for this model"):
        scale_factor(diameter, 10.0)


def test_a_model_that_does_not_know_its_diameter_refuses_one():
    model = intarsia.load("facades")
    model.spec = dataclasses.replace(model.spec, diameter_px=None)
    for diameter in (12.0, "auto"):
        with pytest.raises(InputError, match="`diameter` must be left to models that know how large"):
            model.predict(np.zeros((20, 20, 3), np.uint8), diameter=diameter)


def test_a_rescaled_picture_keeps_its_range_its_colors_and_more_than_eight_bits():
    picture = np.full((10, 6, 3), (0.2, 0.50001, 1.0), np.float32)
    larger = rescale(picture, 1.5)
    assert larger.shape == (15, 9, 3)
    np.testing.assert_allclose(larger, np.broadcast_to(picture[0, 0], larger.shape), atol=1e-6)
    assert rescale(picture, 0.01).shape == (1, 1, 3)


def test_pictures_are_seen_at_the_scale_of_training_and_come_back_in_their_size():
    watcher = Watcher()
    pictures = [picture_of_squares(20), picture_of_squares(20, 20)]
    maps = predict(watcher, pictures, 20.0)
    assert watcher.seen == [(14, 14), (26, 14)]
    assert [m.size for m in maps] == [(28, 28), (52, 28)]
    assert [sum(s.category_id == 1 for s in m.segments) for m in maps] == [1, 2]


def test_auto_looks_again_only_where_things_are_far_from_the_trained_size():
    """Squares of 9 have a diameter of 10.2, as trained; of 36 four times that, of 3 a third, by octaves."""
    watcher = Watcher()
    empty = np.zeros((8, 9, 3), np.float32)
    pictures = [picture_of_squares(9), picture_of_squares(36), picture_of_squares(3, 3), empty]
    maps = predict(watcher, pictures, "auto")
    assert watcher.seen[:1] == [(17, 17)]
    assert watcher.seen[1:4] == [(44, 44), (22, 22), (11, 11)]
    assert watcher.seen[4:6] == [(18, 11), (36, 22)]
    assert watcher.seen[6:] == [(8, 9)]
    assert [m.size for m in maps] == [p.shape[:2] for p in pictures]


def test_the_shipped_nuclei_are_found_at_any_size():
    """At half and at double size, told how large the nuclei are, about as many are found."""
    model = intarsia.load("nuclei")
    picture = as_image(PHOTO)[:256, :256]
    count = len(model.predict(picture).segments)
    assert count > 20
    for factor in (0.5, 2.0):
        seen = model.predict(rescale(picture, factor), diameter=TYPICAL_PX * factor)
        assert seen.size == (256 * factor, 256 * factor)
        assert abs(len(seen.segments) - count) <= 0.15 * count


def test_auto_hands_all_pictures_over_at_once_so_that_their_decoding_does_not_wait():
    calls, watcher = [], Watcher()

    def counting(pictures):
        calls.append(1)
        return watcher(pictures)

    assert len(predict(counting, [picture_of_squares(9)] * 3, "auto")) == 3
    assert len(calls) == 1


class Doubter(Watcher):
    """Sure of what it sees in pictures of so many rows, and of larger ones as it is told."""

    def __init__(self, rows, score):
        super().__init__()
        self.rows, self.score = rows, score

    def __call__(self, pictures):
        shown = list(pictures)
        for picture, answer in zip(shown, super().__call__(shown), strict=True):
            score = self.score if picture.shape[0] > self.rows else 0.9
            yield PanopticMap(answer.ids, [Segment(s.id, s.category_id, score) for s in answer.segments])


def test_the_second_look_counts_only_where_it_finds_as_much():
    """Seen larger, the network doubts what it was sure of: the first answer stays, and the view is of it."""
    picture = picture_of_squares(3, 3)
    for score, stays in ((0.95, False), (0.9, False), (0.899, True), (0.6, True)):
        [found] = predict(Doubter(18, score), [picture], "auto")
        assert [s.score for s in found.segments if s.category_id == 1] == [0.9 if stays else score] * 2
        options = {"trained_px": 10.0, "categories": CATEGORIES}
        factor = factor_of_picture(Doubter(18, score), picture, "auto", **options)
        assert factor == (1 if stays else 2)


@pytest.mark.parametrize(("score", "holds"), [(0.9, True), (0.896, True), (0.894, False)])
def test_a_second_look_in_more_pieces_holds_if_it_is_hardly_less_sure(score, holds):
    """Three pieces have a larger sum than the one or two things that they are of, however doubtful."""
    ids = np.array([[1, 2, 3]], np.int32)
    first = PanopticMap(np.array([[1, 1, 2]], np.int32), [Segment(n, 1, 0.9) for n in (1, 2)])
    second = PanopticMap(ids, [Segment(n, 1, score) for n in (1, 2, 3)])
    assert second_look_holds(second, first, CATEGORIES) == holds


def test_auto_goes_on_only_from_looks_that_hold():
    """Squares of 2 wish for four times the size; where twice the size is doubted nobody looks at four."""
    picture = picture_of_squares(2, 2)
    height = picture.shape[0]
    for score, times in ((0.9, [1, 2, 4]), (0.5, [1, 2])):
        watcher = Doubter(height, score)
        predict(watcher, [picture], "auto")
        assert [seen[0] / height for seen in watcher.seen] == times


def test_auto_does_not_look_again_where_it_was():
    """What is too small at its own size is too large at twice that: the second look stays."""

    class Swaying(Watcher):
        def __call__(self, pictures):
            for picture in pictures:
                self.seen.append(picture.shape[:2])
                thing = np.zeros(picture.shape[:2], np.int32)
                side = 30 if len(self.seen) > 1 else 3
                thing[:side, :side] = 1
                yield PanopticMap.keeping_visible(thing, [Segment(1, 1)])

    watcher = Swaying()
    predict(watcher, [np.zeros((20, 20, 3), np.float32)], "auto")
    assert watcher.seen == [(20, 20), (40, 40)]


def test_auto_enlarges_no_picture_beyond_what_memory_holds(monkeypatch):
    """Squares of 3 wish for three times the size; a limit of 1.4 times leaves the first look."""
    picture = picture_of_squares(3, 3)
    height, width = picture.shape[:2]
    for times, sizes in ((2.6, 2), (1.4, 1)):
        monkeypatch.setattr("intarsia.runtime.diameter.MOST_ENLARGED_PX", times**2 * height * width)
        watcher = Watcher()
        [panoptic_map] = predict(watcher, [picture], "auto")
        assert len(watcher.seen) == sizes
        assert watcher.seen[-1][0] <= math.ceil(2.6 * height)
        assert panoptic_map.size == (height, width)


def test_a_model_looks_again_by_itself_at_what_is_far_from_its_training():
    """Nuclei of some 4 pixels, that are seen again at four times the size."""
    model = intarsia.load("nuclei")
    assert model.intake.second_look == 2.0
    picture = np.asarray(
        Image.fromarray(read_image(PHOTO)[:256, :256]).resize((44, 44), Image.Resampling.BOX)
    )
    own, auto = model.predict(picture), model.predict(picture, diameter="auto")
    np.testing.assert_array_equal(own.ids, auto.ids)
    view = model.view(picture)
    assert view.size == (4 * 44, 4 * 44)
    np.testing.assert_array_equal(model.decode(view).resized(44, 44).ids, own.ids)
    # nuclei of some 6 pixels are not far enough for every model, unless "auto" is asked for
    near = np.asarray(Image.fromarray(read_image(PHOTO)[:256, :256]).resize((70, 70), Image.Resampling.BOX))
    assert model.view(near).size == (140, 140)
    model.intake = dataclasses.replace(model.intake, second_look=2.75)
    assert model.view(near).size == (70, 70)
    assert model.view(near, diameter="auto").size == (140, 140)
    # as it is, on demand
    model.intake = model.intake.with_options((), "")
    plain = model.predict(picture)
    assert model.view(picture).size == (44, 44)
    assert len(own.segments) > 3 * len(plain.segments)


def test_given_semantics_are_of_pictures_as_they_are():
    model = intarsia.load("facades-embedding")
    model.spec = dataclasses.replace(model.spec, diameter_px=37.0)
    model.intake = Intake(second_look=2.0)
    photo = read_image(PHOTO.with_name("china.jpg"))[:96, :128]
    given = ImageWithSemantics(photo, np.full((96, 128), 255, np.uint8))
    maps = model.predict([photo, given, photo])
    np.testing.assert_array_equal(maps[0].ids, maps[2].ids)
    assert [m.size for m in maps] == [(96, 128)] * 3
    with pytest.raises(InputError, match="`diameter` must be left out where semantics are given"):
        model.predict([photo, given], diameter="auto")


def test_a_second_look_of_a_model_that_knows_no_diameter_is_refused():
    model = intarsia.load("facades-embedding")
    spec = dataclasses.replace(model.spec, diameter_px=None)
    with pytest.raises(InputError, match="`second_look` must be left to models that know how large"):
        Model(model.network, model.decoder, model.categories, spec, intake=Intake(second_look=2.0))
