"""Backbones that timm does not have: our own by name, and anybody's as `module:function`."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.nets.enet import enet
from intarsia.nets.erfnet import erfnet
from intarsia.nets.wide_resnet38 import wide_resnet38

__all__ = ["NETWORKS", "build_network", "import_named", "names_a_network", "shipped_networks_only"]

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "enet": enet,
    "erfnet": erfnet,
    "wide_resnet38": wide_resnet38,
}
"""Our own networks by the names that a backbone's config may have."""

_PROBE_PX = 64
_guarded: ContextVar[bool] = ContextVar("guarded", default=False)
_agreed: set[str] = set()


@dataclass(frozen=True)
class _FeatureInfo:
    """What timm's networks tell about their features."""

    strides: tuple[int, ...]
    widths: tuple[int, ...]

    def reduction(self) -> list[int]:
        return list(self.strides)

    def channels(self) -> list[int]:
        return list(self.widths)


def names_a_network(name: str) -> bool:
    """Whether a backbone's name is one of ours or `module:function`, not one of timm's.

    Example:
        >>> names_a_network("erfnet"), names_a_network("nets.py:tiny"), names_a_network("resnet50")
        (True, True, False)
    """
    return name in NETWORKS or ":" in name


def build_network(name: str) -> nn.Module:
    """The network of that name, with random weights; what features it gives is measured on a small image.

    Args:
        name: One of ours, or `module:function` or `file.py:function` of a function without arguments. Its
            network takes normalised images (b, 3, h, w) and returns a list of features, from fine to coarse.

    Raises:
        ValueError: There is no such function, what it returns is no such network, or the name stands in a
            file that someone else may have written.

    Example:
        >>> build_network("erfnet").feature_info.reduction()
        [2, 4, 8]
    """
    network = NETWORKS[name]() if name in NETWORKS else _stranger(name)
    network.feature_info = _measure(name, network)  # type: ignore[assignment]
    network.pretrained_cfg = {}  # type: ignore[assignment]
    return network


@contextmanager
def shipped_networks_only() -> Iterator[None]:
    """Inside, code of strangers runs only where this process was asked for it by the same name before.

    For reading a saved model: its file must not decide what is imported.
    """
    token = _guarded.set(True)
    try:
        yield
    finally:
        _guarded.reset(token)


def import_named(what: str, name: str) -> Any:
    """What `module:name` or `file.py:name` names.

    Args:
        what: The argument that the name was given for, for the error.
        name: With one colon.

    Raises:
        ValueError: There is no such file, module or name in it, or importing it fails.

    Example:
        >>> import_named("method", "math:pi")
        3.141592653589793
    """
    module_name, _, attribute = name.partition(":")
    module = _module(what, module_name)
    if not hasattr(module, attribute):
        fail(what, f"a name in {module_name}", repr(attribute))
    return getattr(module, attribute)


def _stranger(name: str) -> nn.Module:
    if _guarded.get() and name not in _agreed:
        hint = (
            "Name the model's class yourself, as `--method file.py:Class`, if you trust where it comes from."
        )
        fail("backbone.name", "of a network that ships where a saved model names it", repr(name), hint=hint)
    network = import_named("backbone.name", name)()
    if not isinstance(network, nn.Module):
        fail(
            "backbone.name", "a function that returns a torch module", f"{type(network).__name__} from {name}"
        )
    _agreed.add(name)
    return network


def _measure(name: str, network: nn.Module) -> _FeatureInfo:
    """Strides and channels as a small image shows them."""
    was_training = network.training
    try:
        with torch.no_grad():
            features = network.eval()(torch.zeros(1, 3, _PROBE_PX, _PROBE_PX))
    except Exception as error:  # a stranger's code raises anything
        reason = (str(error).splitlines() or [""])[0]
        fail("backbone.name", "a network for images of 64x64", f"{name!r}: {type(error).__name__}: {reason}")
    finally:
        network.train(was_training)
    if not isinstance(features, list | tuple) or not all(
        isinstance(x, Tensor) and x.ndim == 4 for x in features
    ):
        fail(
            "backbone.name", "a network that returns a list of features (b, c, h, w)", type(features).__name__
        )
    strides = tuple(_PROBE_PX // max(1, x.shape[-1]) for x in features)
    return _FeatureInfo(strides, tuple(x.shape[1] for x in features))


def _module(what: str, name: str) -> Any:
    path = Path(name)
    try:
        if not name.endswith(".py"):
            return importlib.import_module(name)
        if not path.is_file():
            fail(what, "in a Python file that exists", name)
        spec = importlib.util.spec_from_file_location(path.stem, path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[path.stem] = module
        spec.loader.exec_module(module)
        return module
    except InputError:
        raise
    except Exception as error:
        reason = (str(error).splitlines() or [""])[0]
        return fail(what, "in code that can be imported", f"{name}: {type(error).__name__}: {reason}")
