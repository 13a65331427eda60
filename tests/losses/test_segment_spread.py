"""Segment means and spreads: the native kernel against torch, in value and gradient."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from intarsia.losses._segment_spread import safe_norm, segment_spread


def gathered_spread(
    pixels: torch.Tensor, index: torch.Tensor, num_segments: int, *, margin: float, norm: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """The formulas with torch's own derivatives."""
    inside = index >= 0
    segment, members = index[inside], pixels.movedim(1, 2)[inside]
    area = segment.bincount(minlength=num_segments).to(pixels.dtype)
    means = pixels.new_zeros(num_segments, pixels.shape[1]).index_add(0, segment, members) / area[:, None]
    strays = (safe_norm(means.index_select(0, segment) - members, norm) - margin).clamp(min=0).square()
    return means, pixels.new_zeros(num_segments).index_add(0, segment, strays) / area


def random_segments(seed: int, num_pixels: int) -> tuple[torch.Tensor, int]:
    """Two images with up to four segments each, in short runs; no number is left out."""
    runs = torch.randint(-1, 4, (2, num_pixels), generator=torch.Generator().manual_seed(seed))
    runs = runs.repeat_interleave(3, dim=1)[:, :num_pixels] + torch.tensor([[0], [10]])
    runs[(runs == -1) | (runs == 9)] = -1
    found, index = runs.unique(return_inverse=True)
    has_none = int((found == -1).any())
    return index - has_none, len(found) - has_none


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])  # the native kernel, and torch's operations
@given(st.integers(0, 2**31), st.integers(1, 90), st.sampled_from([1, 2]), st.integers(1, 5))
def test_value_and_gradient_are_those_of_the_formulas(
    dtype: torch.dtype, seed: int, num_pixels: int, norm: int, dims: int
):
    generator = torch.Generator().manual_seed(seed)
    index, num_segments = random_segments(seed, num_pixels)
    pixels = torch.randn(2, dims, num_pixels, generator=generator, dtype=dtype).requires_grad_()
    factors = torch.randn(num_segments, dims + 1, generator=generator, dtype=dtype)
    results = []
    for spread in (segment_spread, gathered_spread):
        means, strays = spread(pixels, index, num_segments, margin=0.5, norm=norm)
        total = (means * factors[:, 1:]).sum() + strays @ factors[:, 0]
        results.append((means, strays, *torch.autograd.grad(total, pixels)))
    for native, expected in zip(*results, strict=True):
        assert_close(native, expected, atol=1e-5, rtol=1e-4)


def test_pixels_that_are_not_contiguous():
    pixels = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0)).requires_grad_()
    index = torch.tensor([[0, 0, 1, 1, 1, -1, 0], [2, 2, 2, 2, 2, 2, -1]])
    means, strays = segment_spread(pixels.movedim(1, 2), index, 3, margin=0.1, norm=2)
    expected = gathered_spread(pixels.movedim(1, 2), index, 3, margin=0.1, norm=2)
    assert_close((means, strays), expected)
    (gradient,) = torch.autograd.grad(means.sum() + strays.sum(), pixels)
    (other,) = torch.autograd.grad(expected[0].sum() + expected[1].sum(), pixels)
    assert_close(gradient, other)


def test_more_threads_give_the_same():
    index, num_segments = random_segments(3, 80)
    pixels = torch.randn(2, 4, 80, generator=torch.Generator().manual_seed(3))
    alone = segment_spread(pixels, index, num_segments, margin=0.5, norm=2)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        together = segment_spread(pixels, index, num_segments, margin=0.5, norm=2)
    finally:
        torch.set_num_threads(before)
    assert_close(alone, together, rtol=0, atol=0)


@pytest.mark.parametrize("dims", [0, 2])
def test_no_segment_at_all(dims: int):
    pixels = torch.zeros(1, dims, 4, requires_grad=True)
    means, strays = segment_spread(pixels, torch.full((1, 4), -1), 0, margin=0.5, norm=2)
    assert means.shape == (0, dims)
    (gradient,) = torch.autograd.grad(means.sum() + strays.sum(), pixels)
    assert_close(gradient, torch.zeros(1, dims, 4))


def test_a_second_derivative_is_refused_and_not_zero_in_silence():
    pixels = torch.tensor([[[0.0, 4.0]]], requires_grad=True)
    _, spread = segment_spread(pixels, torch.tensor([[0, 0]]), 1, margin=0.5, norm=2)
    (slope,) = torch.autograd.grad(spread.sum(), pixels, create_graph=True)
    with pytest.raises(RuntimeError, match="autograd"):
        slope.sum().backward()
