"""Drawn scenes: the map says exactly what the picture shows, and the seed fixes both."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy.ndimage import label

from intarsia.data.dataset import PanopticDataset
from intarsia.data.synthetic import (
    STREET_CATEGORIES,
    scattered_sticks,
    street_scene,
    write_synthetic,
)


@pytest.mark.parametrize("seed", range(5))
def test_sticks_are_white_inside_black_around_and_all_visible(seed: int):
    image, truth = scattered_sticks(seed)
    sticks = [segment.id for segment in truth.segments if segment.category_id == 1]
    assert len(sticks) == 8
    assert min(map(truth.area, sticks)) >= 400
    background = next(segment.id for segment in truth.segments if segment.category_id == 2)
    assert image[truth.mask(background)].max() == 0
    white = image[..., 0] == 255
    assert set(np.unique(truth.ids[white]).tolist()) == set(sticks)
    neighbours = white[:, 1:] & white[:, :-1]
    assert (truth.ids[:, 1:] == truth.ids[:, :-1])[neighbours].all(), (
        "two sticks touch without a line between"
    )


def test_sticks_scale_with_the_picture():
    image, truth = scattered_sticks(0, size=64, num_sticks=3)
    assert image.shape == (64, 64, 3)
    assert len(truth.segments) == 4


@pytest.mark.parametrize("size", [(256, 512), (64, 48), (33, 200), (200, 33)])
def test_a_street_of_any_size_has_its_parts(size: tuple[int, int]):
    image, truth = street_scene(1, height=size[0], width=size[1])
    assert image.shape == (*size, 3)
    assert truth.size == size
    shown = {segment.category_id for segment in truth.segments}
    assert {row.id for row in STREET_CATEGORIES.stuff} <= shown
    for row in STREET_CATEGORIES.stuff:
        assert sum(segment.category_id == row.id for segment in truth.segments) == 1


def test_streets_show_occlusion_and_void():
    """In ten streets some thing is cut into several pieces by another, and bins are void."""
    streets = [street_scene(seed)[1] for seed in range(10)]
    things = {row.id for row in STREET_CATEGORIES.things}
    pieces = [
        label(street.mask(segment.id))[1]  # type: ignore[index]
        for street in streets
        for segment in street.segments
        if segment.category_id in things
    ]
    assert max(pieces) > 1
    assert all(street.area(0) > 0 for street in streets)


def test_the_sky_looks_unlike_the_road():
    """A scene that a network can learn: colours differ between categories more than within."""
    image, truth = street_scene(0)
    semantic = truth.semantic(STREET_CATEGORIES)
    road, sky = (image[semantic == STREET_CATEGORIES.index_of(id)].astype(float) for id in (1, 5))
    assert np.linalg.norm(road.mean(0) - sky.mean(0)) > 2 * max(road.std(0).max(), sky.std(0).max())


@pytest.mark.parametrize("scene", [scattered_sticks, street_scene])
def test_a_seed_fixes_a_scene(scene):
    first, again, other = scene(4), scene(4), scene(5)
    assert np.array_equal(first[0], again[0])
    assert first[1] == again[1]
    assert not np.array_equal(first[0], other[0])


def test_a_written_street_set_is_a_data_set(tmp_path: Path):
    write_synthetic(tmp_path, kind="street", num_train=2, num_val=1, seed=0)
    train, val = (PanopticDataset(tmp_path, split=split) for split in ("train", "val"))
    assert train.categories == STREET_CATEGORIES
    assert (len(train), len(val)) == (2, 1)
    image, truth = street_scene(2)
    assert np.array_equal(val[0].image.movedim(0, 2), image)
    assert val[0].panoptic_map() == truth


def test_mistakes_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="`size` must be at least 32x32, got 31x100"):
        street_scene(0, height=31, width=100)
    with pytest.raises(ValueError, match=r"`kind` must be one of \['sticks', 'street'\], got 'streets'"):
        write_synthetic(tmp_path, kind="streets", num_train=1, num_val=1, seed=0)
