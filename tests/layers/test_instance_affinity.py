"""Dense instance affinity: equal to the big matrix, rows that sum to 1, linear memory, gradients."""

from __future__ import annotations

import ctypes
import gc
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.layers import DenseInstanceAffinity, InstanceAffinityConfig

ACTIVATIONS = ["softmax", "relu", "sigmoid", "elu"]


def case(activation: Any = "softmax", **options):
    torch.manual_seed(0)
    config = InstanceAffinityConfig(channels=4, activation=activation, **options)
    layer = DenseInstanceAffinity(config, 6)
    return layer, torch.randn(6, 5, 7), torch.rand(3, 5, 7)


def matrix(layer, features):
    """All affinities, a row a pixel."""
    height, width = features.shape[1:]
    rows = [layer.affinity_map(features, (r, c)).flatten() for r in range(height) for c in range(width)]
    return torch.stack(rows)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("tied", [False, True])
def test_it_equals_the_matrix_of_all_affinities(activation, tied):
    layer, features, potentials = case(activation, tied=tied, gain=0.7)
    dense = potentials.flatten(1) @ matrix(layer, features).T
    assert_close(layer(features, potentials), potentials + 0.7 * dense.view_as(potentials))


@pytest.mark.parametrize("activation", ["softmax", "elu"])
def test_the_affinities_of_a_pixel_sum_to_one(activation):
    """So that a constant map is doubled by the correction, and stays in the range of the potentials."""
    layer, features, _ = case(activation)
    assert_close(matrix(layer, features).sum(dim=1), torch.ones(35))
    assert_close(layer(features, torch.full((2, 5, 7), 0.3)), torch.full((2, 5, 7), 0.6))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_scale_does_not_grow_with_the_image(activation):
    """Raw products would give 10,000 where the potentials have 0.1."""
    torch.manual_seed(0)
    layer = DenseInstanceAffinity(InstanceAffinityConfig(activation=activation), 64)
    for side in (10, 60):
        values = layer(torch.randn(64, side, side), torch.full((1, side, side), 0.1))
        assert float(values.detach().abs().max()) < 12


def test_a_gain_of_zero_changes_nothing_and_is_learnt():
    layer, features, potentials = case(gain=0.0)
    values = layer(features, potentials)
    assert_close(values, potentials)
    values.square().sum().backward()
    assert layer.gain.grad is not None
    assert layer.gain.grad != 0


def test_tied_affinities_are_symmetric():
    layer, features, _ = case("sigmoid", tied=True)
    affinities = matrix(layer, features)
    assert_close(affinities, affinities.T)


def test_two_iterations_are_the_correction_of_the_corrected():
    layer, features, potentials = case(iterations=2)
    single, _, _ = case()
    assert_close(layer(features, potentials), single(features, single(features, potentials)))


def test_channels_never_mix():
    """What the loss relies on when it drops duplicates after the head instead of before."""
    layer, features, potentials = case()
    assert_close(layer(features, potentials)[1:], layer(features, potentials[1:]))


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_the_gradient_is_the_derivative(activation):
    layer, features, potentials = case(activation)
    layer.double()
    inputs = (features[:, :2, :2].double().requires_grad_(), potentials[:, :2, :2].double().requires_grad_())
    assert torch.autograd.gradcheck(layer, inputs)


@pytest.mark.parametrize("num", [0, 1000])
def test_none_and_a_thousand_channels(num):
    layer, features, _ = case()
    assert layer(features, torch.rand(num, 5, 7)).shape == (num, 5, 7)


def kilobytes(key: str) -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(key + ":"))


def peak_megabytes(layer: DenseInstanceAffinity, height: int) -> float:
    """What one call adds to the memory of the process, with a gradient to come."""
    features, potentials = torch.zeros(128, height, 325), torch.zeros(150, height, 325)
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # free memory that is kept would hide what the call needs
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from what is in use
    before = kilobytes("VmRSS")
    values = layer(features, potentials)
    assert values.requires_grad
    return (kilobytes("VmHWM") - before) / 1024


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak of memory from /proc")
def test_memory_grows_with_the_pixels_not_with_their_square():
    """At 800x1300, stride 4, 150 channels; the matrix would have 15.7 GB."""
    layer = DenseInstanceAffinity(InstanceAffinityConfig(), 128)
    layer(torch.zeros(128, 2, 2), torch.zeros(150, 2, 2))
    peaks = [peak_megabytes(layer, height) for height in (50, 200)]
    assert peaks[1] < 200
    assert peaks[1] < 6 * peaks[0]  # four times the pixels


def test_wrong_options_are_refused():
    with pytest.raises(InputError, match="`affinity.iterations` must be at least 1, got 0"):
        InstanceAffinityConfig(iterations=0)
    layer, features, _ = case()
    with pytest.raises(InputError, match=r"`pixel` must be on the grid of 5x7, got \(5, 0\)"):
        layer.affinity_map(features, (5, 0))
