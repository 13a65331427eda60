"""The same work for each of many images, on several threads, with a bar that shows how far it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

NUM_WAITING = 4
"""Images a worker may be ahead of the one who takes the results: bounds the memory."""


def in_order(
    function: Callable[[T], R], items: Sequence[T], *, workers: int, description: str
) -> Iterator[tuple[T, R]]:
    """`results_in_order` with a bar that shows how far it is; no description, no bar.

    Example:
        >>> list(in_order(str, [1, 2], workers=2, description=""))
        [(1, '1'), (2, '2')]
    """
    from rich.markup import escape
    from rich.progress import track

    with closing(results_in_order(function, items, workers=workers)) as results:
        yield from track(results, total=len(items), description=escape(description), disable=not description)


def results_in_order(
    function: Callable[[T], R], items: Iterable[T], *, workers: int
) -> Generator[tuple[T, R]]:
    """Each item with its result, in order. Whoever stops taking them stops the work.

    Example:
        >>> list(results_in_order(str, iter([1, 2]), workers=2))
        [(1, '1'), (2, '2')]
    """
    pool = ThreadPoolExecutor(workers)
    waiting: deque[tuple[T, Future[R]]] = deque()
    try:
        for item in items:
            waiting.append((item, pool.submit(function, item)))
            # the memory of results that nobody has taken is bounded
            if len(waiting) >= NUM_WAITING * workers:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)
