"""The baseline: targets of centres and offsets by hand, and against a slow version; grouping; settings."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn.functional import one_hot
from torch.testing import assert_close

from intarsia.data.targets import at_grid, targets_of
from intarsia.errors import InputError
from intarsia.methods.panoptic_deeplab import (
    CenterGroupingConfig,
    CenterLossConfig,
    PanopticDeepLab,
    PanopticDeepLabConfig,
    PanopticDeepLabOutput,
    center_targets,
)
from intarsia.metrics import PanopticQuality
from intarsia.nets import BackboneConfig, DecoderConfig
from intarsia.panoptic import Categories, Segment

FACADES = Categories.named("facades")


def test_heat_and_offsets_of_one_instance():
    """A thing on rows 0 to 3 and columns 0 to 7 has its centre at (1.5, 3.5).

    The grid points are at (1.5, 1.5) and (1.5, 5.5): both 2 px away, heat exp(-4 / (2 * 4)) with sigma 2.
    """
    ids = torch.ones(4, 8, dtype=torch.int32)
    grid = at_grid(targets_of(ids, [Segment(1, 1)], FACADES))
    heat, offsets = center_targets(grid, sigma_px=2.0)
    assert_close(heat, torch.full((1, 1, 2), 0.5).exp() ** -1)
    assert_close(offsets, torch.tensor([[[[0.0, 0.0]], [[2.0, -2.0]]]]))


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), num=st.integers(0, 70))
def test_targets_equal_a_loop_over_pixels_and_instances(seed, num):
    rng = np.random.default_rng(seed)
    ids = torch.from_numpy(rng.integers(0, num + 1, (12, 20)).astype(np.int32))
    grid = at_grid(targets_of(ids, [Segment(n, 1) for n in range(1, num + 1)], FACADES))
    heat, offsets = center_targets(grid, sigma_px=6.0)
    centers = grid.centers[0].numpy()
    for row, column in np.ndindex(3, 5):
        place = np.array([4 * row + 1.5, 4 * column + 1.5])
        heats = [np.exp(-((place - center) ** 2).sum() / 72) for center in centers]
        assert abs(float(heat[0, row, column]) - max(heats, default=0)) < 1e-5
        own = int(grid.instances[0, row, column])
        way = centers[own - 1] - place if own else np.zeros(2)
        assert np.allclose(offsets[0, :, row, column].numpy(), way, atol=1e-5)


@pytest.fixture(scope="module")
def small(categories):
    config = PanopticDeepLabConfig(
        backbone=BackboneConfig(name="lcnet_050"), decoder=DecoderConfig(width=8), separate_decoders=True
    )
    return PanopticDeepLab(config, categories).eval()


def output_of(scene):
    grid = at_grid(scene.targets)
    heat, offsets = center_targets(grid, sigma_px=8.0)
    return PanopticDeepLabOutput(one_hot(grid.semantic, 4).permute(0, 3, 1, 2) * 20.0, heat, offsets)


def test_perfect_tensors_give_the_true_segments(small, scene, categories):
    [result] = small.decode(output_of(scene), [scene.truth.size])
    quality = PanopticQuality(categories)
    quality.update(result, scene.truth)
    assert quality.compute().all.rq == 1
    assert quality.compute().all.pq > 0.85


def test_perfect_tensors_cost_almost_nothing(small, scene):
    """Only the up-sampled logits are wrong, at edges."""
    losses = small.losses(output_of(scene), scene.targets)
    assert losses["center"] == 0
    assert losses["offset"] == 0


def test_an_instance_takes_the_category_of_most_of_its_pixels(small, scene):
    """One of four columns of the things on the left shows the other category; they stay whole."""
    output = output_of(scene)
    logits = output.semantic_logits.clone()
    logits[:, [0, 1], :, 2:3] = logits[:, [1, 0], :, 2:3]
    [result] = small.decode(
        PanopticDeepLabOutput(logits, output.heat, output.center_steps), [scene.truth.size]
    )
    assert sorted(s.category_id for s in result.segments) == sorted(
        s.category_id for s in scene.truth.segments
    )


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InputError, match="`grouping.nms_kernel` must be odd and positive, got 4"):
        CenterGroupingConfig(nms_kernel=4)
    with pytest.raises(InputError, match="`center_loss.sigma_px` must be above 0, got 0.0"):
        CenterLossConfig(sigma_px=0.0)
