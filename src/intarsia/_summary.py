"""A few lines about a model, for a terminal and for a notebook."""

from __future__ import annotations

import html
from abc import ABC, abstractmethod
from collections.abc import Sequence

from intarsia._check import counted
from intarsia.categories import Categories, Category

__all__ = ["AbstractWithSummary", "summary", "summary_html"]

MOST_NAMES = 8
"""More names would not fit a line."""


class AbstractWithSummary(ABC):
    """What shows itself by a title and what it tells apart."""

    categories: Categories

    @property
    @abstractmethod
    def title(self) -> str:
        """What it is, in a line."""

    def __repr__(self) -> str:
        return summary(self.title, self.categories)

    def _repr_html_(self) -> str:
        """What a notebook shows: each category beside its colour."""
        return summary_html(self.title, self.categories)


def summary(title: str, categories: Categories) -> str:
    """A title and, in a line each, what is told apart.

    Example:
        >>> from intarsia.categories import Category
        >>> print(summary("A model", Categories([Category(1, "cell", True, (9, 9, 9))])))
        A model
          1 thing: cell
          0 stuff: none
    """
    things, stuff = categories.things, categories.stuff
    lines = [
        f"{counted(len(things), 'thing')}: {_names_of(things)}",
        f"{len(stuff)} stuff: {_names_of(stuff)}",
    ]
    return "\n  ".join([title, *lines])


def summary_html(title: str, categories: Categories) -> str:
    """A title and each category beside its colour."""
    return f"<b>{html.escape(title)}</b><br>{categories._repr_html_()}"


def _names_of(rows: Sequence[Category]) -> str:
    names = [row.name for row in rows[:MOST_NAMES]]
    rest = len(rows) - len(names)
    return ", ".join([*names, *([f"{rest} more"] if rest else [])]) or "none"
