"""Why the server's memory stays where it is: few heaps, and what they do not need goes back to the system."""

from __future__ import annotations

import time
from threading import Lock

from intarsia._glibc import ARENA_MAX, glibc

__all__ = ["SpareMemory", "keep_memory_together"]

MAX_HEAPS = 2
TRIM_EVERY_S = 1.0


def keep_memory_together() -> None:
    """Let all threads share two heaps of glibc, instead of eight a core.

    Pictures are read, segmented and packed in threads. With a heap for each of them, what one gives back
    another cannot take, and the process grows for thousands of pictures although nothing is kept. Elsewhere
    than on glibc this does nothing.
    """
    if (library := glibc()) is not None:
        library.mallopt(ARENA_MAX, MAX_HEAPS)


class SpareMemory:
    """Gives the pages back that lie free between what is kept.

    A picture that stays for a while lies on the heap among what was needed to see it. What is freed around it
    fits the next picture badly and otherwise only the end of a heap goes back to the system, so a server
    that looks at one picture after another grows by tens of megabytes in hundreds of them, and shrinks by
    chance.
    Elsewhere than on glibc this does nothing.

    Example:
        >>> spare = SpareMemory()
        >>> spare.give_back()
        >>> spare.give_back()  # within a second: nothing
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._next_s = 0.0

    def give_back(self) -> None:
        """Give back what is free, at most once a second."""
        library, now_s = glibc(), time.monotonic()
        with self._lock:
            if library is None or now_s < self._next_s:
                return
            self._next_s = now_s + TRIM_EVERY_S
        library.malloc_trim(0)
