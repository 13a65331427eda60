"""Intarsia: panoptic segmentation, bottom-up and trained end to end.

Each command of the command line is a function here with the same name and parameters; `cut`, `recipes`
and `serve` are packages, too. They are imported on first use, so that the parts below torch start at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from intarsia._extras import needing_torch
from intarsia._version import __version__ as __version__

if TYPE_CHECKING:
    from intarsia.commands.ablate import ablate
    from intarsia.commands.bench import bench
    from intarsia.commands.convert import convert
    from intarsia.commands.cut import cut
    from intarsia.commands.evaluate import evaluate
    from intarsia.commands.explain import explain
    from intarsia.commands.export import export
    from intarsia.commands.inspect import inspect
    from intarsia.commands.predict import predict
    from intarsia.commands.recipes import list_recipes as recipes
    from intarsia.commands.train import train
    from intarsia.errors import InputError, PartialFailure
    from intarsia.panoptic import Categories, Category, PanopticMap, Segment
    from intarsia.runtime.loading import load
    from intarsia.serve.start import serve

_HOMES = {
    "Categories": "intarsia.panoptic",
    "Category": "intarsia.panoptic",
    "InputError": "intarsia.errors",
    "PanopticMap": "intarsia.panoptic",
    "PartialFailure": "intarsia.errors",
    "Segment": "intarsia.panoptic",
    "ablate": "intarsia.commands.ablate",
    "bench": "intarsia.commands.bench",
    "convert": "intarsia.commands.convert",
    "evaluate": "intarsia.commands.evaluate",
    "explain": "intarsia.commands.explain",
    "export": "intarsia.commands.export",
    "inspect": "intarsia.commands.inspect",
    "load": "intarsia.runtime.loading",
    "predict": "intarsia.commands.predict",
    "train": "intarsia.commands.train",
}

__all__ = [
    "Categories",
    "Category",
    "InputError",
    "PanopticMap",
    "PartialFailure",
    "Segment",
    "ablate",
    "bench",
    "convert",
    "cut",
    "evaluate",
    "explain",
    "export",
    "inspect",
    "load",
    "predict",
    "recipes",
    "serve",
    "train",
]


def __getattr__(name: str) -> Any:
    if name in ("cut", "recipes", "serve"):
        return importlib.import_module(f"intarsia.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'intarsia' has no attribute {name!r}")
    with needing_torch(f"intarsia.{name}"):
        return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
