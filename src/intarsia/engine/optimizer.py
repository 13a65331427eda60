"""The optimiser of a recipe, each group of parameters with its own rate."""

from __future__ import annotations

import torch

from intarsia.methods.method import AbstractMethod
from intarsia.recipes.recipe import Optim

__all__ = ["build_optimizer"]


def build_optimizer(method: AbstractMethod, optim: Optim) -> torch.optim.Optimizer:
    """The optimiser of a recipe, with the backbone's own rate; norms and biases are not decayed.

    Each group keeps its rate at the start as `base_lr`, which the schedule multiplies.

    Args:
        method: Whose `parameter_groups` are trained.
        optim: Kind of optimiser, learning rates, weight decay; see `Optim`.
    """
    groups = []
    for name, parameters in method.parameter_groups().items():
        factors = {"backbone": optim.backbone_lr_factor} | method.lr_factors
        lr = optim.lr * factors.get(name, 1.0)
        for decay, members in (
            (optim.weight_decay, [p for p in parameters if p.ndim > 1]),
            (0.0, [p for p in parameters if p.ndim <= 1]),
        ):
            groups.append({"params": members, "lr": lr, "base_lr": lr, "weight_decay": decay})
    if optim.kind == "sgd":
        return torch.optim.SGD(groups, lr=optim.lr, momentum=optim.momentum)
    kind = torch.optim.Adam if optim.kind == "adam" else torch.optim.AdamW
    return kind(groups, lr=optim.lr)
