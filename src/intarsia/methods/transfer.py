"""Starting from a trained model: what fits is taken, and what was left is said."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

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
    head that says "window" in the channel of "nucleus" would be worse than a fresh one. Nothing but tensors
    and names is read, so no code of the model runs.

    Args:
        method: Keeps its settings and gets the weights.
        name_or_folder: As in `load`.

    Returns:
        What was taken and what was left.

    Raises:
        ValueError: There is no such model, its files are broken, or nothing of it fits.

    Example:
        >>> from intarsia.methods.load import load
        >>> transfer = start_from(load("facades"), "facades")
        >>> transfer.fresh, transfer.unused
        ((), ())
    """
    skipped = method.only_training
    with model_folder(name_or_folder) as folder:
        tensors, other = read_tensors(folder.weights), folder.categories()
    stored = {name: tensor for name, tensor in tensors.items() if not name.startswith(skipped)}
    own = {name: tensor for name, tensor in method.state_dict().items() if not name.startswith(skipped)}
    counts = _counts(method.categories, other)
    fitting = [name for name in own if name in stored and _fits(name, own[name], stored[name], counts)]
    weights = {name for name, parameter in method.named_parameters() if parameter.ndim > 1}
    if not weights.intersection(fitting):
        expected = f"a model of which something fits this {type(method).__name__}"
        fail("initial", expected, f"{name_or_folder}, of which nothing does")
    with torch.no_grad():
        for name in fitting:
            own[name].copy_(stored[name])
    fresh = tuple(name for name in own if name not in fitting)
    return Transfer(
        name_or_folder, tuple(fitting), fresh, tuple(name for name in stored if name not in fitting)
    )


def _fits(name: str, own: Tensor, stored: Tensor, counts: set[int]) -> bool:
    of_categories = not name.startswith("backbone.") and bool(set(own.shape) & counts)
    return own.shape == stored.shape and not of_categories


def _counts(own: Categories, other: Categories) -> set[int]:
    """How long a side of a tensor may be that is of categories, where they differ."""
    if [(c.name, c.is_thing) for c in own] == [(c.name, c.is_thing) for c in other]:
        return set()
    return {len(own), len(other)}


def _parts(names: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(name.partition(".")[0] for name in names)) or "none"
