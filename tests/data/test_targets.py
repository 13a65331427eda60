"""Training targets: what each pixel should become, whatever the crop left over."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from intarsia.data.sample import Sample
from intarsia.data.targets import at_grid, collate, targets_of, with_void_class
from intarsia.panoptic import Categories, Category, PanopticMap, Segment

CATEGORIES = Categories(
    [
        Category(10, "car", True, (255, 0, 0)),
        Category(20, "road", False, (0, 255, 0)),
        Category(30, "person", True, (0, 0, 255)),
    ]
)
maps = npst.arrays(np.int32, st.tuples(st.integers(1, 13), st.integers(1, 13)), elements=st.integers(0, 6))


def segments_for(ids: np.ndarray) -> list[Segment]:
    """Ids 1, 4 are cars, 2, 5 roads, 3, 6 persons; 6 is a crowd."""
    rows = (
        Segment(int(i), (10, 20, 30)[(int(i) - 1) % 3], is_crowd=int(i) == 6) for i in np.unique(ids) if i
    )
    return list(rows)


def sample_of(ids: np.ndarray, name: str = "a.png") -> Sample:
    image = torch.from_numpy(np.broadcast_to(ids.astype(np.uint8), (3, *ids.shape)).copy())
    return Sample(image, torch.from_numpy(ids.copy()), tuple(segments_for(ids)), name)


def test_a_car_on_a_road_beside_a_crowd():
    """The car 7 covers columns 0-1 of rows 1-2: box (0, 1, 2, 3), centre (1.5, 0.5)."""
    ids = torch.tensor([[2, 2, 0, 6], [7, 7, 2, 6], [7, 7, 2, 2]], dtype=torch.int32)
    segments = [Segment(2, 20), Segment(6, 30, is_crowd=True), Segment(7, 10), Segment(8, 10)]
    targets = targets_of(ids, segments, CATEGORIES)
    assert targets.semantic[0].tolist() == [[1, 1, 255, 2], [0, 0, 1, 2], [0, 0, 1, 1]]
    assert targets.instances[0].tolist() == [[0, 0, 0, 0], [1, 1, 0, 0], [1, 1, 0, 0]]
    assert targets.crowd[0].int().tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [0, 0, 0, 0]]
    assert targets.boxes[0].tolist() == [[0, 1, 2, 3]]
    assert targets.centers[0].tolist() == [[1.5, 0.5]]
    assert targets.categories[0].tolist() == [0]


@given(maps)
def test_targets_equal_a_loop_over_the_segments(ids: np.ndarray):
    targets = targets_of(torch.from_numpy(ids.copy()), segments_for(ids), CATEGORIES)
    truth = PanopticMap(ids, segments_for(ids))
    assert np.array_equal(targets.semantic[0], truth.semantic(CATEGORIES))
    assert np.array_equal(targets.instances[0], truth.instances(CATEGORIES))
    assert np.array_equal(targets.crowd[0], ids == 6)
    things = [s for s in truth.segments if s.category_id != 20 and not s.is_crowd]
    assert [CATEGORIES[int(i)].id for i in targets.categories[0]] == [s.category_id for s in things]
    for segment, box, center in zip(things, targets.boxes[0], targets.centers[0], strict=True):
        rows, columns = np.nonzero(ids == segment.id)
        assert box.tolist() == [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
        assert center.tolist() == pytest.approx([rows.mean(), columns.mean()], abs=1e-5)


def test_an_image_without_any_segment_has_targets_too():
    targets = targets_of(torch.zeros((1, 1), dtype=torch.int32), [], CATEGORIES)
    assert targets.semantic.tolist() == [[[255]]]
    assert targets.boxes[0].shape == (0, 4)
    assert targets.centers[0].shape == (0, 2)
    assert targets.categories[0].shape == (0,)


def test_smaller_images_are_padded_black_and_void_at_the_bottom_right():
    small, large = np.full((2, 3), 1, np.int32), np.full((4, 2), 3, np.int32)
    batch = collate([sample_of(small, "s"), sample_of(large, "l")], CATEGORIES)
    assert batch.images.shape == (2, 3, 4, 3)
    assert batch.sizes == [(2, 3), (4, 2)]
    assert batch.names == ["s", "l"]
    assert batch.targets.semantic[0].tolist() == [[0] * 3] * 2 + [[255] * 3] * 2
    assert batch.targets.instances[1].tolist() == [[1, 1, 0]] * 4
    assert batch.images[1, 0].mul(255).round().tolist() == [[3, 3, 0]] * 4


def test_an_empty_batch_is_refused():
    with pytest.raises(ValueError, match="`samples` must be at least one sample"):
        collate([], CATEGORIES)


@given(maps, st.integers(1, 5))
def test_the_grid_shows_the_middle_pixel_of_each_block(ids: np.ndarray, stride: int):
    targets = collate([sample_of(ids)], CATEGORIES).targets
    grid = at_grid(targets, stride=stride)
    for (row, column), value in np.ndenumerate(grid.semantic[0].numpy()):
        i = min(row * stride + stride // 2, ids.shape[0] - 1)
        j = min(column * stride + stride // 2, ids.shape[1] - 1)
        assert value == targets.semantic[0, i, j]
        assert grid.crowd[0, row, column] == targets.crowd[0, i, j]
        number, before = int(grid.instances[0, row, column]), int(targets.instances[0, i, j])
        assert (number == 0) == (before == 0)
        assert not number or torch.equal(grid.boxes[0][number - 1], targets.boxes[0][before - 1])
    assert grid.instances.unique()[-1] == len(grid.categories[0])
    assert grid.semantic.shape[1:] == tuple(-(-side // stride) for side in ids.shape)


def test_a_batch_moves_as_a_whole():
    batch = collate([sample_of(np.full((2, 3), 1, np.int32))], CATEGORIES).to("meta")
    assert len(batch) == len(batch.targets) == 1
    assert batch.images.is_meta
    assert batch.targets.boxes[0].is_meta


def test_a_grid_is_sampled_once_and_fit_for_gradients_whoever_asked_first():
    targets = targets_of(torch.ones(5, 6, dtype=torch.int32), [Segment(1, 10)], CATEGORIES)
    with torch.inference_mode():
        grid = at_grid(targets, stride=4)
    assert at_grid(targets, stride=4) is grid
    assert at_grid(targets, stride=2) is not grid
    assert not grid.semantic.is_inference()
    assert at_grid(targets.to("cpu"), stride=4) is not grid


def test_void_may_be_a_class_of_its_own_and_a_crowd_never_is():
    """Void, a car, a crowd of persons, padding: void and padding become class 3."""
    targets = targets_of(
        torch.tensor([[0, 1, 6]], dtype=torch.int32), segments_for(np.array([1, 6])), CATEGORIES
    )
    told = with_void_class(targets, 3)
    assert targets.semantic.tolist() == [[[255, 0, 2]]]
    assert told.semantic.tolist() == [[[3, 0, 2]]]
    assert told.crowd.tolist() == [[[False, False, True]]]
    assert at_grid(told, stride=1).semantic.tolist() == told.semantic.tolist()
