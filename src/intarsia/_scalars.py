"""Numbers and flags as people's files and arrays write them: one reading of `1`, `"1"`, `1.0` and `true`."""

from __future__ import annotations

import math
import operator
import re
from typing import Any

import numpy as np

__all__ = ["finite_number", "flag", "whole_number"]

_WHOLE = re.compile(r"\s*[+-]?\d+(\.0*)?\s*", re.ASCII)
_FLAGS = {"0": False, "1": True, "false": False, "true": True}


def whole_number(value: Any) -> int | None:
    """A whole number of Python, NumPy, torch or text; `None` for all else, truth values and fractions too.

    Example:
        >>> [whole_number(value) for value in (5, "5", 5.0, np.uint8(5), "05", 5.5, True, "five", None)]
        [5, 5, 5, 5, 5, None, None, None, None]
    """
    if type(value) is int:
        return value
    if isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, str):
        return int(value.partition(".")[0]) if len(value) < 30 and _WHOLE.fullmatch(value) else None
    try:
        return operator.index(value)
    except (TypeError, ValueError):
        number = finite_number(value)
        return int(number) if number is not None and number.is_integer() else None


def flag(value: Any) -> bool | None:
    """Yes or no from 0 and 1, as truth value, number or text; `None` for all else.

    Example:
        >>> [flag(value) for value in (0, "1", False, "True", 1.0, 2, "yes", None)]
        [False, True, False, True, True, None, None, None]
    """
    if type(value) is int:
        return None if value not in (0, 1) else value == 1
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, str):
        return _FLAGS.get(value.strip().lower())
    return {0: False, 1: True}.get(whole_number(value))  # type: ignore[arg-type]


def finite_number(value: Any) -> float | None:
    """A number of Python, NumPy, torch or text; `None` for all else, infinities and NaN too.

    Example:
        >>> [finite_number(value) for value in (1, "0.5", np.float32(0.25), float("nan"), True, [1])]
        [1.0, 0.5, 0.25, None, None, None]
    """
    if type(value) is float:
        return value if math.isfinite(value) else None
    if isinstance(value, bool | np.bool_ | bytes):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError):  # RuntimeError: torch, of several elements
        return None
    return number if math.isfinite(number) else None
