"""The same work for each of many images, on several threads, with a bar that shows how far it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

NUM_WAITING = 4
"""Images a worker may be ahead of the one who takes the results: bounds the memory."""


def in_order(
    function: Callable[[T], R], items: Sequence[T], *, workers: int, description: str
) -> Iterator[tuple[T, R]]:
    """Each item with its result, in order. Whoever stops taking them stops the work; no description, no bar.

    Example:
        >>> list(in_order(str, [1, 2], workers=2, description=""))
        [(1, '1'), (2, '2')]
    """
    from rich.markup import escape
    from rich.progress import track

    pool = ThreadPoolExecutor(workers)
    waiting: deque[tuple[T, Future[R]]] = deque()

    def results() -> Iterator[tuple[T, R]]:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            if len(waiting) >= NUM_WAITING * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()

    try:
        yield from track(
            results(), total=len(items), description=escape(description), disable=not description
        )
    finally:
        pool.shutdown(cancel_futures=True)
