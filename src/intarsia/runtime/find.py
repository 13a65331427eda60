"""Where a model is: shipped with the package, in a folder, or on the hub."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources
from pathlib import Path

from intarsia._check import fail, nearest
from intarsia.runtime.model_files import ModelFolder

__all__ = ["model_folder", "models_that_run_here", "shipped_models"]

_LONGEST = 300


def shipped_models() -> list[str]:
    """The names of the models inside the package.

    Example:
        >>> "facades" in shipped_models()
        True
    """
    models = resources.files("intarsia") / "models"
    return sorted(entry.name for entry in models.iterdir() if entry.is_dir()) if models.is_dir() else []


def models_that_run_here() -> list[str]:
    """The names of the shipped models without those that need torch where there is none.

    Example:
        >>> set(models_that_run_here()) <= set(shipped_models())
        True
    """
    if importlib.util.find_spec("torch") is not None:
        return shipped_models()
    models = resources.files("intarsia") / "models"
    return [name for name in shipped_models() if (models / name / "model.onnx").is_file()]


@contextmanager
def model_folder(name_or_folder: str | os.PathLike[str]) -> Iterator[ModelFolder]:
    """The folder of a model, for as long as it is read.

    Args:
        name_or_folder: The name of a model that ships with the package, a folder with a saved one, or
            "owner/name" on the Hugging Face hub where no such folder exists.

    Raises:
        ValueError: There is no such model.
    """
    name = os.fspath(name_or_folder)
    if len(name) > _LONGEST:
        fail("model", "the name of a shipped model or a folder with a saved one", f"{len(name)} characters")
    if name in shipped_models():
        with resources.as_file(resources.files("intarsia") / "models" / name) as folder:
            yield ModelFolder(folder)
    elif name and Path(name).is_dir():
        yield ModelFolder(Path(name))
    elif isinstance(name_or_folder, str) and re.fullmatch(r"[\w-][\w.-]*/[\w-][\w.-]*", name):
        yield ModelFolder(_download(name))
    else:
        hint = nearest(name, shipped_models())
        fail("model", "the name of a shipped model or a folder with a saved one", repr(name), hint=hint)


def _download(name: str) -> Path:
    from huggingface_hub import snapshot_download  # takes a third of a second

    try:
        return Path(snapshot_download(name, allow_patterns=["*.json", "*.safetensors", "*.onnx"]))
    except Exception as error:  # the hub's client lets through almost anything
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        return fail("model", "a folder, or a model on the hub that can be reached", f"{name!r} ({reason})")
