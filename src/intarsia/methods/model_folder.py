"""A model on disk: `model.safetensors`, `config.json` and `categories.json` in one folder."""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

import intarsia
from intarsia._check import fail, nearest
from intarsia.configs import from_dict, to_dict
from intarsia.errors import InputError
from intarsia.nets.networks import shipped_networks_only
from intarsia.panoptic import Categories

__all__ = ["FORMAT", "read_model", "read_tensors", "recorded_name", "write_model"]

FORMAT = 1
"""Version of the folder's layout; another is refused."""


def write_model(model: Any, folder: Path, *, half: bool) -> None:
    """Write a method's three files; each appears under its name only when it is whole.

    Raises:
        ValueError: The folder cannot be written.
    """
    settings = {
        "format": FORMAT,
        "intarsia": intarsia.__version__,
        "method": recorded_name(type(model)),
        "settings": to_dict(_without_pretrained(model.config)),
    }
    tensors = {name: _stored(tensor, half) for name, tensor in model.state_dict().items()}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        _write_aside(folder / "model.safetensors", lambda path: path.write_bytes(save(tensors)))
        _write_json(folder / "categories.json", model.categories.to_coco())
        _write_json(folder / "config.json", settings)
    except (OSError, SafetensorError) as error:
        fail(str(folder), "a folder that can be written", f"an error ({error})")


def read_model(folder: Path, methods: Mapping[str, Any]) -> Any:
    """The model that a folder holds, in evaluation mode, its weights in float32.

    Args:
        folder: What `write_model` wrote.
        methods: The classes that may be in it, by name.

    Raises:
        ValueError: A file is missing or broken, of another version, or does not fit the others.
    """
    settings = _read_json(folder / "config.json")
    if not isinstance(settings, dict) or settings.get("format") != FORMAT:
        found = settings.get("format", "none") if isinstance(settings, dict) else type(settings).__name__
        by = f" (written by intarsia {settings['intarsia']})" if "intarsia" in settings else ""
        fail(str(folder / "config.json"), f"a model of format {FORMAT}", f"format {found}{by}")
    cls = _class_of(str(settings.get("method")), methods, folder / "config.json")
    config = _read_config(folder / "config.json", cls.config_type, settings.get("settings", {}))
    categories = Categories.from_coco(_read_json(folder / "categories.json"))
    with shipped_networks_only() if _ships(cls) else contextlib.nullcontext():
        model = cls(config, categories)
    _fill(model, read_tensors(folder / "model.safetensors"), folder / "model.safetensors")
    return model.eval()


def _read_json(path: Path) -> Any:
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return fail(str(path), "a file of a saved model", "no such file")
    except (OSError, ValueError) as error:
        return fail(str(path), "a readable JSON file", f"one that is not ({error})")


def _read_config(path: Path, kind: type, values: Mapping[str, Any]) -> Any:
    try:
        return from_dict(kind, values)
    except InputError as error:
        raise InputError(f"In {path}: {error} It may come from another version of intarsia.") from error


def recorded_name(cls: type) -> str:
    """How a method is named in files: its own name where it ships, else `module:Class`.

    Example:
        >>> from intarsia.methods import PanopticFpn
        >>> recorded_name(PanopticFpn)
        'PanopticFpn'
    """
    return cls.__name__ if _ships(cls) else f"{cls.__module__}:{cls.__name__}"


def _class_of(name: str, methods: Mapping[str, Any], path: Path) -> Any:
    """The one of the classes that a model is of; a stranger's module may be imported under another name."""
    for cls in methods.values():
        if name == recorded_name(cls) or (not _ships(cls) and name.rpartition(":")[2] == cls.__name__):
            return cls
    hint = nearest(name, methods)
    if ":" in name:
        hint = f"If its file is yours or one that you trust: --method FILE.py:{name.rpartition(':')[2]}."
    return fail(str(path), f"a model of {' or '.join(methods)}", repr(name), hint=hint)


def _ships(cls: type) -> bool:
    return cls.__module__.startswith("intarsia.")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a safetensors file by their names.

    Raises:
        ValueError: It is missing, or broken.
    """
    try:
        return load_file(path)
    except FileNotFoundError:
        return fail(str(path), "a file of a saved model", "no such file")
    except (OSError, SafetensorError) as error:
        return fail(str(path), "a whole safetensors file", f"one that is not ({error})")


def _fill(model: torch.nn.Module, tensors: Mapping[str, Tensor], path: Path) -> None:
    own = model.state_dict()
    for name, tensor in own.items():
        if name not in tensors:
            fail(str(path), "the weights of the model in config.json", f"no tensor `{name}`")
        if tensors[name].shape != tensor.shape:
            wanted = f"the weights of the model in config.json: `{name}` of shape {tuple(tensor.shape)}"
            fail(str(path), wanted, tuple(tensors[name].shape))
    if extra := sorted(tensors.keys() - own.keys()):
        fail(str(path), "the weights of the model in config.json", f"a tensor too many, `{extra[0]}`")
    model.load_state_dict(dict(tensors))


def _stored(tensor: Tensor, half: bool) -> Tensor:
    """Only convolution weights lose digits; statistics and biases are few and may be large."""
    tensor = tensor.detach().cpu()
    if half and tensor.is_floating_point() and tensor.ndim == 4:
        tensor = tensor.half()
    return tensor.contiguous().clone()


def _without_pretrained(config: Any) -> Any:
    """The settings without the source of the backbone's weights: a saved model brings its own."""
    backbone = dataclasses.replace(config.backbone, pretrained=False)
    return dataclasses.replace(config, backbone=backbone)


def _write_json(path: Path, content: Any) -> None:
    _write_aside(path, lambda aside: aside.write_text(json.dumps(content, indent=1) + "\n"))


def _write_aside(path: Path, write: Callable[[Path], Any]) -> None:
    partial = path.with_name(path.name + ".partial")
    try:
        write(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
