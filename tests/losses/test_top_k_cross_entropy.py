"""Top-k cross-entropy: what counts, and what still counts in N."""

from __future__ import annotations

import math

import pytest
import torch
from torch.testing import assert_close

from intarsia.losses import batch_top_k_cross_entropy, top_k_cross_entropy


def pixel_costs(logits: torch.Tensor, labels: torch.Tensor) -> list[float]:
    """Each pixel's cost, one at a time; ignored pixels cost 0."""
    rows = zip(logits.movedim(1, -1).reshape(-1, logits.shape[1]), labels.flatten().tolist(), strict=True)
    return [0.0 if y == 255 else float(f.logsumexp(0) - f[y]) for f, y in rows]


def random_case(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, 3, (2, 4, 5), generator=generator)
    labels[torch.rand(labels.shape, generator=generator) < 0.3] = 255
    return torch.randn(2, 3, 4, 5, generator=generator), labels


def test_ignored_pixels_cost_nothing_and_still_count():
    """Two coin flips of cost log 2 and two void pixels: log 2 / 2 over all, log 2 over the harder half."""
    logits, labels = torch.zeros(1, 2, 2, 2), torch.tensor([[[0, 1], [255, 255]]])
    assert_close(top_k_cross_entropy(logits, labels, k=1.0), torch.tensor([math.log(2) / 2]))
    assert_close(top_k_cross_entropy(logits, labels, k=0.5), torch.tensor([math.log(2)]))


@pytest.mark.parametrize("k", [0.01, 0.2, 0.5, 1.0])
def test_it_equals_sorting_the_costs(k: float):
    logits, labels = random_case(0)
    weights = torch.rand(labels.shape, generator=torch.Generator().manual_seed(1)) * 3
    costs = [c * w for c, w in zip(pixel_costs(logits, labels), weights.flatten().tolist(), strict=True)]

    def mean_hardest(costs: list[float]) -> float:
        hardest = sorted(costs, reverse=True)[: max(1, int(k * len(costs)))]
        return sum(hardest) / len(hardest)

    got = top_k_cross_entropy(logits, labels, k=k, weights=weights)
    assert_close(got, torch.tensor([mean_hardest(costs[:20]), mean_hardest(costs[20:])]))
    pooled = batch_top_k_cross_entropy(logits, labels, k=k, weights=weights)
    assert_close(pooled, torch.tensor(mean_hardest(costs)))


def test_the_gradient_is_the_derivative():
    logits, labels = random_case(2)
    logits = logits.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda f: top_k_cross_entropy(f, labels, k=0.3), logits)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (0, 3)])
def test_all_void_and_empty_batches_give_zero_with_zero_gradient(height: int, width: int):
    logits = torch.randn(1, 4, height, width, generator=torch.Generator().manual_seed(3)).requires_grad_()
    loss = top_k_cross_entropy(logits, torch.full((1, height, width), 255), k=0.2)
    loss = loss + batch_top_k_cross_entropy(logits, torch.full((1, height, width), 255), k=0.2)
    loss.sum().backward()
    assert loss.tolist() == [0]
    assert_close(logits.grad, torch.zeros_like(logits))


def test_half_precision_is_computed_in_float32():
    logits, labels = random_case(4)
    half = logits.bfloat16().requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        loss = top_k_cross_entropy(half, labels, k=0.5)
    assert_close(loss, top_k_cross_entropy(half.detach().float(), labels, k=0.5))
    loss.sum().backward()
    assert half.grad is not None
    assert half.grad.isfinite().all()


@pytest.mark.parametrize("k", [0.0, -1.0, 1.5])
def test_a_share_outside_of_0_to_1_is_refused(k: float):
    with pytest.raises(ValueError, match=r"`k` must be a share in \(0, 1\], got"):
        top_k_cross_entropy(torch.zeros(1, 2, 1, 1), torch.zeros(1, 1, 1, dtype=torch.long), k=k)
