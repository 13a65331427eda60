"""The same work for each of many images, on several threads, with a bar that shows how far it is."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from typing import Any, TypeVar

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
    function: Callable[[T], R], items: Iterable[T], *, workers: int, most_waiting: int | None = None
) -> Generator[tuple[T, R]]:
    """Each item with its result, in order. Whoever stops taking them stops the work.

    Args:
        function: What is done to each item.
        items: Taken one by one, no faster than the results are.
        workers: Threads that work at once.
        most_waiting: Items that are in work or done before the first result is taken, which bounds the
            memory; by default four a thread.

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
            if len(waiting) >= (most_waiting or NUM_WAITING * workers):
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def do_beside(function: Callable[[T], object], items: Iterable[T], *, most_waiting: int) -> Generator[T]:
    """Each item as it comes, while a thread does with it what nobody waits for; all is done at the end.

    Args:
        function: What is done with each item, in order. Its error comes with a later item, or at the end.
        items: Taken one by one.
        most_waiting: Items whose work may be behind before the next one waits, which bounds the memory.

    Example:
        >>> lengths = []
        >>> list(do_beside(lambda word: lengths.append(len(word)), ["a", "bcd"], most_waiting=1)), lengths
        (['a', 'bcd'], [1, 3])
    """
    waiting: deque[Future[object]] = deque()
    with ThreadPoolExecutor(1) as pool:
        for item in items:
            waiting.append(pool.submit(function, item))
            if len(waiting) > most_waiting:
                waiting.popleft().result()
            yield item
        for future in waiting:
            future.result()


def map_in_threads(function: Callable[..., R], *items: Iterable[Any], workers: int) -> list[R]:
    """The results of all items at once, as of `map`, from threads that live as long as the call.

    Example:
        >>> map_in_threads(pow, [2, 3], [4, 2], workers=2)
        [16, 9]
    """
    rows = list(zip(*items, strict=True))
    if len(rows) < 2:
        return [function(*row) for row in rows]
    with ThreadPoolExecutor(min(workers, len(rows))) as pool:
        return list(pool.map(lambda row: function(*row), rows))
