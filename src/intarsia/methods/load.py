"""A model by its name: shipped with the package, in a folder, or on the hub."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from huggingface_hub import snapshot_download

from intarsia._check import fail, nearest
from intarsia.methods.combinatorial import CombinatorialPanoptic
from intarsia.methods.discriminative import DiscriminativeEmbedding
from intarsia.methods.hierarchical import HierarchicalEmbedding
from intarsia.methods.method import AbstractMethod
from intarsia.methods.model_folder import read_model
from intarsia.methods.panoptic_deeplab import PanopticDeepLab
from intarsia.methods.panoptic_fpn import PanopticFpn
from intarsia.methods.unified import UnifiedPanoptic
from intarsia.nets.networks import imported

__all__ = ["METHODS", "downloaded", "load", "method_class", "shipped_models"]

METHODS: dict[str, type[AbstractMethod]] = {
    "CombinatorialPanoptic": CombinatorialPanoptic,
    "DiscriminativeEmbedding": DiscriminativeEmbedding,
    "HierarchicalEmbedding": HierarchicalEmbedding,
    "PanopticDeepLab": PanopticDeepLab,
    "PanopticFpn": PanopticFpn,
    "UnifiedPanoptic": UnifiedPanoptic,
}
"""The methods that a saved model may be of."""


def shipped_models() -> list[str]:
    """The names of the models inside the package."""
    models = resources.files("intarsia") / "models"
    return sorted(one.name for one in models.iterdir() if one.is_dir()) if models.is_dir() else []


def load(name_or_folder: str | Path, *, method: str = "") -> AbstractMethod:
    """A trained model, ready to predict.

    Args:
        name_or_folder: The name of a model that ships with the package, a folder that `save` wrote, or
            "owner/name" on the Hugging Face hub where no such folder exists.
        method: Where the model is of a method that does not ship, its class as `file.py:Class` or
            `module:Class`. That code is imported, so it must be yours or of someone you trust.

    Raises:
        ValueError: There is no such model, its files are broken or of another version, or it is of a method
            that does not ship and `method` does not name it.
    """
    name = str(name_or_folder)
    methods = {method: method_class(method)} if method else METHODS
    if name in shipped_models():
        with resources.as_file(resources.files("intarsia") / "models" / name) as folder:
            return read_model(folder, methods)
    if Path(name_or_folder).is_dir():
        return read_model(Path(name_or_folder), methods)
    if isinstance(name_or_folder, str) and re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        return read_model(downloaded(name), methods)
    shipped = shipped_models()
    hint = nearest(name, shipped) if shipped else ""
    return fail("model", "the name of a shipped model or a folder with a saved one", repr(name), hint=hint)


def method_class(name: str) -> type[AbstractMethod]:
    """A method by its name, or anybody's as `module:Class` or `file.py:Class`, which is then imported.

    Raises:
        ValueError: There is no such method, or what the name means is none.

    Example:
        >>> method_class("PanopticFpn").__name__
        'PanopticFpn'
    """
    if ":" not in name:
        if name not in METHODS:
            fail("method", "one that ships, or file.py:Class", repr(name), hint=nearest(name, METHODS))
        return METHODS[name]
    cls = imported("method", name)
    if not (isinstance(cls, type) and issubclass(cls, AbstractMethod)):
        fail("method", "a subclass of intarsia.methods.method.AbstractMethod", name)
    return cls


def downloaded(name: str) -> Path:
    """The folder of a model on the hub, fetched if it is not there.

    Raises:
        ValueError: It cannot be had.

    Example:
        >>> downloaded("/no/folder")
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `model` must be a folder, or "owner/name" on the hub, got '/no/folder'.
    """
    if not re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        fail("model", 'a folder, or "owner/name" on the hub', repr(name))
    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors"]))
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return fail("model", "a folder, or a model on the hub that can be reached", f"{name!r} ({reason})")
