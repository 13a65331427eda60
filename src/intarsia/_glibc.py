"""The C library whose heaps can be told what to keep and what to give back: that of most Linux systems."""

from __future__ import annotations

import ctypes
import sys
from functools import cache

__all__ = ["ARENA_MAX", "MMAP_MAX", "MMAP_THRESHOLD", "TRIM_THRESHOLD", "glibc"]

# What mallopt can be told, in <malloc.h>.
TRIM_THRESHOLD, MMAP_THRESHOLD, MMAP_MAX, ARENA_MAX = -1, -3, -4, -8


@cache
def glibc() -> ctypes.CDLL | None:
    """The library with `mallopt` and `malloc_trim`, or None where the system has another one.

    Example:
        >>> library = glibc()
        >>> library is None or library.mallopt(ARENA_MAX, 2)
        1
    """
    if sys.platform != "linux":
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
