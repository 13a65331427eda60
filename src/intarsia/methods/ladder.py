"""Which parts of a network fine-tuning through the cut moves, and how fast: a ladder of learning rates."""

from __future__ import annotations

import re

from torch import nn

from intarsia.methods.end_to_end import EndToEndConfig

__all__ = ["freeze", "keep_frozen", "ladder_factors", "ladder_groups", "ladder_step"]


def freeze(method: nn.Module, config: EndToEndConfig | None) -> None:
    """Take out of training what `config` does not train; the scales of the costs are for the cut alone."""
    norms = _names_of_norms(method) if config is not None and config.frozen_norms == "all" else frozenset()
    for name, parameter in method.named_parameters():
        if config is None:
            parameter.requires_grad_(parameter.requires_grad and ladder_step(name) != "costs")
        elif name in norms:
            parameter.requires_grad_(False)
        elif config.trained != "all":
            parameter.requires_grad_(_TRAINED[config.trained].match(name) is not None)


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


def ladder_groups(method: nn.Module) -> dict[str, list[nn.Parameter]]:
    """The trainable parameters of each step of the ladder, and the backbone's."""
    groups: dict[str, list[nn.Parameter]] = {name: [] for name in ("backbone", *_STEPS)}
    for name, parameter in method.named_parameters():
        if parameter.requires_grad:
            groups[ladder_step(name)].append(parameter)
    return groups


def ladder_step(name: str) -> str:
    """Which step of the ladder the parameter of this name is on.

    Example:
        >>> ladder_step("semantic_head.last.weight"), ladder_step("affinity_head.features.0.weight")
        ('last', 'features')
    """
    if name.startswith("costs."):
        return "costs"
    if ".last." in name and name.startswith(_HEADS):
        return "last"
    if name.startswith("affinity_head.features."):
        return "features"
    return "backbone" if name.startswith("backbone.") else "body"


_STEPS = ("costs", "last", "body", "features")
_HEADS = ("semantic_head.", "affinity_head.", "costs.")
_TRAINED = {
    "last": re.compile(r"costs\.|(semantic_head|affinity_head)\.(.*\.)?last\."),
    "last_two": re.compile(r"semantic_head\.last\.|affinity_head\.classifiers\.\d+\.(last|body\.1)\."),
    "heads": re.compile(r"costs\.|(semantic_head|affinity_head)\."),
}


def _names_of_norms(method: nn.Module) -> frozenset[str]:
    return frozenset(
        f"{path}.{name}"
        for path, module in method.named_modules()
        if isinstance(module, nn.modules.batchnorm._BatchNorm | nn.GroupNorm)
        for name, _ in module.named_parameters(recurse=False)
    )
