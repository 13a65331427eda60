"""The optimiser: rates of groups, what decays, and the kinds there are."""

import pytest
import torch

from intarsia.configs import override
from intarsia.engine.optimizer import build_optimizer
from intarsia.errors import InputError
from intarsia.methods.combinatorial import CombinatorialPanoptic
from intarsia.panoptic import Categories
from intarsia.recipes.find import find_recipe
from intarsia.recipes.recipe import Optim

SMALL = ["method.backbone.name=lcnet_050", "method.backbone.pretrained=false"]


def method_of(*overrides, recipe="cops-facades"):
    chosen = override(find_recipe(recipe), [*SMALL, *overrides])
    return CombinatorialPanoptic(chosen.method, Categories.named("facades"))


def test_the_steps_of_a_ladder_have_their_own_learning_rates():
    method = method_of("method.end_to_end.ladder=20", recipe="cops-facades-e2e")
    optimizer = build_optimizer(method, Optim(lr=1.0))
    rates = {group["base_lr"] for group in optimizer.param_groups if group["params"]}
    assert rates == {1.0, 1 / 20, 1 / 40, 1 / 60}


def test_sgd_steps_by_gradient_momentum_and_decay():
    """Twice a gradient of 1 from weights of 1: the steps are lr (1 + d), lr (0.9 (1 + d) + 1 + d w')."""
    method = method_of()
    optimizer = build_optimizer(
        method, Optim(kind="sgd", lr=0.1, backbone_lr_factor=0.5, weight_decay=0.5, clip_norm=1.0)
    )
    assert isinstance(optimizer, torch.optim.SGD)
    decayed, norm = method.semantic_head.last.weight, method.semantic_head.last.bias
    assert norm is not None
    with torch.no_grad():
        decayed.fill_(1.0)
        norm.fill_(1.0)
    for _ in range(2):
        decayed.grad, norm.grad = torch.ones_like(decayed), torch.ones_like(norm)
        optimizer.step()
    first = 1 - 0.1 * 1.5
    assert decayed.flatten()[0].item() == pytest.approx(first - 0.1 * (0.9 * 1.5 + 1 + 0.5 * first))
    assert norm[0].item() == pytest.approx(1 - 0.1 - 0.1 * 1.9)
    rates = {group["base_lr"] for group in optimizer.param_groups if group["params"]}
    assert rates == {0.1, 0.05}


def test_a_momentum_of_one_is_refused():
    with pytest.raises(InputError, match=r"`optim.momentum` must be in \[0, 1\), got 1"):
        Optim(momentum=1.0)
