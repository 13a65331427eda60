"""Losses of one's own beside those of a method: functions named in the recipe, no class to write."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jaxtyping import Float
from torch import Tensor

from intarsia._check import a_kind, counted, fail
from intarsia.data.targets import PanopticTargets
from intarsia.nets.networks import import_named

__all__ = ["OwnLosses"]


class OwnLosses:
    """The losses that a recipe names, each with its weight.

    A loss takes what the method's `forward` returned and the truth of the batch in pixels
    (`intarsia.data.targets.at_grid` brings it to the grid), and returns one value an image or one for all.

    Example:
        >>> own = OwnLosses(["operator:sub"], [0.5])
        >>> own.names
        ('sub',)
    """

    def __init__(self, names: Sequence[str], weights: Sequence[float] = ()) -> None:
        """Import the functions.

        Args:
            names: `file.py:function` or `module:function`.
            weights: One for each; empty: 1 for all.

        Raises:
            ValueError: A name means nothing that can be called, two have one name, or the weights are too few
                or too many.
        """
        if weights and len(weights) != len(names):
            fail("loss_weights", f"{counted(len(names), 'number')}, one a loss, or none", tuple(weights))
        self.functions: dict[str, Callable[..., Any]] = {}
        for name in names:
            function, short = import_named("losses", name), name.rpartition(":")[2]
            if not callable(function):
                fail("losses", "functions", f"{name}, {a_kind(function)}")
            if short in self.functions:
                fail("losses", "functions of different names", f"two of the name {short}")
            self.functions[short] = function
        self.weights = tuple(weights) or (1.0,) * len(names)

    @property
    def names(self) -> tuple[str, ...]:
        """The names under which their values are logged."""
        return tuple(self.functions)

    def terms(
        self, output: Any, targets: PanopticTargets, terms: Mapping[str, Float[Tensor, ""]]
    ) -> dict[str, Float[Tensor, ""]]:
        """The method's terms and the weighted means of one's own.

        Raises:
            ValueError: A loss has the name of one of the method's terms, or returns no tensor.
        """
        joined = dict(terms)
        for (name, function), weight in zip(self.functions.items(), self.weights, strict=True):
            if name in joined:
                fail("losses", f"functions of other names than {', '.join(terms)}", name)
            value = function(output, targets)
            if not isinstance(value, Tensor):
                fail(f"losses ({name})", "a function that returns a tensor", type(value).__name__)
            joined[name] = weight * value.mean()
        return joined
