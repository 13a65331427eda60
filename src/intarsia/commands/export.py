"""The command that exports a model's network, so that it predicts without torch."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from intarsia._check import fail
from intarsia._extras import needing_torch

__all__ = ["export"]


def export(
    model: Annotated[str, tyro.conf.Positional],
    out: Annotated[str | None, tyro.conf.Positional] = None,
    *,
    method: str = "",
) -> Path:
    """Write `model.onnx` for a model that has none, checked against torch on three sizes before it is kept.

    Args:
        model: A folder with a saved model, the name of a shipped one, or "owner/name" on the hub.
        out: The folder to write the whole model into; by default the model's own.
        method: Where the model is of a method that does not ship, its class as `file.py:Class`. That code is
            imported, so it must be yours or of someone you trust.

    Returns:
        The folder.

    Raises:
        ValueError: torch is not installed, there is no such model, or it cannot be exported exactly.
    """
    with needing_torch("export"):
        from intarsia.methods.load import load

    if out is None and not Path(model).is_dir():
        fail("out", "given for a model that is in no folder of yours", f"none for {model!r}")
    folder = Path(out or model)
    load(model, method=method).save(folder, export=True)
    size = (folder / "model.onnx").stat().st_size
    print(f"{folder}/model.onnx: {size / 1e6:.1f} MB, the same as torch on three sizes")
    return folder
