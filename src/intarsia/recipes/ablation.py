"""What an ablation study is: a recipe, and changes of it with the direction that is expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from intarsia._check import fail

__all__ = ["Study", "Variant"]

SAME = 0.01
"""Differences of PQ up to this count as none."""


@dataclass(frozen=True)
class Variant:
    """One change.

    Attributes:
        id: Short name, also of its run folder.
        change: What is different, in words.
        overrides: What is different, as for `intarsia train`.
        expected: A group of PQ and how it should compare with the unchanged recipe's: "things <".
        trained: Whether the change needs a training; otherwise the unchanged model decodes with it.
    """

    id: str
    change: str
    overrides: tuple[str, ...]
    expected: str
    trained: bool = True

    def __post_init__(self) -> None:
        group, _, relation = self.expected.partition(" ")
        if group not in ("all", "things", "stuff") or relation not in ("<", "<=", "="):
            fail("expected", 'a group of PQ and "<", "<=" or "="', repr(self.expected))

    @property
    def group(self) -> Literal["all", "things", "stuff"]:
        """The group of PQ that the expectation is about."""
        return self.expected.partition(" ")[0]  # pyright: ignore[reportReturnType]

    def holds(self, value: float, *, unchanged: float) -> bool:
        """Whether a PQ compares with the unchanged recipe's as expected.

        Example:
            >>> Variant("H2", "no instance level", (), "things <").holds(0.20, unchanged=0.25)
            True
        """
        difference = value - unchanged
        relation = self.expected.partition(" ")[2]
        if relation == "<":
            return difference < -SAME
        return difference <= SAME if relation == "<=" else abs(difference) <= SAME


@dataclass(frozen=True)
class Study:
    """A recipe's name, what all runs change in it, and the variants."""

    recipe: str
    overrides: tuple[str, ...]
    variants: tuple[Variant, ...]

    def __post_init__(self) -> None:
        ids = [variant.id for variant in self.variants]
        if len(set(ids)) < len(ids):
            fail("variants", "of different ids", ", ".join(ids))
