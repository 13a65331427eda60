"""A segment of an image: what an id in a panoptic map stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, SupportsFloat, SupportsIndex

from intarsia._check import fail
from intarsia._scalars import finite_number, flag, whole_number

__all__ = ["Segment"]

Number = SupportsFloat | SupportsIndex
"""A number of Python, NumPy or torch."""


@dataclass(frozen=True, slots=True, init=False)
class Segment:
    """One segment of one image: what its id in the map stands for. A crowd is a group not told apart.

    Numbers of NumPy and torch become Python's, so that every writer can write them.

    Attributes:
        id: Of its pixels in the map; 0 is void's.
        category_id: As the data set numbers them.
        score: How sure it is, in no unit; higher wins where a format wants an order. 1 for a truth, which is.
        is_crowd: Whether it stands for several things.

    Raises:
        ValueError: An id is no whole number, the score is not finite, or `is_crowd` is neither yes nor no.

    Example:
        >>> import numpy as np
        >>> Segment(np.int64(7), np.uint8(3), score=np.float32(0.5), is_crowd=np.bool_(True))
        Segment(id=7, category_id=3, score=0.5, is_crowd=True)
    """

    id: int
    category_id: int
    score: float = 1.0
    is_crowd: bool = False

    def __init__(
        self, id: Number, category_id: Number, score: Number = 1.0, is_crowd: Number = False
    ) -> None:
        """Turn foreign numbers into plain ones; plain ones, of which there are many, pass at once."""
        if (type(id), type(category_id), type(score), type(is_crowd)) != (int, int, float, bool):
            id = _plain("id", id, whole_number, "a whole number")
            category_id = _plain("category_id", category_id, whole_number, "a whole number")
            is_crowd = _plain("is_crowd", is_crowd, flag, "True or False")
        score = _plain("score", score, finite_number, "a finite number")
        for name, value in (
            ("id", id),
            ("category_id", category_id),
            ("score", score),
            ("is_crowd", is_crowd),
        ):
            object.__setattr__(self, name, value)


def _plain(name: str, value: Number, read: Callable[[Number], Any], expected: str) -> Any:
    plain = read(value)
    return fail(name, expected, repr(value)) if plain is None else plain
