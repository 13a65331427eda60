"""Pillow's libtiff writes what is wrong with a file on stderr by itself; our sentence is enough."""

from __future__ import annotations

import ctypes
from contextlib import suppress
from functools import cache

__all__ = ["quiet_libtiff"]


@cache
def quiet_libtiff() -> None:
    """Take away the handler that prints errors; Pillow does so for warnings, and raises on errors anyway.

    Where Pillow was linked so that its libtiff cannot be reached, the lines stay.

    Example:
        >>> quiet_libtiff()
    """
    from PIL import _imaging  # pyright: ignore[reportAttributeAccessIssue] - compiled

    with suppress(OSError, AttributeError):
        ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler(None)
