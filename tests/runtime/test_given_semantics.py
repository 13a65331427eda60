"""Semantics of another network: the model tells instances apart, and says no category itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import intarsia
from intarsia.decoding.given_semantics import with_semantics
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.mean_shift import EmbeddingDecoder
from intarsia.errors import InputError
from intarsia.panoptic import Categories
from intarsia.pictures.reading import read_image
from intarsia.runtime.given_semantics import ImageWithSemantics
from intarsia.runtime.model import Model

PHOTO = read_image(Path(__file__).parents[2] / "examples" / "photos" / "china.jpg")[100:292, 100:356]
FACADES = Categories.named("facades")


def regions() -> np.ndarray:
    """Odd borders, none of which is on the grid of the network: windows, balconies and the facade."""
    semantic = np.full(PHOTO.shape[:2], FACADES.index_of(6))
    semantic[11:83, 17:121] = FACADES.index_of(1)
    semantic[97:181, 130:247] = FACADES.index_of(2)
    return semantic


def by_mean_shift() -> Model:
    model = intarsia.load("facades-embedding", threads=1)
    decoder = model.decoder
    assert isinstance(decoder, EmbeddingDecoder)
    grouping = replace(decoder.grouping, kind="mean_shift", min_thing_px=1, min_stuff_px=1)
    return Model(model.network, replace(decoder, grouping=grouping), model.categories, model.spec)


def test_mean_shift_keeps_the_category_of_every_pixel():
    semantic = regions()
    one = by_mean_shift().predict(ImageWithSemantics(PHOTO, semantic))
    shown = one.semantic(FACADES)
    kept = shown != FACADES.void_index
    assert kept.mean() > 0.98
    assert np.array_equal(shown[kept], semantic[kept])
    assert sum(segment.category_id == 1 for segment in one.segments) > 0


def test_a_cut_keeps_the_categories_but_for_the_pixels_between_the_points_of_its_grid():
    model, semantic = intarsia.load("facades-embedding", threads=1), regions()
    shown = model.predict(ImageWithSemantics(PHOTO, semantic)).semantic(FACADES)
    kept = shown != FACADES.void_index
    assert (shown == semantic)[kept].mean() > 0.95


def test_where_nothing_is_given_the_model_says_it():
    model = by_mean_shift()
    nothing = np.full(PHOTO.shape[:2], FACADES.void_index)
    given, own = model.predict([ImageWithSemantics(PHOTO, nothing)])[0], model.predict(PHOTO)
    assert np.array_equal(given.ids, own.ids)
    assert given.segments == own.segments


def test_masks_that_do_not_fit_are_refused():
    model = by_mean_shift()
    with pytest.raises(InputError, match="`semantic` must be as large as the image, 192x256, got 2x2"):
        model.predict(ImageWithSemantics(PHOTO, np.zeros((2, 2), int)))
    with pytest.raises(InputError, match=r"made of category indices in \[0, 10\), got 10"):
        model.predict(ImageWithSemantics(PHOTO, np.full(PHOTO.shape[:2], 10)))
    view = ImageView({"heat": np.zeros((1, 2), np.float32)}, (4, 8), 4)
    with pytest.raises(InputError, match="one with the output 'semantic_logits'"):
        with_semantics(view, np.zeros((4, 8), int), FACADES)
