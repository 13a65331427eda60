"""What a command line of training asks for: a new run or one to continue. What is wrong is refused here."""

from __future__ import annotations

import dataclasses
import datetime
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from intarsia._check import fail
from intarsia.configs import override
from intarsia.data.dataset import PanopticDataset
from intarsia.data.learnable import check_learnable
from intarsia.engine.run_folder import RECIPE_FILE, load_recipe
from intarsia.methods.load import METHODS, method_class
from intarsia.methods.method import AbstractMethod
from intarsia.recipes.find import find_recipe
from intarsia.recipes.recipe import Recipe

__all__ = ["RunRequest", "method_class_of", "resolve_run"]

_CODE = re.compile(r"[\w./\\ -]+:[A-Za-z_]\w*")


@dataclass(frozen=True)
class RunRequest:
    """A run before anything of it is written.

    Attributes:
        name: The recipe's name, or its file and function.
        tree: The resolved recipe.
        method_class: What is trained.
        folder: Of the run.
        is_new: Whether the folder shall have no run yet.
    """

    name: str
    tree: Recipe
    method_class: type[AbstractMethod]
    folder: Path
    is_new: bool


def resolve_run(recipe: str, overrides: tuple[str, ...], *, out: str = "", method: str = "") -> RunRequest:
    """The whole tree, the method and the folder of a new run, or of one to continue.

    Args:
        recipe: A recipe's name or function, or the folder of a run.
        overrides: Leaves of the tree.
        out: The folder of a new run.
        method: The class of a method that does not ship, as `file.py:Class`.

    Raises:
        ValueError: The recipe, a key, the method or the data set is wrong, or the run to continue names code
            that the user does not name.
    """
    is_new = not (Path(recipe) / RECIPE_FILE).is_file()
    if is_new and Path(recipe).is_dir():
        fail("recipe", "a recipe's name or the folder of a run", f"a folder without {RECIPE_FILE}: {recipe}")
    # a new run begins with a recipe, an old one goes on from its own folder
    if is_new:
        tree = override(find_recipe(recipe), overrides)
        cls = method_class(method) if method else method_class_of(tree.method)
        if not isinstance(tree.method, cls.config_type):
            fail("method", f"a class of the recipe's settings, {type(tree.method).__name__}", method)
        name, folder = _absolute(recipe), Path(out or _folder_of(recipe))
    else:
        folder = Path(recipe)
        name, cls, saved = load_recipe(folder, stranger=method_class(method) if method else None)
        tree = override(saved, overrides)
        _refuse_unnamed_code(folder, tree, overrides)
    # code by its absolute path, so that the run goes on from any folder
    tree = _with_absolute_code(tree)
    if not tree.data:
        fail("data", "a data set folder", "none", hint="Add data=DIR.")
    # what cannot be learned from is refused before the first step
    data = PanopticDataset(tree.data, split="train", channel=tree.channel, page=tree.page)
    remark = check_learnable(data)
    if remark:
        print(remark)
    return RunRequest(name, tree, cls, folder, is_new)


def method_class_of(config: Any) -> type[AbstractMethod]:
    """The method whose settings these are: one of ours, or of a stranger in whose file the two stand.

    Raises:
        ValueError: There is none in that file.

    Example:
        >>> from intarsia.methods.panoptic_fpn import PanopticFpnConfig
        >>> method_class_of(PanopticFpnConfig()).__name__
        'PanopticFpn'
    """
    for value in (*METHODS.values(), *vars(sys.modules[type(config).__module__]).values()):
        is_method = isinstance(value, type) and issubclass(value, AbstractMethod)
        if is_method and getattr(value, "config_type", None) is type(config):
            return value
    return fail("method", "the config of a method, from the file of the method", type(config).__name__)


def _folder_of(recipe: str) -> str:
    return f"runs/{recipe.rpartition(':')[2]}-{datetime.datetime.now():%Y%m%d-%H%M%S}"


def _refuse_unnamed_code(folder: Path, tree: Recipe, overrides: tuple[str, ...]) -> None:
    """A run's folder may come from someone else: what code it runs the user must say anew."""
    named = {_absolute(part.strip()) for text in overrides for part in text.partition("=")[2].split(",")}
    for key, text in _code_in(tree):
        if _absolute(text) not in named:
            hint = f"If you trust that code, name it again: {key}={text}."
            fail(str(folder), "a run without code of its own", f"{key} {text}", hint=hint)


def _code_in(tree: Any, prefix: str = "") -> Iterator[tuple[str, str]]:
    """The leaves that name code, with their paths."""
    if dataclasses.is_dataclass(tree):
        for field in dataclasses.fields(tree):
            yield from _code_in(getattr(tree, field.name), f"{prefix}.{field.name}".lstrip("."))
    elif isinstance(tree, tuple):
        for item in tree:
            yield from _code_in(item, prefix)
    elif isinstance(tree, str) and prefix.rpartition(".")[2] in ("losses", "name") and _CODE.fullmatch(tree):
        yield prefix, tree


def _with_absolute_code(tree: Recipe) -> Recipe:
    """The same with files of code by their whole paths, so that the run goes on from any folder."""
    backbone = getattr(tree.method, "backbone", None)
    method = tree.method
    if backbone is not None and ":" in backbone.name:
        method = dataclasses.replace(
            method, backbone=dataclasses.replace(backbone, name=_absolute(backbone.name))
        )
    return dataclasses.replace(tree, method=method, losses=tuple(map(_absolute, tree.losses)))


def _absolute(name: str) -> str:
    """`file.py:function` with the file's whole path; other names as they are."""
    module, colon, attribute = name.partition(":")
    return f"{Path(module).resolve()}:{attribute}" if colon and module.endswith(".py") else name
