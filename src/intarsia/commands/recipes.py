"""The recipes that ship, each with the first line of what it says about itself."""

from __future__ import annotations

import importlib

from intarsia.recipes.find import RECIPES


def list_recipes() -> None:
    """Print each recipe's name and one line on it."""
    for name, target in RECIPES.items():
        module, _, function = target.partition(":")
        doc = getattr(importlib.import_module(module), function).__doc__ or ""
        print(f"{name:<28} {doc.strip().splitlines()[0]}")
