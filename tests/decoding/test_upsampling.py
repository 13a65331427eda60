"""From the grid to pixels: bilinear values in bands, and labels by the vote of the four points around."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.decoding.upsampling import (
    grid_size,
    upsampled,
    upsampled_argmax,
    upsampled_labels,
    upsampled_winners,
)

SIZES = [(1, 1), (3, 7), (4, 4), (33, 65), (530, 9)]


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_the_argmax_in_bands_is_the_argmax_of_the_whole(height, width, stride):
    rows, columns = grid_size(height, width, stride=stride)
    logits = torch.randn(5, rows, columns, generator=torch.Generator().manual_seed(0))
    whole = upsampled(logits[None], height, width, stride=stride)[0].argmax(dim=0)
    assert np.array_equal(upsampled_argmax(logits, height, width, stride=stride), whole.numpy())


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize(("height", "width"), SIZES)
def test_winners_between_edges_are_the_argmax_of_the_whole(height, width, stride):
    """Smoothed, so that there are cells without an edge; 300 channels, more than a byte can count."""
    rows, columns = grid_size(height, width, stride=stride)
    values = torch.randn(300, rows, columns, generator=torch.Generator().manual_seed(0))
    values = F.avg_pool2d(values, 5, stride=1, padding=2)
    whole = upsampled(values[None], height, width, stride=stride)[0]
    winners = torch.from_numpy(upsampled_winners(values, height, width, stride=stride)).long()
    reached = whole.gather(0, winners[None])[0]
    assert torch.allclose(reached, whole.amax(dim=0), atol=1e-6)  # rounding decides between equals


def masks_argmax(labels, group_of_label, groups, free, stride):
    """The slow version: a mask a label; the largest up-sampled one of the right group, or the nearest."""
    height, width = groups.shape
    masks = torch.stack([torch.from_numpy(labels == n).float() for n in range(len(group_of_label))])
    shares = F.interpolate(masks[None], scale_factor=stride, mode="bilinear")[0, :, :height, :width].numpy()
    result = np.zeros(groups.shape, np.int32)
    for row, column in np.ndindex(*groups.shape):
        group, share = groups[row, column], shares[:, row, column]
        right = [n for n in range(1, len(share)) if group_of_label[n] == group and share[n] > 0]
        if group not in free:
            result[row, column] = (
                max(right, key=share.__getitem__) if right else labels[row // stride, column // stride]
            )
    return result, shares


@settings(max_examples=40, deadline=None)
@given(
    height=st.integers(1, 19),
    width=st.integers(1, 19),
    num=st.integers(0, 5),
    stride=st.sampled_from([1, 2, 4]),
    seed=st.integers(0, 2**32 - 1),
)
def test_votes_are_the_argmax_of_up_sampled_masks(height, width, num, stride, seed):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, num + 1, grid_size(height, width, stride=stride)).astype(np.int32)
    group_of_label = rng.integers(0, 3, num + 1).astype(np.uint8)
    group_of_label[0] = 0
    groups = rng.integers(0, 4, (height, width)).astype(np.uint8)
    free = np.array([3], np.uint8)
    got = upsampled_labels(labels, group_of_label, groups, free=free, stride=stride)
    expected, shares = masks_argmax(labels, group_of_label, groups, free, stride)
    differ = got != expected
    rows, columns = np.nonzero(differ)  # only where two labels have the same share
    assert np.allclose(shares[got[differ], rows, columns], shares[expected[differ], rows, columns], atol=1e-5)
    assert (got[groups == 3] == 0).all()


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
