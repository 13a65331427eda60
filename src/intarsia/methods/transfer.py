"""Starting from a trained model: what fits is taken, and what was left is said."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from intarsia._check import counted, fail
from intarsia.methods.method import AbstractMethod
from intarsia.methods.model_folder import read_tensors
from intarsia.panoptic import Categories
from intarsia.runtime.find import model_folder

__all__ = ["Transfer", "start_from"]


@dataclass(frozen=True)
class Transfer:
    """What a method took from a trained model.

    Attributes:
        source: The model, as it was named.
        taken: Names of the tensors that it has from there.
        fresh: Names of its tensors that start as they were built.
        unused: Names of the model's tensors that it has no place for.

    Example:
        >>> print(Transfer("run/best", ("backbone.a", "head.b"), ("head.c",), ()))
        Starts from run/best: 2 of 3 tensors taken (backbone, head); fresh: head.
    """

    source: str
    taken: tuple[str, ...]
    fresh: tuple[str, ...]
    unused: tuple[str, ...]

    def __str__(self) -> str:
        """One sentence, with the parts of the networks by name."""
        count = f"{len(self.taken)} of {counted(len(self.taken) + len(self.fresh), 'tensor')} taken"
        parts = [f"Starts from {self.source}: {count} ({_parts(self.taken)})"]
        if self.fresh:
            parts.append(f"fresh: {_parts(self.fresh)}")
        if self.unused:
            parts.append(f"not used: {_parts(self.unused)}")
        return "; ".join(parts) + "."


def start_from(method: AbstractMethod, name_or_folder: str) -> Transfer:
    """Give a method the weights of a trained model that have the same names and shapes.

    The model may be of another method, have other heads, or tell other categories apart. Between other
    categories no tensor outside of the backbone is taken that has a side as long as there are categories: a
    head that says "window" in the channel of "nucleus" would be worse than a fresh one. What stands
    beside weights in a layer, such as a bias, is taken with them or not at all. Nothing but tensors and names
    is read, so no code of the model runs.

    Args:
        method: Keeps its settings and gets the weights.
        name_or_folder: As in `load`.

    Returns:
        What was taken and what was left.

    Raises:
        ValueError: There is no such model, its files are broken, or nothing of it fits: then the run would
            begin with other weights than it says. Between two backbones the sentence names both.

    Example:
        >>> from intarsia.methods.load import load
        >>> transfer = start_from(load("facades"), "facades")
        >>> transfer.fresh, transfer.unused
        ((), ())
    """
    prefixes = method.only_training
    with model_folder(name_or_folder) as folder:
        tensors, other, settings = read_tensors(folder.weights), folder.categories(), folder.settings()
    source_tensors = {name: tensor for name, tensor in tensors.items() if not name.startswith(prefixes)}
    own = {name: tensor for name, tensor in method.state_dict().items() if not name.startswith(prefixes)}
    # what has the same name and shape, and means the same
    counts = _counts(method.categories, other)
    alike = {
        name
        for name in own
        if name in source_tensors and _fits(name, own[name], source_tensors[name], counts)
    }
    misfits = own.keys() - alike  # a bias, or the statistics of a norm, are left with the weights beside them
    fitting = [name for name in own if name in alike and _weight_beside(name) not in misfits]
    # a start of which only biases or statistics fit is none
    weights = {name for name, parameter in method.named_parameters() if parameter.ndim > 1}
    if not weights.intersection(fitting):
        _refuse_start(method, name_or_folder, settings)
    with torch.no_grad():
        for name in fitting:
            own[name].copy_(source_tensors[name])
    fresh = tuple(name for name in own if name not in fitting)
    return Transfer(
        name_or_folder, tuple(fitting), fresh, tuple(name for name in source_tensors if name not in fitting)
    )


def _refuse_start(method: AbstractMethod, source: str, settings: Mapping[str, Any]) -> NoReturn:
    """Say that nothing fits, and where it is for the backbone, which would."""
    own = getattr(getattr(method.config, "backbone", None), "name", None)
    other = _backbone_name(settings)
    expected, got, hint = f"a model of which something fits this {type(method).__name__}", source, ""
    if own is not None and other and own != other:
        expected, got = f"{expected}, on {own}", f"{source}, on {other}"
        hint = f"With method.backbone.name={other} its backbone is taken."
    fail("initial", expected, f"{got}, of which nothing does", hint=hint)


def _backbone_name(settings: Mapping[str, Any]) -> str:
    """Of the model's backbone; empty where its method has none by that name."""
    value: Any = settings
    for key in ("settings", "backbone", "name"):
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def _fits(name: str, own: Tensor, stored: Tensor, counts: set[int]) -> bool:
    of_categories = not name.startswith("backbone.") and bool(set(own.shape) & counts)
    return own.shape == stored.shape and not of_categories


def _weight_beside(name: str) -> str:
    """The name that the weights of a tensor's layer have, if they have one."""
    return f"{name.rpartition('.')[0]}.weight"


def _counts(own: Categories, other: Categories) -> set[int]:
    """How long a side of a tensor may be that is of categories, where they differ."""
    if [(c.name, c.is_thing) for c in own] == [(c.name, c.is_thing) for c in other]:
        return set()
    return {len(own), len(other)}


def _parts(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(name.partition(".")[0] for name in names)) or "none"
