"""The cut as classes and cut pairs: the definition of its gradient, and descent."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from intarsia.cut import GridProblem, solve
from intarsia.layers import CutIndicatorLayer, CutIndicators, Perturbation
from intarsia.layers.cut_indicators import cut_pairs

NEIGHBOURS = [(0, 1), (1, 0)]


def random_costs(seed: int, *size: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(seed)
    return (
        torch.randn(1, 3, *size, generator=random).requires_grad_(),
        torch.randn(1, 2, *size, generator=random).requires_grad_(),
    )


def test_a_pixel_that_should_change_class_does_so_from_some_step_on():
    """Two pixels of costs (0, 1) and (0, 0.4), attracting by 0.5, both class 0. With lambda = 0.5 and
    gradient (1, -1) at pixel 1 the costs (0.5, -0.1) there move it; the pair is cut: x changes by (-1, 1), y
    by 1, both over 0.5."""
    perturbation = Perturbation(num_samples=1, lowest=0.5, highest=0.5)
    layer = CutIndicatorLayer([(0, 1)], [False, False], perturbation=perturbation)
    node_costs = torch.tensor([[[[0.0, 0.0]], [[1.0, 0.4]]]], requires_grad=True)
    affinity_costs = torch.tensor([[[[0.5, 0.0]]]], requires_grad=True)
    x = layer(node_costs, affinity_costs).x
    (x[0, 0, 0, 1] - x[0, 1, 0, 1]).backward()
    assert node_costs.grad is not None
    assert affinity_costs.grad is not None
    assert_close(node_costs.grad[0, :, 0], torch.tensor([[0.0, -2.0], [0.0, 2.0]]))
    assert_close(affinity_costs.grad[0, 0, 0], torch.tensor([2.0, 0.0]))


@pytest.mark.parametrize("seed", range(4))
def test_gradients_are_differences_of_optimal_solutions(seed: int):
    """With the exact solver every part of eq. (3) can be written down."""
    node_costs, affinity_costs = random_costs(seed, 3, 3)
    splittable = [False, True, True]
    perturbation = Perturbation(num_samples=1, lowest=3.0, highest=3.0)
    layer = CutIndicatorLayer(NEIGHBOURS, splittable, perturbation=perturbation, solver="optimal")
    dx, dy = (costs.detach() for costs in random_costs(seed + 100, 3, 3))
    cut = layer(node_costs, affinity_costs)
    ((cut.x * dx).sum() + (cut.y * dy).sum()).backward()

    def indicators(step: float) -> tuple[np.ndarray, np.ndarray]:
        costs = [(c + step * d).detach()[0].numpy() for c, d in ((node_costs, dx), (affinity_costs, dy))]
        problem = GridProblem(costs[0], costs[1], NEIGHBOURS, splittable)
        best = solve(problem, solver="optimal")
        return np.eye(3)[best.labels].transpose(2, 0, 1), cut_pairs(problem, best.clusters)

    for before, after, leaf in zip(indicators(0), indicators(3), (node_costs, affinity_costs), strict=True):
        assert leaf.grad is not None
        np.testing.assert_allclose(leaf.grad[0].numpy(), (after - before) / 3, atol=1e-6)


def test_descending_separate_losses_finds_classes_and_cuts():
    """Losses of appendix A.4: |x - x_g|_1 / |V| and 1 - F1 of the cut pairs. Two instances of class 1."""
    node_costs, affinity_costs = random_costs(1, 8, 8)
    wanted = GridProblem(np.zeros((3, 8, 8)), np.zeros((2, 8, 8)), NEIGHBOURS, [False, True, True])
    halves = np.arange(8)[None].repeat(8, 0) // 4
    x = torch.zeros(1, 3, 8, 8).index_fill(1, torch.tensor([1]), 1)
    y = torch.from_numpy(cut_pairs(wanted, halves))[None]
    layer = CutIndicatorLayer(NEIGHBOURS, wanted.splittable.tolist())

    def loss(cut: CutIndicators) -> Tensor:
        f1 = (cut.y * y).sum() / (0.5 * (cut.y.sum() + y.sum())).clamp(min=1)
        return (cut.x - x).abs().sum() / 64 + 1 - f1

    optimizer = torch.optim.Adam([node_costs, affinity_costs], lr=0.3)
    losses = []
    for _ in range(20):
        value = loss(layer(node_costs, affinity_costs))
        optimizer.zero_grad()
        value.backward()
        optimizer.step()
        losses.append(value.item())
    assert losses[0] > 1
    assert losses[-1] < 0.1


def test_gradients_that_are_zero_or_overflown_stay_so():
    node_costs, affinity_costs = random_costs(3, 4, 4)
    layer = CutIndicatorLayer(NEIGHBOURS, [True, True, True])
    (0 * layer(node_costs, affinity_costs).x.sum()).backward()
    assert node_costs.grad is not None
    assert not node_costs.grad.any()
    (layer(node_costs, affinity_costs).y.sum() * torch.inf).backward()
    assert node_costs.grad.isnan().all()


def test_a_scaled_loss_has_scaled_gradients():
    grads = []
    for scale in (1.0, 256.0):
        node_costs, affinity_costs = random_costs(4, 6, 6)
        cut = CutIndicatorLayer(NEIGHBOURS, [True, False, True])(node_costs, affinity_costs, loss_scale=scale)
        (scale * (cut.x * torch.arange(3)[:, None, None]).sum()).backward()
        assert node_costs.grad is not None
        grads.append(node_costs.grad / scale)
    assert grads[0].any()
    assert_close(grads[0], grads[1])


def test_pairs_that_leave_the_image_are_not_cut():
    problem = GridProblem(np.zeros((1, 2, 2)), np.zeros((3, 2, 2)), [(0, -1), (5, 0), (1, 1)], [True])
    y = cut_pairs(problem, np.array([[0, 1], [2, 3]]))
    assert y.tolist() == [[[0, 1], [0, 1]], [[0, 0], [0, 0]], [[1, 0], [0, 0]]]


def test_a_refined_layer_answers_what_the_refined_solver_does():
    for seed in range(4):
        node_costs, affinity_costs = (costs.detach() for costs in random_costs(seed, 9, 9))
        problem = GridProblem(node_costs[0].numpy(), affinity_costs[0].numpy(), NEIGHBOURS, [True] * 3)
        cut = solve(problem, refine=True)
        found = CutIndicatorLayer(NEIGHBOURS, [True] * 3, refine=True)(node_costs, affinity_costs)
        assert (found.x[0].argmax(0).numpy() == cut.labels).all()
        assert (found.y[0].numpy() == cut_pairs(problem, cut.clusters)).all()
