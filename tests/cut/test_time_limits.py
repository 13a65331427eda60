"""Time limits that bite are kept to a tenth, whatever is solved.

Limits are wall time, but what is judged is the CPU time that a run spent: on a busy machine it leaves out
what other programs took, and still has all that was done after the limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from intarsia.cut import Cut, CutProblem, Greedy, GridProblem, solve, solve_batch, synthetic_problem
from tests.cut.problems import random_graph
from tests.cut.test_solving import assert_sound

pytestmark = pytest.mark.slow

TRIES = 5
GRACE_S = 0.005  # what a clock, a cold cache or fresh memory may take from a short limit


def scene(height: int, width: int) -> GridProblem:
    return synthetic_problem(height, width, noise=2.0)[0]


def multicut(height: int, width: int) -> GridProblem:
    problem = scene(height, width)
    none = np.zeros((1, height, width), np.float32)
    return GridProblem(none, problem.affinity_costs, problem.offsets, [True])


def spent_s(clock: Callable[[], float], run: Callable[[], list[Cut]]) -> tuple[float, list[Cut]]:
    begin = clock()
    cuts = run()
    return clock() - begin, cuts


def assert_kept(
    problem: CutProblem | GridProblem,
    limit_s: float,
    clock: Callable[[], float],
    run: Callable[[], list[Cut]],
) -> None:
    """By the best of several tries, among those that the limit stopped."""
    stopped = []
    for _ in range(TRIES):
        taken_s, cuts = spent_s(clock, run)
        if not any(cut.stats.finished for cut in cuts):
            stopped.append(taken_s)
        for cut in cuts:
            assert_sound(problem, cut)
    assert stopped, "the limit stopped nothing"
    assert min(stopped) < 1.1 * limit_s + GRACE_S


@pytest.mark.parametrize(
    ("make", "options"),
    [
        (lambda: scene(256, 512), {"refine": True}),
        (lambda: scene(256, 512), {"solver": Greedy(refine=True, min_size=9)}),
        (lambda: scene(256, 512), {"refine": True, "threads": 2}),
        (lambda: scene(64, 128), {"refine": True}),
        (lambda: scene(128, 256), {"solver": "contraction"}),
        (lambda: scene(128, 256), {"solver": "contraction", "refine": True}),
        (lambda: multicut(128, 256), {"refine": True}),
        (lambda: multicut(128, 256), {"solver": "contraction"}),
        (lambda: random_graph(1, 16, 20, density=1.0), {"solver": "optimal"}),
    ],
    ids=[
        "refined",
        "without small segments",
        "two threads",
        "started twice",
        "contraction",
        "refined contraction",
        "multicut",
        "multicut by contraction",
        "optimal",
    ],
)
def test_half_the_time_is_kept_to_a_tenth(
    make: Callable[[], CutProblem | GridProblem], options: dict[str, Any]
):
    problem = make()
    whole_s = 0.4  # the optimal solver takes more than twice that
    if options.get("solver") != "optimal":
        whole_s = min(spent_s(time.thread_time, lambda: [solve(problem, **options)])[0] for _ in range(3))
    limit_s = 0.5 * whole_s
    assert_kept(problem, limit_s, time.thread_time, lambda: [solve(problem, time_limit_s=limit_s, **options)])


def test_the_problems_of_a_batch_have_a_limit_each():
    problem = scene(128, 256)
    whole_s = min(spent_s(time.thread_time, lambda: [solve(problem, refine=True)])[0] for _ in range(3))
    limit_s = 0.5 * whole_s
    assert_kept(
        problem,
        3 * limit_s,
        time.process_time,
        lambda: solve_batch([problem] * 3, threads=1, refine=True, time_limit_s=limit_s),
    )
