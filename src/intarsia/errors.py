"""What the library raises when the input is at fault; both are also names of `intarsia` itself."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

__all__ = ["InputError", "PartialFailure"]


class InputError(ValueError):
    """A mistake in what the user gave; its text is the one sentence to show, without a traceback.

    Example:
        >>> import intarsia
        >>> try:
        ...     intarsia.Categories.named("facade")
        ... except intarsia.InputError as error:
        ...     print(error)
        `name` must be a known table of categories, got 'facade'. Did you mean `facades`?
    """


class PartialFailure(Exception):  # noqa: N818 - what did not fail is done
    """Some of many inputs were broken and the rest is done: one sentence each, exit code 1.

    Attributes:
        sentences: What is wrong, one sentence each.
        total: How many inputs there were.
        result: What the rest gave: the return value of the function had nothing failed.

    Example:
        >>> str(PartialFailure(["`a.png` must be a PNG, got text."], total=10))
        '1 of 10 failed: `a.png` must be a PNG, got text.'
    """

    def __init__(
        self, sentences: Iterable[str], *, total: int, result: Any = None, summary: str = ""
    ) -> None:
        """Keep the sentences, how many inputs there were, and what the rest gave.

        A summary is shown in place of "1 of 10 failed", where one input may have several faults.
        """
        self.sentences = tuple(sentences)
        self.total = total
        self.result = result
        self._summary = summary or f"{len(self.sentences)} of {total} failed"
        separator = " " if len(self.sentences) == 1 else "\n  "
        super().__init__(separator.join([f"{self._summary}:", *self.sentences]))

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle what `__init__` takes, so that a worker process can raise it; the rest is its state."""
        return _rebuild, (self.sentences, self.total, self.result, self._summary), self.__dict__


def _rebuild(sentences: tuple[str, ...], total: int, result: Any, summary: str) -> PartialFailure:
    return PartialFailure(sentences, total=total, result=result, summary=summary)
