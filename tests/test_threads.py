"""Work on threads comes back in order, holds a bounded number of results, and stops with its taker."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest

from intarsia._threads import do_beside, map_in_threads, results_in_order


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_the_order_of_their_items(workers):
    """Even items wait for the odd one behind them, where there is a second worker."""
    ready = [threading.Event() for _ in range(21)]

    def work(i: int) -> int:
        if workers > 1 and i % 2 == 0 and i < 20:
            assert ready[i + 1].wait(10)
        ready[i].set()
        return i * i

    assert list(results_in_order(work, range(21), workers=workers)) == [(i, i * i) for i in range(21)]


def test_items_are_taken_no_faster_than_their_results():
    taken = []

    def items():
        for i in range(9):
            taken.append(i)
            yield i

    results = results_in_order(str, items(), workers=2, most_waiting=3)
    with closing(results):
        for i in range(6):
            assert next(results) == (i, str(i))
            assert len(taken) == i + 3


def test_whoever_stops_taking_stops_the_work():
    """Of a hundred items one worker has begun at most those that may wait."""
    begun = []
    results = results_in_order(begun.append, range(100), workers=1, most_waiting=4)
    next(results)
    results.close()
    assert len(begun) <= 4


def test_an_error_comes_with_its_item():
    results = results_in_order(lambda i: 1 // (2 - i), range(5), workers=2)
    assert [next(results), next(results)] == [(0, 0), (1, 1)]
    with pytest.raises(ZeroDivisionError):
        next(results)


def test_items_go_on_while_a_thread_works_on_them():
    """Two have come before the thread has done anything; in the end it has done all, in order."""
    two_have_come, ends = threading.Event(), []

    def work(i: int) -> None:
        assert two_have_come.wait(10)
        ends.append(i)

    items = do_beside(work, range(4), most_waiting=2)
    assert [next(items), next(items), ends] == [0, 1, []]
    two_have_come.set()
    assert list(items) == [2, 3]
    assert ends == [0, 1, 2, 3]


def test_items_come_no_faster_than_a_thread_allows():
    """Where two may wait, the third comes when the first is done."""
    ends = []
    numbers_done = [len(ends) for _ in do_beside(ends.append, range(9), most_waiting=2)]
    assert all(done >= i - 1 for i, done in enumerate(numbers_done))


def test_an_error_of_work_beside_is_raised_before_the_end():
    with pytest.raises(ZeroDivisionError):
        list(do_beside(lambda i: 1 // (2 - i), range(3), most_waiting=4))


def test_many_arguments_map_as_python_maps_them():
    assert map_in_threads(pow, range(9), [2] * 9, workers=3) == list(map(pow, range(9), [2] * 9))
    assert map_in_threads(abs, [], workers=3) == []
    with pytest.raises(ValueError, match="shorter"):
        map_in_threads(pow, [1, 2], [3], workers=1)


def test_one_item_needs_no_thread():
    assert map_in_threads(lambda _: threading.current_thread(), [0], workers=2) == [
        threading.current_thread()
    ]
