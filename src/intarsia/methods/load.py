"""A model by its name: shipped with the package, in a folder, or on the hub."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path

from huggingface_hub import snapshot_download

from intarsia._check import fail, nearest
from intarsia.methods.discriminative import DiscriminativeEmbedding
from intarsia.methods.method import AbstractMethod
from intarsia.methods.model_folder import read_model
from intarsia.methods.panoptic_deeplab import PanopticDeepLab

__all__ = ["METHODS", "load", "shipped_models"]

METHODS: dict[str, type[AbstractMethod]] = {
    "DiscriminativeEmbedding": DiscriminativeEmbedding,
    "PanopticDeepLab": PanopticDeepLab,
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


def _downloaded(name: str) -> Path:
    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors"]))
    except Exception as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return fail("model", "a folder, or a model on the hub that can be reached", f"{name!r} ({reason})")
