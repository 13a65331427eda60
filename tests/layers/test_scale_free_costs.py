"""Gradients of cut costs without their part along the costs: the part that perturbation gets wrong."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from intarsia.layers import CutLayer, Perturbation, scale_free_costs


def random_costs(seed):
    random = torch.Generator().manual_seed(seed)
    nodes = torch.randn(2, 3, 6, 7, generator=random)
    affinities = torch.randn(2, 2, 6, 7, generator=random)
    affinities[:, 0, :, -1] = 0  # pairs that leave the grid
    affinities[:, 1, -1] = 0
    return nodes.requires_grad_(), affinities.requires_grad_(), random


def gradient_through_the_cut(nodes, affinities, random, *, free):
    layer = CutLayer(
        [(0, 1), (1, 0)],
        [True, True, False],
        perturbation=Perturbation(num_samples=3, lowest=1.0, highest=50.0),
        min_size=1,
        seed=0,
    )
    costs = scale_free_costs(nodes, affinities) if free else (nodes, affinities)
    found = layer(*costs)
    loss = torch.stack([(m * torch.randn(m.shape, generator=random)).sum() for m in found.masks]).sum()
    return torch.autograd.grad(loss, (nodes, affinities))


def along(values, costs):
    """For each image the inner product of a gradient and the costs."""
    sums = [(v * c).sum(dim=(1, 2, 3)) for v, c in zip(values, costs, strict=True)]
    return torch.stack(sums).sum(dim=0)


@pytest.mark.parametrize("seed", range(4))
def test_perturbation_shrinks_costs_and_the_projected_gradient_does_not(seed):
    """Both cuts are close to optimal for their costs, so c (x' - x) is positive but for the solver's gap."""
    nodes, affinities, random = random_costs(seed)
    costs = [nodes.detach(), affinities.detach()]
    plain = along(gradient_through_the_cut(nodes, affinities, random, free=False), costs)
    assert (plain > 0).all()
    centered = [costs[0] - costs[0].mean(dim=1, keepdim=True), costs[1]]
    free = along(gradient_through_the_cut(nodes, affinities, random, free=True), centered)
    assert_close(free, torch.zeros(2), atol=1e-4, rtol=0)


def test_only_the_part_along_the_costs_is_taken():
    nodes, affinities, random = random_costs(0)
    wanted = [torch.randn(nodes.shape, generator=random), torch.randn(affinities.shape, generator=random)]
    got = torch.autograd.grad(scale_free_costs(nodes, affinities), (nodes, affinities), wanted)
    centered = (nodes - nodes.mean(dim=1, keepdim=True)).detach().numpy()
    for image in range(2):
        c = np.concatenate([centered[image].ravel(), affinities.detach()[image].numpy().ravel()])
        g = np.concatenate([part[image].numpy().ravel() for part in wanted])
        expected = g - c * (c @ g) / (c @ c)
        ours = np.concatenate([part[image].numpy().ravel() for part in got])
        np.testing.assert_allclose(ours, expected, atol=1e-5)


def test_costs_of_zero_have_the_gradient_as_it_is():
    nodes, pairs = torch.zeros(1, 2, 1, 2, requires_grad=True), torch.zeros(1, 1, 1, 2, requires_grad=True)
    free, free_pairs = scale_free_costs(nodes, pairs)
    (free.sum() + 2 * free_pairs.sum()).backward()
    assert nodes.grad is not None
    assert pairs.grad is not None
    assert (nodes.grad == 1).all()
    assert (pairs.grad == 2).all()
