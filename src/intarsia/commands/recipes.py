"""The recipes that ship, each with the first line of what it says about itself."""

from __future__ import annotations

import importlib


def list_recipes() -> None:
    """Print the recipes of `train` and the studies of `ablate`, each with one line on it."""
    from intarsia.recipes.find import RECIPES, STUDIES  # with torch, which takes seconds

    for title, shipped in (("recipes", RECIPES), ("studies", STUDIES)):
        print(f"{title}:")
        for name, target in shipped.items():
            print(f"  {name:<30} {_first_line(target)}")


def _first_line(target: str) -> str:
    module, _, function = target.partition(":")
    doc = getattr(importlib.import_module(module), function).__doc__ or ""
    return doc.strip().splitlines()[0]
