"""Affinity loss: coin flips, the hardest share of each offset, what does not count."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.testing import assert_close

from intarsia.errors import InputError
from intarsia.losses import affinity_loss, batch_affinity_loss


def random_case(seed, shape=(2, 3, 4, 5)):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator, dtype=torch.float64) * 3
    joined, valid = (torch.rand((2, *shape), generator=generator) < 0.6).unbind()
    return logits, joined, valid, torch.rand(shape, generator=generator, dtype=torch.float64) * 4


def slow(logits, joined, valid, weights, k):
    """Each pair by itself, sorted in Python."""
    losses = []
    for o in range(logits.shape[1]):
        rows = zip(
            *(x[:, o].flatten().tolist() for x in (logits, joined, valid, weights)),
            strict=True,
        )
        costs = [w * math.log1p(math.exp(-x if y else x)) for x, y, counts, w in rows if counts]
        hardest = sorted(costs, reverse=True)[: max(1, int(k * len(costs)))]
        losses.append(sum(hardest) / len(hardest) if hardest else 0.0)
    return torch.tensor(losses, dtype=torch.float64)


def test_a_coin_flip_costs_one_bit():
    """Logit 0 is probability 1/2, and -log(1/2) = log 2, whatever the answer."""
    same = torch.tensor([[[[True, False]]]])
    got = affinity_loss(torch.zeros(1, 1, 1, 2), same, valid=torch.ones_like(same))
    assert_close(got, torch.tensor([math.log(2)]))


def test_a_positive_logit_means_joined():
    logits, valid = torch.full((1, 2, 1, 1), 3.0), torch.ones(1, 2, 1, 1, dtype=torch.bool)
    joined = torch.tensor([[[[True]], [[False]]]])
    right, wrong = (affinity_loss(logits[:, [o]], joined[:, [o]], valid=valid[:, [o]]) for o in (0, 1))
    assert_close(right, torch.tensor([math.log1p(math.exp(-3.0))]))
    assert_close(wrong, torch.tensor([math.log1p(math.exp(3.0))]))
    assert_close(affinity_loss(logits, joined, valid=valid), (right + wrong) / 2)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.floats(0.01, 1.0))
def test_it_equals_sorting_the_costs_of_each_offset(seed, k):
    logits, joined, valid, weights = random_case(seed)
    case = (logits, joined, valid, weights)
    got = affinity_loss(logits, joined, valid=valid, weights=weights, k=k)
    each = [slow(*(x[[i]] for x in case), k=k).mean() for i in range(len(logits))]
    assert_close(got, torch.stack(each))
    pooled = batch_affinity_loss(logits, joined, valid=valid, weights=weights, k=k)
    assert_close(pooled, slow(*case, k).mean())


def test_the_gradient_is_right():
    logits, joined, valid, weights = random_case(1, (1, 2, 2, 3))
    assert torch.autograd.gradcheck(
        lambda x: affinity_loss(x, joined, valid=valid, weights=weights, k=0.5), logits.requires_grad_()
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_without_valid_pairs_the_loss_is_zero_and_has_a_gradient(dtype):
    logits = torch.randn(1, 2, 3, 3, dtype=dtype, requires_grad=True)
    nothing = torch.zeros(logits.shape, dtype=torch.bool)
    loss = affinity_loss(logits, nothing, valid=nothing, k=0.25)
    loss.sum().backward()
    assert loss.tolist() == [0]
    assert logits.grad is not None
    assert not logits.grad.any()
    assert affinity_loss(logits[:, :0], nothing[:, :0], valid=nothing[:, :0]).tolist() == [0]
    assert batch_affinity_loss(logits, nothing, valid=nothing, k=0.25) == 0
    assert batch_affinity_loss(logits[:, :0], nothing[:, :0], valid=nothing[:, :0]) == 0


def test_wrong_arguments_are_refused():
    pair = torch.ones(1, 1, 1, 1, dtype=torch.bool)
    with pytest.raises(InputError, match=r"`k` must be a share in \(0, 1\], got 0"):
        affinity_loss(torch.zeros(1, 1, 1, 1), pair, valid=pair, k=0.0)
    with pytest.raises(
        InputError, match=r"`valid` must be shaped \(1, 1, 1, 1\) like `logits`, got \(1, 1\)"
    ):
        affinity_loss(torch.zeros(1, 1, 1, 1), pair, valid=pair[0, 0])
