"""The cut as operators of torch: what torch itself checks of them, compiled as one graph, checkpointed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.testing import assert_close
from torch.utils.checkpoint import checkpoint

from intarsia.layers import CutIndicatorLayer, CutLayer, Perturbation
from tests.compiled_graphs import run_compiled
from tests.layers.test_cut_layer import NEIGHBOURS, Truth, iou_loss

AT_20 = Perturbation(lowest=20.0, highest=20.0, num_samples=2)
SPLITTABLE = [False, True]


def costs_of(seed: int, size: tuple[int, int] = (6, 7)) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    nodes, edges = (torch.randn(2, 2, *size, generator=random) for _ in range(2))
    return nodes.requires_grad_(), (edges + 0.5).requires_grad_()


def truth_of(size: tuple[int, int] = (6, 7)) -> Truth:
    semantic = torch.zeros(2, *size, dtype=torch.int64)
    semantic[:, 1:4, 1:4] = 1
    semantic[1, 5, 5] = 255
    return Truth(semantic, (semantic == 1).long())


def indicator_loss(layer: CutIndicatorLayer, nodes: Tensor, edges: Tensor) -> Tensor:
    cut = layer(nodes, edges)
    return (cut.x * torch.arange(2.0)[:, None, None]).sum() - cut.y.square().sum()


def segment_loss(layer: CutLayer, nodes: Tensor, edges: Tensor) -> Tensor:
    return iou_loss(layer(nodes, edges, truth=truth_of()))


def layer_and_loss(kind: str) -> tuple[torch.nn.Module, Callable[..., Tensor]]:
    if kind == "segments":
        return CutLayer(NEIGHBOURS, SPLITTABLE, perturbation=AT_20), segment_loss
    return CutIndicatorLayer(NEIGHBOURS, SPLITTABLE, perturbation=AT_20), indicator_loss


each_layer = pytest.mark.parametrize("kind", ["segments", "indicators"])


def gradients(loss: Tensor, costs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return torch.autograd.grad(loss, costs)


@pytest.mark.parametrize("name", ["CutLayer", "CutIndicatorLayer"])
def test_a_compiled_layer_is_one_graph_with_the_same_loss_and_gradient(name: str):
    assert run_compiled(name)


@each_layer
def test_a_checkpointed_layer_has_the_same_gradient(kind: str):
    layer, loss = layer_and_loss(kind)
    costs = costs_of(1)
    plain = gradients(loss(layer, *costs), costs)
    assert any(gradient.any() for gradient in plain)
    again = checkpoint(loss, layer, *costs, use_reentrant=False)
    assert_close(gradients(again, costs), plain)


@each_layer
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_a_layer_takes_what_autocast_gives_it(kind: str, dtype: torch.dtype):
    layer, loss = layer_and_loss(kind)
    half = tuple(costs.detach().to(dtype).requires_grad_() for costs in costs_of(1))
    with torch.autocast("cpu", dtype):
        got = gradients(loss(layer, *half), half)
    precise = tuple(costs.detach().float().requires_grad_() for costs in half)
    assert [gradient.dtype for gradient in got] == [dtype] * 2
    assert_close(
        [g.float() for g in got], list(gradients(loss(layer, *precise), precise)), rtol=0.02, atol=1e-3
    )


@pytest.mark.parametrize("name", ["cut operators", "indicator operators"])
def test_torch_finds_nothing_wrong_with_the_operators(name: str):
    assert run_compiled(name)


def test_a_second_derivative_is_refused_and_not_zero_in_silence():
    layer, costs = CutLayer(NEIGHBOURS, SPLITTABLE, perturbation=AT_20), costs_of(1)
    (slope, _) = torch.autograd.grad(segment_loss(layer, *costs), costs, create_graph=True)
    with pytest.raises(RuntimeError, match="autograd"):
        slope.sum().backward()
