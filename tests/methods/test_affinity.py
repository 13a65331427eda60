"""The affinity branch's loss: what its weights multiply."""

import math

import pytest
import torch

from intarsia.data.targets import targets_of
from intarsia.errors import InputError
from intarsia.methods.affinity import AffinityLossConfig, affinity_losses
from intarsia.panoptic import Categories, Segment


def test_a_pair_between_two_things_counts_as_often_as_it_is_told():
    """Windows 1 | 2 2: at logit 0 each of the two pairs costs log 2; the first is between two things."""
    ids = torch.tensor([[1, 2, 2]], dtype=torch.int32)
    targets = targets_of(ids, [Segment(1, 1), Segment(2, 1)], Categories.named("facades"))
    config = AffinityLossConfig(weight=1.0, touching_weight=5.0)
    losses = affinity_losses(torch.zeros(1, 1, 1, 3), targets, config, offsets=[(0, 1)], stride=1)
    assert math.isclose(losses["affinity"], (5 + 1) / 2 * math.log(2), rel_tol=1e-6)


def test_a_negative_weight_of_touching_pairs_is_refused():
    with pytest.raises(InputError, match=r"`affinity_loss.touching_weight` must be at least 0, got -1.0"):
        AffinityLossConfig(touching_weight=-1.0)
