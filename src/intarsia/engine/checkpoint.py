"""The state of a run on disk: everything that the next step depends on, written whole or not at all."""

from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import torch

from intarsia._check import fail
from intarsia._files import whole
from intarsia._version import __version__

FORMAT = 1


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write tensors and plain values; the old file stays until the new one is complete."""
    with whole(path) as partial:
        torch.save({"format": FORMAT, "version": __version__, **state}, partial)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read what `save_checkpoint` wrote; nothing but tensors and plain values is unpickled.

    Raises:
        ValueError: The file is broken, or was written by a version with another format.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile) as error:
        fail(str(path), "a complete checkpoint", str(error).splitlines()[0])
    if not isinstance(state, dict) or state.get("format") != FORMAT:
        version = state.get("format") if isinstance(state, dict) else type(state).__name__
        fail(str(path), f"a checkpoint of format {FORMAT}", f"format {version}", hint="Start a new run.")
    return state
