"""A model on disk: `model.safetensors`, `config.json` and `categories.json` in one folder."""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from intarsia._check import fail, nearest
from intarsia._files import whole
from intarsia._version import __version__
from intarsia.configs import from_dict, to_dict
from intarsia.errors import InputError
from intarsia.methods.trainable import AbstractTrainable
from intarsia.nets.networks import shipped_networks_only
from intarsia.pictures.intake import AS_IT_IS
from intarsia.runtime.model_files import FORMAT, ModelFolder
from intarsia.runtime.spec import spec_to_dict

__all__ = ["read_model", "read_tensors", "recorded_name", "write_model"]


def write_model(model: AbstractTrainable, folder: Path, *, half: bool, export: bool = False) -> None:
    """Write a method's files; each appears under its name only when it is whole.

    A `model.onnx` that is there and not written anew would be of other weights: it is removed.

    Raises:
        ValueError: The folder cannot be written.
    """
    settings = {
        "format": FORMAT,
        "intarsia": __version__,
        "method": recorded_name(type(model)),
        "settings": to_dict(_without_pretrained(model.config)),
        "diameter_px": model.diameter_px,
    }
    if model.intake != AS_IT_IS:
        settings["intake"] = to_dict(model.intake)
    files = ModelFolder(folder)
    # an exported network has the weights of the file for training, as float16 numbers
    if export:
        from intarsia.methods import onnx_export  # takes a second

        onnx_export.refuse_export(model)
        model = onnx_export.round_weights(copy.deepcopy(model))
        settings["prediction"] = spec_to_dict(model.network_spec, model.map_decoder)
    tensors = {name: _as_stored(tensor, half or export) for name, tensor in model.state_dict().items()}
    # the old network goes first, so that no moment has one that is not of the weights beside it
    try:
        folder.mkdir(parents=True, exist_ok=True)
        files.network.unlink(missing_ok=True)
        with whole(files.weights) as partial:
            partial.write_bytes(save(tensors))
        _write_json(folder / "categories.json", model.categories.to_coco())
        _write_json(folder / "config.json", settings)
        if export:
            onnx_export.export_network(model, files.network)  # pyright: ignore[reportPossiblyUnboundVariable]
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
    files = ModelFolder(folder)
    settings = files.settings()
    cls = _class_of(str(settings.get("method")), methods, folder / "config.json")
    config = _read_config(folder / "config.json", cls.config_type, settings.get("settings", {}))
    categories = files.categories()
    with shipped_networks_only() if _ships(cls) else contextlib.nullcontext():
        model = cls(config, categories)
    model.diameter_px = settings.get("diameter_px")
    model.intake = files.intake()
    _fill(model, read_tensors(files.weights), files.weights)
    return model.eval()


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
            expected = f"the weights of the model in config.json: `{name}` of shape {tuple(tensor.shape)}"
            fail(str(path), expected, tuple(tensors[name].shape))
    if extra := sorted(tensors.keys() - own.keys()):
        fail(str(path), "the weights of the model in config.json", f"a tensor too many, `{extra[0]}`")
    model.load_state_dict(dict(tensors))


def _as_stored(tensor: Tensor, half: bool) -> Tensor:
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
    with whole(path) as partial:
        partial.write_text(json.dumps(content, indent=1) + "\n")
