"""An exported network whose files are links, as the cache of a hub has them, for what reads only files."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

__all__ = ["one_file"]

WEIGHTS = "model.safetensors"
"""What a `model.onnx` may read its weights from, beside it."""


@contextmanager
def one_file(network: Path) -> Iterator[Path]:
    """The network as a file beside its weights, for as long as it is read.

    onnxruntime and OpenVINO refuse weights that a link leads out of the folder to. Where nothing is a link
    the file is used as it is; else both are copied to a folder that is gone afterwards.

    Args:
        network: The `model.onnx` of a folder with a saved model.

    Raises:
        OSError: The copy cannot be written.

    Example:
        >>> with one_file(Path("model.onnx")) as file:
        ...     print(file)
        model.onnx
    """
    weights = network.with_name(WEIGHTS)
    if not (network.is_symlink() or weights.is_symlink()):
        yield network
        return
    with TemporaryDirectory(prefix="intarsia-", ignore_cleanup_errors=True) as folder:
        for file in (network, weights):
            if file.is_file():
                shutil.copyfile(file, Path(folder) / file.name)
        yield Path(folder) / network.name
