"""What is wrong with a file, a sentence each: strict readers stop at the first, `inspect` lists all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from intarsia._check import sentence
from intarsia.errors import InputError

__all__ = ["Report", "Sink", "kind_of", "reporting", "stop_at_first"]

Sink = Callable[[str], None]
"""Takes a sentence for each thing that is wrong. One that raises makes the reader strict."""


@dataclass(frozen=True, slots=True)
class Report:
    """Says what is wrong in one file."""

    path: Path
    sink: Sink

    def __call__(self, expected: str, got: object) -> None:
        """Tell the sink that the file must be `expected`, and what it is."""
        self.sink(sentence(str(self.path), expected, got))


def stop_at_first(problem: str) -> None:
    """The sink of strict readers.

    Raises:
        ValueError: Always, with this sentence.
    """
    raise InputError(problem)


@contextmanager
def reporting(sink: Sink) -> Iterator[None]:
    """Give the sink the text of an error; what comes after goes on if the sink does not raise."""
    try:
        yield
    except InputError as error:
        sink(str(error))


def kind_of(value: object) -> str:
    """What a value of a JSON is, in words."""
    if isinstance(value, bool):
        return "a truth value"
    names = {dict: "an object", list: "a list", str: "text", type(None): "null"}
    return names.get(type(value), "a number")
