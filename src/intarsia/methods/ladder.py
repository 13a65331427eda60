"""Freezing and learning rates of their own for fine-tuning through the cut: a ladder below the costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from intarsia.methods.end_to_end import EndToEndConfig
from intarsia.nets import HeadLayers

__all__ = ["Parts", "freeze", "keep_frozen", "ladder_factors", "ladder_groups"]

Parameters = dict[int, nn.Parameter]
"""Parameters by their identity."""


@dataclass(frozen=True, eq=False)
class Parts:
    """What fine-tuning tells apart in a method.

    Attributes:
        whole: The method with all its parts.
        backbone: The network with pretrained weights.
        costs: The scales of the costs.
        heads: The heads, as wholes.
        layers: What each head says of its layers.
    """

    whole: nn.Module
    backbone: nn.Module
    costs: nn.Module
    heads: tuple[nn.Module, ...]
    layers: tuple[HeadLayers, ...]


def freeze(parts: Parts, config: EndToEndConfig | None) -> None:
    """Take out of training what `config` does not train; the scales of the costs are for the cut alone."""
    if config is None:
        parts.costs.requires_grad_(False)
        return
    names = _parameters_to_train(parts, config)
    norms = _norms(parts.whole) if config.frozen_norms == "all" else {}
    for key, parameter in _of([parts.whole]).items():
        if key in norms or (names is not None and key not in names):
            parameter.requires_grad_(False)
        elif names is not None:
            parameter.requires_grad_(True)


def keep_frozen(method: nn.Module, config: EndToEndConfig) -> None:
    """Put in evaluation mode what training must not change: batch norms, and parts without a gradient."""
    for module in method.modules():
        is_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
        parameters = list(module.parameters())
        is_still = bool(parameters) and not any(p.requires_grad for p in parameters)
        if (is_norm and config.frozen_norms != "none") or is_still:
            module.eval()


def ladder_factors(config: EndToEndConfig | None) -> dict[str, float]:
    """How fast each group of parameters learns; empty without a ladder.

    Source: Abbas and Swoboda 2021 (COPS), released code, with a ladder of 20.
    """
    if config is None or not config.ladder:
        return {}
    slow = 1 / config.ladder
    return {"costs": 1.0, "last": slow, "body": slow / 2, "features": slow / 3}


def ladder_groups(parts: Parts) -> dict[str, list[nn.Parameter]]:
    """The trainable parameters of each step of the ladder, and the backbone's."""
    steps = {
        "backbone": _of([parts.backbone]),
        "costs": _of([parts.costs]),
        "last": _of(layer for head in parts.layers for layer in head.last),
        "features": _of(layer for head in parts.layers for layer in head.features),
    }
    named = {key for parameters in steps.values() for key in parameters}
    steps["body"] = {key: p for key, p in _of([parts.whole]).items() if key not in named}
    return {step: [p for p in parameters.values() if p.requires_grad] for step, parameters in steps.items()}


def _parameters_to_train(parts: Parts, config: EndToEndConfig) -> Parameters | None:
    """What learns; None where everything does that does so without fine-tuning."""
    if config.trained == "all":
        return None
    if config.trained == "heads":
        return _of([parts.costs, *parts.heads])
    last = [layer for head in parts.layers for layer in head.last]
    if config.trained == "last":
        return _of([parts.costs, *last])
    return _of([*last, *(layer for head in parts.layers for layer in head.before_last)])


def _norms(method: nn.Module) -> Parameters:
    kinds = nn.modules.batchnorm._BatchNorm | nn.GroupNorm
    return _of(module for module in method.modules() if isinstance(module, kinds))


def _of(modules: Iterable[nn.Module]) -> Parameters:
    return {id(parameter): parameter for module in modules for parameter in module.parameters()}
