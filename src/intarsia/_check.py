"""Say what is wrong with an argument, in one shape: `name` must be X, got Y."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any, NoReturn


class InputError(ValueError):
    """A mistake in what the user gave; its text is the one sentence to show, without a traceback."""


def fail(name: str, expected: str, got: object, *, hint: str = "") -> NoReturn:
    """Raise the one error of the house for a bad argument or file.

    Example:
        >>> fail("edges", "in [0, 4)", 9)
        Traceback (most recent call last):
            ...
        intarsia._check.InputError: `edges` must be in [0, 4), got 9.
    """
    raise InputError(sentence(name, expected, got) + (f" {hint}" if hint else ""))


def sentence(name: str, expected: str, got: object) -> str:
    """What `fail` says, for those who collect what is wrong instead of stopping at the first.

    Example:
        >>> sentence("a.png", "a PNG", "text")
        '`a.png` must be a PNG, got text.'
    """
    return f"`{name}` must be {expected}, got {got}."


def nearest(name: str, known: Iterable[str]) -> str:
    """A hint that names the known word nearest to a mistyped one, or lists them all.

    Example:
        >>> nearest("lrr", ["lr", "momentum"])
        'Did you mean `lr`?'
    """
    words = list(known)
    close = difflib.get_close_matches(name, words, n=1, cutoff=0.5)
    return f"Did you mean `{close[0]}`?" if close else "Known: " + ", ".join(words) + "."


class PartialFailure(Exception):  # noqa: N818 - what did not fail is done
    """Some of many inputs were broken and the rest is done: one sentence each, exit code 1.

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
        summary = summary or f"{len(self.sentences)} of {total} failed"
        separator = " " if len(self.sentences) == 1 else "\n  "
        super().__init__(separator.join([f"{summary}:", *self.sentences]))
