"""`intarsia.load`: a model by its name, run by the best that is installed."""

from __future__ import annotations

import importlib
import importlib.util
import os
import shutil
from typing import Literal, get_args

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.runtime.find import model_folder
from intarsia.runtime.model import Model
from intarsia.runtime.model_files import ModelFolder
from intarsia.runtime.network import AbstractNetwork
from intarsia.runtime.onnx_network import OnnxNetwork
from intarsia.runtime.openvino_network import OpenVinoNetwork
from intarsia.runtime.spec import spec_from_dict

__all__ = ["Backend", "Device", "Precision", "load"]

Backend = Literal["onnxruntime", "openvino", "torch"]
Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "float32", "bfloat16"]

_WITH_TORCH = "intarsia.methods.load"
"""What runs a model by torch. Above this floor, and imported by its name only where torch is wanted."""


def load(
    name_or_folder: str | os.PathLike[str],
    *,
    backend: Backend | None = None,
    device: Device = "auto",
    precision: Precision = "auto",
    threads: int | None = None,
    method: str = "",
) -> Model:
    """A trained model, ready to predict.

    Args:
        name_or_folder: The name of a model that ships with the package, a folder that training wrote, or
            "owner/name" on the Hugging Face hub where no such folder exists.
        backend: What runs the network. None takes torch where it is installed and finds a GPU, else
            onnxruntime, and torch again for a model without `model.onnx`.
        device: "auto" is a GPU with torch where there is one, else the CPU.
        precision: "auto" is float32. "bfloat16" is for OpenVINO and for torch.
        threads: How many the network computes with; None leaves it to the backend.
        method: Where the model is of a method that does not ship, its class as `file.py:Class` or
            `module:Class`. That code is imported, so it must be yours or of someone you trust; needs torch.

    Raises:
        ValueError: There is no such model, its files are broken or of another version, or the backend is not
            installed or cannot do what is asked for.

    Example:
        >>> load("nuclei").categories.names
        ('nucleus', 'background')
    """
    for name, value, choices in (
        ("backend", backend or "torch", get_args(Backend)),
        ("device", device, get_args(Device)),
        ("precision", precision, get_args(Precision)),
    ):
        if value not in choices:
            fail(name, "one of " + ", ".join(map(repr, choices)), repr(value))
    if threads is not None and (isinstance(threads, bool) or threads < 1):
        fail("threads", "at least 1, or None", threads)
    with model_folder(name_or_folder) as folder:
        runner = backend or ("torch" if method else _best_backend(folder, device))
        if runner == "torch":
            return _load_with_torch(
                folder, method=method, device=device, precision=precision, threads=threads
            )
        return _load_exported(folder, runner, device=device, precision=precision, threads=threads)


def _best_backend(folder: ModelFolder, device: Device) -> Backend:
    if device != "cpu" and _torch_has_gpu():
        return "torch"
    return "onnxruntime" if folder.network.is_file() or not _torch_is_installed() else "torch"


def _torch_is_installed() -> bool:
    try:
        return importlib.util.find_spec("torch") is not None
    except ModuleNotFoundError:  # an import hook may refuse it
        return False


def _torch_has_gpu() -> bool:
    """Imports torch, which takes seconds, only on a machine that shows signs of a GPU."""
    signs = os.path.exists("/proc/driver/nvidia") or shutil.which("nvidia-smi") is not None
    return signs and _torch_is_installed() and importlib.import_module("torch").cuda.is_available()


def _load_exported(
    folder: ModelFolder,
    backend: Literal["onnxruntime", "openvino"],
    *,
    device: Device,
    precision: Precision,
    threads: int | None,
) -> Model:
    prediction, categories = folder.prediction(), folder.categories()
    if prediction is None:
        hint = "Where torch is installed (pip install 'intarsia[train]'), `intarsia export` writes it."
        fail(str(folder.path), "a model with an exported network", "one without model.onnx", hint=hint)
    try:
        spec, decoder = spec_from_dict(prediction)
    except InputError as error:
        raise InputError(f"In {folder.path / 'config.json'}: {error}") from error
    network: AbstractNetwork
    if backend == "openvino":
        if device == "cuda":
            fail("device", '"cpu" or "auto" for openvino', '"cuda"')
        chosen = "float32" if precision == "auto" else precision
        network = OpenVinoNetwork(folder.network, stride=spec.stride, precision=chosen, threads=threads)
    else:
        if precision == "bfloat16":
            fail("precision", '"float32" or "auto" for onnxruntime', '"bfloat16"')
        chosen_device = "cuda" if device == "cuda" else "cpu"
        network = OnnxNetwork(folder.network, stride=spec.stride, device=chosen_device, threads=threads)
    return Model(network, decoder, categories, spec, intake=folder.intake())


def _load_with_torch(
    folder: ModelFolder, *, method: str, device: Device, precision: Precision, threads: int | None
) -> Model:
    if not _torch_is_installed():
        hint = "pip install 'intarsia[train]'"
        fail("backend", "one that is installed", "torch without its package", hint=hint)
    methods = importlib.import_module(_WITH_TORCH)
    return methods.open_model(folder, method=method, device=device, precision=precision, threads=threads)
