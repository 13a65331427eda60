"""Say what is wrong with an argument, in one shape: `name` must be X, got Y."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NoReturn

from intarsia.errors import InputError

__all__ = ["a_kind", "check_least", "counted", "fail", "nearest", "sentence"]


def fail(name: str, expected: str, got: object, *, hint: str = "") -> NoReturn:
    """Raise the one error of this package for a bad argument or file.

    Example:
        >>> fail("edges", "in [0, 4)", 9)
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `edges` must be in [0, 4), got 9.
    """
    raise InputError(sentence(name, expected, got) + (f" {hint}" if hint else ""))


def check_least(name: str, value: int | float, least: int) -> None:
    """Refuse a number below the least that makes sense, or that is none at all.

    Example:
        >>> check_least("batch", 0, 1)
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `batch` must be at least 1, got 0.
    """
    if not value >= least:
        fail(name, f"at least {least}", value)


def sentence(name: str, expected: str, got: object) -> str:
    """What `fail` says, for those who collect what is wrong instead of stopping at the first.

    Example:
        >>> sentence("a.png", "a PNG", "text")
        '`a.png` must be a PNG, got text.'
    """
    return f"`{name}` must be {expected}, got {got}."


def nearest(name: str, names: Iterable[str]) -> str:
    """A hint that names the known word nearest to a mistyped one, or lists them all.

    Example:
        >>> nearest("lrr", ["lr", "momentum"])
        'Did you mean `lr`?'
    """
    words = list(names)
    close = difflib.get_close_matches(name, words, n=1, cutoff=0.5)
    return f"Did you mean `{close[0]}`?" if close else "Known: " + ", ".join(words) + "."


def counted(number: int, noun: str) -> str:
    """A number with its noun, as people say it.

    Example:
        >>> counted(1, "map"), counted(2, "true segment"), counted(0, "category"), counted(3, "class")
        ('1 map', '2 true segments', '0 categories', '3 classes')
    """
    many = noun[:-1] + "ies" if noun.endswith("y") and noun[-2] not in "aeiou" else noun + "s"
    many = noun + "es" if noun.endswith("s") else many
    return f"{number} {noun if number == 1 else many}"


def a_kind(value: object) -> str:
    """What something is, by the name of its class, with its article.

    Example:
        >>> a_kind(3), a_kind("text"), a_kind(None)
        ('an int', 'a str', 'None')
    """
    name = type(value).__name__
    is_open = name.lower().startswith(("a", "e", "i", "o", "u", "nd"))  # an ndarray, as it is spoken
    return "None" if value is None else f"{'an' if is_open else 'a'} {name}"
