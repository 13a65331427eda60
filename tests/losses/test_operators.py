"""Losses as operators of torch: what torch itself checks of them, and each compiled as one graph."""

from __future__ import annotations

import pytest
import torch
from torch.testing import assert_close

from intarsia.losses import Reduction, discriminative_loss, lovasz_hinge
from intarsia.losses._discriminative import discriminative_operator
from tests.compiled_graphs import run_compiled


@pytest.mark.parametrize(
    "name",
    [
        "affinity_loss",
        "affinity_loss of the hardest",
        "batch_hierarchical_lovasz_terms",
        "batch_hierarchical_lovasz_terms, hinge",
        "discriminative_loss",
        "hierarchical_lovasz_loss",
        "lovasz_hinge",
        "lovasz_softmax",
        "top_k_cross_entropy",
    ],
)
def test_a_compiled_loss_is_one_graph_with_the_same_value_and_gradient(name: str):
    assert run_compiled(name)


def randn(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=dtype)


@pytest.mark.parametrize(
    "name", ["affinity operator", "lovasz operators", "discriminative operators", "hierarchical operator"]
)
def test_torch_finds_nothing_wrong_with_the_operators(name: str):
    assert run_compiled(name)


@pytest.mark.parametrize("reduction", ["paper", "authors_sum", "pixel_weighted"])
@pytest.mark.parametrize("norm", [1, 2])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_gradient_that_a_compiler_is_given_is_autograd_s(
    reduction: Reduction, norm: int, dtype: torch.dtype
):
    embeddings = (2 * randn(2, 3, 4, 5, dtype=dtype)).requires_grad_()
    instances = (randn(2, 4, 5) * 2).long().clamp(min=0)
    loss = discriminative_loss(embeddings, instances, gamma=0.1, norm=norm, reduction=reduction)
    value, gradient = discriminative_operator(
        embeddings.detach(), instances, [], False, 0.5, 1.5, 1.0, 1.0, 0.1, norm, reduction
    )
    assert_close(value, loss)
    assert_close(gradient, torch.autograd.grad(loss.sum(), embeddings)[0])


def test_a_second_derivative_is_refused_and_not_zero_in_silence():
    logits = randn(6).requires_grad_()
    (slope,) = torch.autograd.grad(lovasz_hinge(logits, randn(6) > 0), logits, create_graph=True)
    with pytest.raises(RuntimeError, match="autograd|does not require grad"):
        slope.sum().backward()
