"""Batch norms folded into the convolutions before them: the same network in fewer operations."""

from __future__ import annotations

from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

__all__ = ["conv_norm_pairs", "factor_and_shift", "fold_norms", "keep_only_activation"]

_Module = TypeVar("_Module", bound=nn.Module)


def fold_norms(network: _Module) -> _Module:
    """The network itself, changed: what a norm does to a convolution's output, the convolution does.

    A norm is folded where it was given exactly what a convolution returned, as a run on a small image shows;
    whatever follows inside the norm (timm's have their activation there) stays. For prediction alone:
    statistics are no longer learned.

    Example:
        >>> network = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)).eval()
        >>> image = torch.rand(1, 3, 5, 5)
        >>> before = network(image)
        >>> bool((fold_norms(network)(image) - before).abs().max() < 1e-5)
        True
    """
    network.eval()
    with torch.inference_mode(False), torch.no_grad():
        for conv, norm in conv_norm_pairs(network):
            _fold(conv, norm)
    return network


def conv_norm_pairs(network: nn.Module) -> list[tuple[nn.Conv2d, _BatchNorm]]:
    """Each norm with the convolution that it gets its input from; no convolution twice."""
    made_by: dict[int, nn.Conv2d] = {}
    outputs: list[Tensor] = []  # so that no address is used again while the network runs
    pairs: dict[nn.Conv2d, list[_BatchNorm]] = {}

    def note_output(conv: nn.Module, _: object, output: Tensor) -> None:
        assert isinstance(conv, nn.Conv2d)
        made_by[id(output)] = conv
        outputs.append(output)

    def note_input(norm: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(norm, _BatchNorm)
        conv = made_by.get(id(inputs[0]))
        if conv is not None:
            pairs.setdefault(conv, []).append(norm)

    # one small image through the network shows which norm follows which convolution
    hooks = []
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            hooks.append(module.register_forward_hook(note_output))
        elif isinstance(module, _BatchNorm) and module.track_running_stats:
            hooks.append(module.register_forward_pre_hook(note_input))
    try:
        parameter = next(network.parameters())
        network(torch.zeros(1, 3, 64, 64, device=parameter.device))
    finally:
        for hook in hooks:
            hook.remove()
    return [(conv, norms[0]) for conv, norms in pairs.items() if len(norms) == 1]


def factor_and_shift(conv: nn.Conv2d, norm: _BatchNorm) -> tuple[Tensor, Tensor]:
    """What each output channel of the convolution is multiplied by, and the bias after that."""
    assert norm.running_mean is not None
    assert norm.running_var is not None
    factor = (norm.running_var + norm.eps).rsqrt()
    if norm.weight is not None:
        factor = factor * norm.weight
    shift = -norm.running_mean * factor + (norm.bias if norm.bias is not None else 0)
    return factor, shift if conv.bias is None else shift + conv.bias * factor


def keep_only_activation(norm: _BatchNorm) -> None:
    """Take a plain norm's place by nothing, and let a norm with an activation inside keep that alone."""
    rest = nn.Sequential(*norm.children())
    norm.forward = lambda input: rest(input)  # a function, for a module would be taken for a part of the norm


def _fold(conv: nn.Conv2d, norm: _BatchNorm) -> None:
    factor, shift = factor_and_shift(conv, norm)
    channels_last = conv.weight.is_contiguous(memory_format=torch.channels_last)
    layout = torch.channels_last if channels_last else torch.contiguous_format
    conv.weight = nn.Parameter((conv.weight * factor[:, None, None, None]).contiguous(memory_format=layout))
    conv.bias = nn.Parameter(shift)
    keep_only_activation(norm)
