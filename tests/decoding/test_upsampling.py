"""From the grid to pixels: the argmax without the maps, and labels by the points around a pixel."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.decoding.upsampling import (
    grid_size,
    upsampled_argmax,
    upsampled_labels,
    upsampled_segments,
    upsampled_winners,
)
from intarsia.errors import InputError
from tests.decoding.slow_upsampling import bilinear, fitted_segments, random_grid, voted_labels

SIZES = [(1, 1), (3, 7), (4, 4), (33, 65), (530, 9)]
STRIDES = [1, 2, 4, 8]
sizes = st.tuples(st.integers(1, 21), st.integers(1, 21))
seeds = st.integers(0, 2**32 - 1)


@given(size=sizes, channels=st.integers(1, 6), stride=st.sampled_from([*STRIDES, 3]), seed=seeds)
def test_it_is_the_argmax_of_the_up_sampled_maps(size, channels, stride, seed):
    values = random_grid(np.random.default_rng(seed), channels, size, stride)
    expected = bilinear(values, size[0], size[1], stride).argmax(axis=0)
    assert np.array_equal(upsampled_argmax(values, *size, stride=stride), expected)
    assert np.array_equal(upsampled_winners(values, *size, stride=stride), expected)


@given(size=sizes, stride=st.sampled_from(STRIDES), seed=seeds)
def test_of_equal_ones_the_first_wins(size, stride, seed):
    """Whole numbers from 0 to 2 are interpolated exactly, and are often equal."""
    shape = (5, *grid_size(*size, stride=stride))
    values = np.random.default_rng(seed).integers(0, 3, shape).astype(np.float32)
    expected = bilinear(values, size[0], size[1], stride).argmax(axis=0)
    assert np.array_equal(upsampled_argmax(values, *size, stride=stride), expected)


@pytest.mark.parametrize("kind", ["smooth", "noise"])
@pytest.mark.parametrize("stride", STRIDES)
@pytest.mark.parametrize(("height", "width"), [*SIZES, (150, 333), (264, 131)])
def test_it_is_the_argmax_of_what_torch_interpolates(height, width, stride, kind):
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(0)
    values = random_grid(rng, 19, (height, width), stride)
    if kind == "noise":
        values = rng.normal(size=values.shape).astype(np.float32)
    maps = torch.nn.functional.interpolate(
        torch.from_numpy(values)[None], scale_factor=stride, mode="bilinear"
    )
    expected = maps[0, :, :height, :width].argmax(dim=0).numpy()
    assert np.array_equal(upsampled_argmax(values, height, width, stride=stride), expected)


def test_values_at_pixels_are_those_of_torch_bit_by_bit():
    """What the slow version rounds, torch rounds: so near-equal values decide alike."""
    torch = pytest.importorskip("torch")
    values = np.random.default_rng(1).normal(size=(8, 40, 70)).astype(np.float32)
    for stride in (4, 8):
        maps = torch.nn.functional.interpolate(
            torch.from_numpy(values)[None], scale_factor=stride, mode="bilinear"
        )
        assert np.array_equal(maps[0].numpy(), bilinear(values, 40 * stride, 70 * stride, stride))


def test_threads_do_not_change_the_result():
    values = random_grid(np.random.default_rng(3), 7, (300, 90), 4)
    alone = upsampled_argmax(values, 300, 90)
    assert np.array_equal(alone, upsampled_argmax(values, 300, 90, threads=4))


def test_more_categories_than_a_byte_counts_have_two():
    values = np.zeros((300, 1, 1), np.float32)
    values[299] = 1
    winners = upsampled_argmax(values, 2, 3)
    assert winners.dtype == np.uint16
    assert (winners == 299).all()
    assert upsampled_argmax(values[:255], 2, 3).dtype == np.uint8  # 255 itself stays void


def test_a_grid_may_cover_more_than_the_image():
    values = random_grid(np.random.default_rng(4), 3, (40, 40), 4)
    expected = bilinear(values, 40, 40, 4).argmax(axis=0)[:13, :7]
    assert np.array_equal(upsampled_argmax(values, 13, 7), expected)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("stride", [1, 4])
def test_values_that_are_no_numbers_are_refused(value, stride):
    values = np.zeros((3, 20, 5), np.float32)
    values[2, 19, 4] = value
    with pytest.raises(InputError, match="`logits` must be finite, got NaN or infinity"):
        upsampled_argmax(values, 20 * stride, 5 * stride, stride=stride)


def test_grids_that_do_not_fit_are_refused():
    values, labels = np.zeros((2, 3, 3), np.float32), np.ones((3, 3), np.int32)
    table, groups = np.zeros(2, np.uint8), np.zeros((12, 13), np.uint8)
    with pytest.raises(
        InputError, match=r"`logits` must be a grid of at least \(3, 4\) for an image of \(12, 13\)"
    ):
        upsampled_argmax(values, 12, 13)
    with pytest.raises(InputError, match=r"`labels` must be a grid of at least \(3, 4\)"):
        upsampled_labels(labels, table, groups, free=table)
    with pytest.raises(InputError, match=r"`ids` must be a grid of at least \(4, 3\)"):
        upsampled_segments(labels, np.zeros(2, np.int64), values, size=(13, 12))
    with pytest.raises(InputError, match=r"`logits` must be of size \(3, 3\) like `ids`, got \(2, 3, 2\)"):
        upsampled_segments(labels, np.zeros(2, np.int64), values[:, :, :2].copy(), size=(12, 12))
    with pytest.raises(InputError, match="`values` must be at least one map"):
        upsampled_winners(values[:0], 12, 12)
    with pytest.raises(InputError, match="`stride` must be at least 1, got 0"):
        upsampled_winners(values, 3, 3, stride=0)
    with pytest.raises(InputError, match="`logits` must be of at most 65535 categories, got 65536"):
        upsampled_argmax(np.zeros((65536, 1, 1), np.float32), 1, 1)


def test_numbers_that_name_nothing_are_refused():
    values, labels = np.zeros((2, 1, 1), np.float32), np.full((1, 1), 2, np.int32)
    pixel, table = np.zeros((1, 1), np.uint8), np.zeros(2, np.uint8)
    with pytest.raises(InputError, match=r"`labels` must be in \[0, 2\), got 2"):
        upsampled_labels(labels, table, pixel, free=table)
    with pytest.raises(InputError, match=r"`ids` must be in \[0, 2\), got -1"):
        upsampled_segments(labels - 3, np.zeros(2, np.int64), values, size=(1, 1))
    with pytest.raises(InputError, match=r"`categories` must be in \[0, 2\), got 5"):
        upsampled_segments(labels, np.array([0, 1, 5]), values, size=(1, 1))


@given(size=sizes, num=st.integers(0, 5), stride=st.sampled_from([1, 2, 3, 4]), seed=seeds)
def test_votes_are_those_of_all_four_points_written_out(size, num, stride, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, num + 1, grid_size(*size, stride=stride)).astype(np.int32)
    group_of_label = rng.integers(0, 3, num + 1).astype(np.uint8)
    groups = rng.integers(0, 4, size).astype(np.uint8)
    free = np.array([3], np.uint8)
    got = upsampled_labels(labels, group_of_label, groups, free=free, stride=stride)
    assert np.array_equal(got, voted_labels(labels, group_of_label, groups, free, stride))


@given(size=sizes, num=st.integers(1, 5), stride=st.sampled_from([2, 4]), seed=seeds)
def test_votes_are_the_argmax_of_up_sampled_masks(size, num, stride, seed):
    """With one group the largest up-sampled mask wins; only between equal ones may another be taken."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(1, num + 1, grid_size(*size, stride=stride)).astype(np.int32)
    group, pixels = np.zeros(num + 1, np.uint8), np.zeros(size, np.uint8)
    got = upsampled_labels(labels, group, pixels, free=np.array([9], np.uint8), stride=stride)
    masks = bilinear(
        np.stack([labels == n for n in range(num + 1)]).astype(np.float32), size[0], size[1], stride
    )  # l h w
    assert np.array_equal(np.take_along_axis(masks, got[None].astype(int), axis=0)[0], masks.max(axis=0))


def test_two_touching_instances_part_in_the_middle_between_their_grid_points():
    """Points at columns 1.5 and 5.5; the pixels 0 to 3 are nearer to the first."""
    row = upsampled_labels(
        np.array([[1, 2]], np.int32),
        np.array([0, 4, 4], np.uint8),
        np.full((1, 7), 4, np.uint8),
        free=np.array([], np.uint8),
    )
    assert row.tolist() == [[1, 1, 1, 1, 2, 2, 2]]


def test_a_pixel_takes_no_label_of_another_group_while_one_of_its_own_is_near():
    groups = np.array(
        [[5, 5, 6, 6, 6, 6, 6, 6]], np.uint8
    )  # the category changes inside the first point's block
    row = upsampled_labels(
        np.array([[1, 2]], np.int32), np.array([0, 5, 6], np.uint8), groups, free=np.array([], np.uint8)
    )
    assert row.tolist() == [[1, 1, 2, 2, 2, 2, 2, 2]]


@given(size=sizes, num=st.integers(1, 6), stride=st.sampled_from([1, 2, 3, 4, 8]), seed=seeds)
def test_segments_are_those_that_fit_best_written_out(size, num, stride, seed):
    rng = np.random.default_rng(seed)
    ids = rng.integers(0, num, grid_size(*size, stride=stride)).astype(np.int32)
    categories = rng.integers(0, 3, num)
    logits = random_grid(rng, 3, size, stride)
    got = upsampled_segments(ids, categories, logits, size=size, stride=stride)
    assert np.array_equal(got, fitted_segments(ids, categories, logits, size, stride))
