"""What one layer of a network frees is kept for the next, instead of going back to the system in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from intarsia._glibc import MMAP_MAX, MMAP_THRESHOLD, TRIM_THRESHOLD, glibc

__all__ = ["kept_memory"]

_LARGEST_INT = 2**31 - 1

_KEEPING = {MMAP_MAX: 0, TRIM_THRESHOLD: _LARGEST_INT}
_USUAL = {MMAP_MAX: 65536, MMAP_THRESHOLD: 32 << 20, TRIM_THRESHOLD: 64 << 20}
"""Where glibc's own adjustment ends in a process that has freed large arrays; 65536 is its default."""

_lock = threading.Lock()
_num_inside = 0


@contextmanager
def kept_memory() -> Iterator[None]:
    """Within this, glibc gives no memory back to the system; at the end it does again. Elsewhere, nothing.

    Arrays above 32 MB, as a large image makes in every layer, are otherwise new pages each time, which the
    system fills with zeros first: 650,000 pages and a third of the time at 1024x2048.

    Example:
        >>> with kept_memory():
        ...     len(bytearray(1 << 26))
        67108864
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _num_inside
    with _lock:
        _num_inside += 1
        if _num_inside == 1:
            _set(_KEEPING)


def _leave() -> None:
    global _num_inside
    with _lock:
        _num_inside -= 1
        if _num_inside == 0:
            _set(_USUAL)


def _set(options: dict[int, int]) -> None:
    if (library := glibc()) is None:
        return
    for option, value in options.items():
        library.mallopt(option, value)
    if options is _USUAL:
        library.malloc_trim(0)
