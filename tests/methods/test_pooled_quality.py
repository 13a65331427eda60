"""Panoptic quality over several batches: worked sums, the exact form without a past, and its gradient."""

import pytest
import torch
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.losses import MatchedMasks, SurrogateOptions, batch_panoptic_quality_loss
from intarsia.methods.pooled_quality import PooledQuality

LARGE = -1e4  # a least area that every mask passes
TRUE = torch.tensor([[[True, True, False, False]]])
HIT = torch.tensor([[[1.0, 1.0, 0.0, 0.0]]])
NO_TRUTH = torch.zeros_like(TRUE)


def random_batch(seed):
    random = torch.Generator().manual_seed(seed)
    masks = [torch.rand(3, 4, 5, generator=random, dtype=torch.float64) for _ in range(2)]
    truth = [torch.rand(3, 4, 5, generator=random) > 0.5 for _ in range(2)]
    truth[0][2] = False
    categories = [torch.tensor([0, 1, 1]), torch.tensor([1, 0, 2])]
    return MatchedMasks(masks, truth, categories)


@pytest.mark.parametrize("seed", range(3))
def test_without_memory_it_is_the_exact_form(seed):
    pairs = random_batch(seed)
    masks = [mask.requires_grad_() for mask in pairs.masks]
    options = SurrogateOptions(form="exact", sharpness=2.0)
    ours = PooledQuality(3, memory=0.0, options=options)(pairs, least_area=3.0)
    theirs = 1 - batch_panoptic_quality_loss(pairs, least_area=3.0, options=options)
    assert_close(ours, theirs)
    assert_close(torch.autograd.grad(ours, masks), torch.autograd.grad(theirs, masks))


def test_sums_of_the_past_fade_and_divide_last():
    """One hit, then one miss: 2 (1/2) / (2/2 + 1) = 1/2; then nothing: 2 (1/4) / (2/4 + 1/2) = 1/2."""
    pooled = PooledQuality(1, memory=0.5)
    zero = [torch.tensor([0])]
    hit, miss = MatchedMasks([HIT], [TRUE], zero), MatchedMasks([0 * HIT], [TRUE], zero)
    assert_close(pooled(hit, least_area=LARGE), torch.tensor(1.0))
    assert_close(pooled(miss, least_area=LARGE), torch.tensor(0.5))
    nothing = MatchedMasks([HIT[:0]], [TRUE[:0]], [torch.zeros(0, dtype=torch.long)])
    assert_close(pooled(nothing, least_area=LARGE), torch.tensor(0.5))


def test_a_spurious_mask_costs_something_where_the_batch_has_no_hit():
    """Without a past its category has PQ 0 whatever it does; with one hit in the past it pays."""
    areas = []
    for memory in (0.0, 0.9):
        pooled = PooledQuality(1, memory=memory)
        pooled(MatchedMasks([HIT], [TRUE], [torch.tensor([0])]))
        spurious = (0.5 * HIT).requires_grad_()
        loss = 1 - pooled(MatchedMasks([spurious], [NO_TRUTH], [torch.tensor([0])]))
        areas.append(torch.autograd.grad(loss, spurious)[0].sum().item())
    assert areas[0] == 0
    assert areas[1] > 0


def test_the_gradient_is_as_large_as_without_memory():
    """After many batches alike, PQ is the batch's, and so is its gradient."""
    pairs, options = random_batch(0), SurrogateOptions(form="exact", sharpness=1.0)
    pooled = PooledQuality(3, memory=0.9, options=options)
    for _ in range(200):
        pooled(pairs)
    masks = [mask.requires_grad_() for mask in pairs.masks]
    now = pooled(pairs)
    alone = 1 - batch_panoptic_quality_loss(pairs, options=options)
    assert_close(now, alone)
    assert_close(torch.autograd.grad(now, masks), torch.autograd.grad(alone, masks))


def test_evaluation_leaves_the_past_alone():
    pooled = PooledQuality(1, memory=0.5).eval()
    pooled(MatchedMasks([HIT], [TRUE], [torch.tensor([0])]))
    assert pooled.counted.item() == 0


def test_of_nothing_it_is_perfect():
    masks = torch.zeros(0, 2, 2, requires_grad=True)
    pairs = MatchedMasks([masks], [masks > 0], [torch.zeros(0, dtype=torch.long)])
    quality = PooledQuality(2, memory=0.5)(pairs)
    assert quality.item() == 1
    quality.backward()


def test_memory_is_a_share():
    with pytest.raises(InputError, match=r"`memory` must be in \[0, 1\), got 1"):
        PooledQuality(1, memory=1.0)
