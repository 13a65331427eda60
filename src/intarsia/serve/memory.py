"""Why the server's memory stays where it is: few heaps, however many threads come and go."""

from __future__ import annotations

import ctypes
import sys
from contextlib import suppress

__all__ = ["keep_memory_together"]

M_ARENA_MAX = -8
MAX_HEAPS = 2


def keep_memory_together() -> None:
    """Let all threads share two heaps of glibc, instead of eight a core.

    Pictures are read, segmented and packed in threads. With a heap for each of them, what one gives back
    another cannot take, and the process grows for thousands of pictures although nothing is kept. Elsewhere
    than on glibc this does nothing.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).mallopt(M_ARENA_MAX, MAX_HEAPS)
