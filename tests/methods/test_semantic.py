"""The semantic losses: weights of small things, both strides, settings."""

import math

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from intarsia.data.targets import targets_of
from intarsia.errors import InputError
from intarsia.methods.semantic import SemanticLossConfig, pixel_weights, semantic_losses
from intarsia.panoptic import Segment


@pytest.fixture
def targets(categories):
    """A window of 2x2, one of 2x3, a crowd of windows and facade, on 4x8 pixels."""
    ids = np.full((4, 8), 9, np.int32)
    ids[:2, :2], ids[:2, 2:5], ids[2:, :2] = 1, 2, 3
    segments = [Segment(1, 1), Segment(2, 1), Segment(3, 1, is_crowd=True), Segment(9, 6)]
    return targets_of(torch.from_numpy(ids), segments, categories)


def test_only_small_instances_weigh_more(targets):
    weights = pixel_weights(targets, small_px=6, factor=3.0)
    assert weights[0, 0].tolist() == [3, 3, 1, 1, 1, 1, 1, 1]
    assert weights[0, 2:].unique().tolist() == [1]


@pytest.mark.parametrize("resolution", ["pixels", "grid"])
def test_logits_that_say_nothing_cost_the_logarithm_of_the_categories(targets, resolution):
    config = SemanticLossConfig(
        hardest=1.0, small_thing_px=0, resolution=resolution, weight=0.5, lovasz_weight=2.0
    )
    losses = semantic_losses(torch.zeros(1, 4, 1, 2), targets, config)
    assert_close(losses["semantic"], torch.tensor(0.5 * math.log(4)))
    assert losses.keys() == {"semantic", "lovasz"}
    assert_close(losses["lovasz"], torch.tensor(2 * 0.75))  # every error is 3/4, so is its extension


def test_the_hardest_pixels_are_those_of_the_small_things(targets):
    """5 of 32 pixels: the small window's four cost 3 log 4, one more costs log 4."""
    config = SemanticLossConfig(hardest=5 / 32, small_thing_px=6)
    losses = semantic_losses(torch.zeros(1, 4, 1, 2), targets, config)
    assert_close(losses["semantic"], torch.tensor((4 * 3 + 1) / 5 * math.log(4)))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hardest": 0.0}, r"`semantic.hardest` must be a share in \(0, 1\], got 0.0"),
        ({"lovasz_weight": -1.0}, "`semantic.lovasz_weight` must be at least 0, got -1.0"),
    ],
)
def test_settings_that_cannot_be_are_refused(wrong, message):
    with pytest.raises(InputError, match=message):
        SemanticLossConfig(**wrong)
