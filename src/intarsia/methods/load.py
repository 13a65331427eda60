"""A model by its name: shipped with the package, in a folder, or on the hub."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from intarsia._check import fail, nearest
from intarsia.methods.combinatorial import CombinatorialPanoptic
from intarsia.methods.discriminative import DiscriminativeEmbedding
from intarsia.methods.hierarchical import HierarchicalEmbedding
from intarsia.methods.kept_memory import kept_memory
from intarsia.methods.method import AbstractMethod
from intarsia.methods.model_folder import read_model
from intarsia.methods.panoptic_deeplab import PanopticDeepLab
from intarsia.methods.panoptic_fpn import PanopticFpn
from intarsia.methods.torch_model import as_model
from intarsia.methods.unified import UnifiedPanoptic
from intarsia.nets.folding import fold_norms
from intarsia.nets.networks import import_named
from intarsia.runtime.find import model_folder
from intarsia.runtime.model import Model
from intarsia.runtime.model_files import ModelFolder

__all__ = ["METHODS", "load", "method_class", "open_model"]

METHODS: dict[str, type[AbstractMethod]] = {
    "CombinatorialPanoptic": CombinatorialPanoptic,
    "DiscriminativeEmbedding": DiscriminativeEmbedding,
    "HierarchicalEmbedding": HierarchicalEmbedding,
    "PanopticDeepLab": PanopticDeepLab,
    "PanopticFpn": PanopticFpn,
    "UnifiedPanoptic": UnifiedPanoptic,
}
"""The methods that a saved model may be of."""


def load(name_or_folder: str | Path, *, method: str = "") -> AbstractMethod:
    """A trained method, to train further or to look into; `intarsia.load` is for prediction.

    Args:
        name_or_folder: The name of a model that ships with the package, a folder that `save` wrote, or
            "owner/name" on the Hugging Face hub where no such folder exists.
        method: Where the model is of a method that does not ship, its class as `file.py:Class` or
            `module:Class`. That code is imported, so it must be yours or of someone you trust.

    Raises:
        ValueError: There is no such model, its files are broken or of another version, or it is of a method
            that does not ship and `method` does not name it.
    """
    with model_folder(name_or_folder) as folder:
        return read_model(folder.path, {method: method_class(method)} if method else METHODS)


def open_model(
    folder: ModelFolder, *, method: str, device: str, precision: str, threads: int | None
) -> Model:
    """The model in a folder, its norms folded into the convolutions before them.

    Raises:
        ValueError: As `load`, or there is no GPU where one is asked for.

    Example:
        >>> from intarsia.runtime.find import model_folder
        >>> with model_folder("nuclei") as folder:
        ...     model = open_model(folder, method="", device="cpu", precision="auto", threads=1)
        >>> model.device
        'cpu'
    """
    if device == "cuda" and not torch.cuda.is_available():
        fail("device", "one that torch finds here", "cuda")
    place = "cuda" if device != "cpu" and torch.cuda.is_available() else "cpu"
    network = fold_norms(load(folder.path, method=method)).to(place)

    @contextmanager
    def context() -> Iterator[None]:
        half = torch.autocast(place, torch.bfloat16) if precision == "bfloat16" else nullcontext()
        with half, kept_memory() if place == "cpu" else nullcontext():
            yield

    return as_model(network, context=context, threads=threads, intake=network.intake)


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
    cls = import_named("method", name)
    if not (isinstance(cls, type) and issubclass(cls, AbstractMethod)):
        fail("method", "a subclass of intarsia.methods.method.AbstractMethod", name)
    return cls
