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

__all__ = ["METHODS", "load", "shipped_models", "start_from"]

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


def load(name_or_folder: str | Path) -> AbstractMethod:
    """A trained model, ready to predict.

    Args:
        name_or_folder: The name of a model that ships with the package, a folder that `save` wrote, or
            "owner/name" on the Hugging Face hub where no such folder exists.

    Raises:
        ValueError: There is no such model, or its files are broken or of another version.
    """
    name = str(name_or_folder)
    if name in shipped_models():
        with resources.as_file(resources.files("intarsia") / "models" / name) as folder:
            return read_model(folder, METHODS)
    if Path(name_or_folder).is_dir():
        return read_model(Path(name_or_folder), METHODS)
    if isinstance(name_or_folder, str) and re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        return read_model(_downloaded(name), METHODS)
    shipped = shipped_models()
    hint = nearest(name, shipped) if shipped else ""
    return fail("model", "the name of a shipped model or a folder with a saved one", repr(name), hint=hint)


def start_from(method: AbstractMethod, name_or_folder: str) -> None:
    """Give a method the weights of a trained model that is built alike, to train it further.

    Args:
        method: Keeps its settings and gets the weights.
        name_or_folder: As in `load`.

    Raises:
        ValueError: There is no such model, or it tells other categories apart or is built otherwise.

    Example:
        >>> import copy
        >>> shipped = load("facades")
        >>> start_from(copy.deepcopy(shipped), "facades")
    """
    trained = load(name_or_folder)
    if list(trained.categories) != list(method.categories):
        fail("initial", "a model of the data set's categories", ", ".join(trained.categories.names))
    own, given = method.state_dict(), trained.state_dict()
    mine = method.only_training
    given = {name: own[name] for name in own if name.startswith(mine)} | {
        name: given[name] for name in given if not name.startswith(mine)
    }
    other = [name for name in own | given if name not in own or name not in given]
    other += [name for name in own if name not in other and own[name].shape != given[name].shape]
    if type(trained) is not type(method) or other:
        got = f"{type(trained).__name__} that differs in {other[0] if other else 'its method'}"
        fail("initial", f"a {type(method).__name__} built like `method`", got)
    method.load_state_dict(given)


def _downloaded(name: str) -> Path:
    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors"]))
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return fail("model", "a folder, or a model on the hub that can be reached", f"{name!r} ({reason})")
