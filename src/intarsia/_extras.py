"""What needs an extra says which, instead of that a module is missing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from intarsia._check import fail

__all__ = ["needing_torch"]

_NETWORKS = {"torch", "torchvision", "timm", "accelerate", "safetensors"}
_OF_TRAIN = frozenset(_NETWORKS | {"tensorboard", "matplotlib", "onnx", "onnxscript"})


@contextmanager
def needing_torch(name: str) -> Iterator[None]:
    """Turn the absence of a package of the extra `train` into one sentence.

    Args:
        name: What needs it.

    Raises:
        ValueError: One of the packages is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _OF_TRAIN:
            raise
        fail(
            name,
            "run where the extra `train` is installed",
            f"no {error.name}",
            hint="pip install 'intarsia[train]'",
        )
