"""What must never crash, hang or speak in Python's words: the calls run in a process of their own."""

import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from intarsia.cut import Contraction, CutProblem, Greedy, GridProblem, Optimal, solve

CALLS = """
    from types import SimpleNamespace
    import numpy as np
    from intarsia.cut import *

    graph = CutProblem([[0.0], [0.0]], [[0, 1]], [-1.0], [True])
    for call in (
        lambda: solve(graph, threads=2.5),
        lambda: solve(graph, threads="2"),
        lambda: solve(graph, threads=None),
        lambda: solve(graph, threads=True),
        lambda: solve_batch([graph], threads=0.5),
        lambda: solve_batch([graph, {}]),
        lambda: solve({}),
        lambda: solve(graph, time_limit_s="x"),
        lambda: solve(graph, time_limit_s=True),
        lambda: solve(graph, seed=1.5),
        lambda: solve(graph, refine="yes"),
        lambda: solve(graph, solver=3),
        lambda: Greedy(min_size=1.5),
        lambda: Greedy(min_size=-1),
        lambda: Greedy(start={}),
        lambda: Greedy(start=SimpleNamespace(labels=[0], clusters=[0])),
        lambda: Contraction(lazy=1),
    ):
        try:
            call()
            print("no error")
        except ValueError as error:
            print(error)
"""

SENTENCES = [
    "`threads` must be a whole number, at least 1, got 2.5.",
    "`threads` must be a whole number, at least 1, got '2'.",
    "`threads` must be a whole number, at least 1, got None.",
    "`threads` must be a whole number, at least 1, got True.",
    "`threads` must be a whole number, at least 1, got 0.5.",
    "`problems[1]` must be a CutProblem or a GridProblem, got dict.",
    "`problem` must be a CutProblem or a GridProblem, got dict.",
    "`time_limit_s` must be a number above 0, or None, got 'x'.",
    "`time_limit_s` must be a number above 0, or None, got True.",
    "`seed` must be a whole number, at least 0, got 1.5.",
    "`refine` must be True or False, got 'yes'.",
    "`solver` must be a name, Greedy(...), Contraction(...) or Optimal(), got 3.",
    "`min_size` must be a whole number, at least 0, got 1.5.",
    "`min_size` must be a whole number, at least 0, got -1.",
    "`start` must be a Cut or None, got dict.",
    "`start` must be a Cut or None, got SimpleNamespace.",
    "`lazy` must be True or False, got 1.",
]


def run(script: str) -> str:
    """What the script prints in a Python without the type checks of the tests."""
    command = [sys.executable, "-c", textwrap.dedent(script)]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


def test_every_bad_option_gets_one_sentence():
    assert run(CALLS).splitlines() == SENTENCES


@pytest.mark.parametrize("threads", [40000, 2**31, 2**80])
def test_any_number_of_threads_gives_the_same_answer_at_once(threads: int):
    random = np.random.default_rng(0)
    problem = GridProblem(
        random.normal(size=(3, 70, 60)), random.normal(size=(1, 70, 60)), [(0, 1)], [True, False, False]
    )
    assert solve(problem, threads=threads).cost == solve(problem).cost


@pytest.mark.parametrize("rows", [-(2**31), 2**31 - 1, 7, -7])
@pytest.mark.parametrize("solver", ["greedy", "contraction"])
def test_an_offset_longer_than_the_image_joins_nothing(rows: int, solver: str):
    random = np.random.default_rng(1)
    node_costs, affinity_costs = random.normal(size=(2, 7, 5)), random.normal(size=(2, 7, 5))
    problem = GridProblem(node_costs, affinity_costs, [(0, 1), (rows, rows)], [True, False])
    near = GridProblem(node_costs, affinity_costs[:1], [(0, 1)], [True, False])
    assert solve(problem, solver=solver, refine=True).cost == solve(near, solver=solver, refine=True).cost
    assert len(problem.to_graph().edges) == len(near.to_graph().edges)


def test_edges_and_offsets_are_copies_that_cannot_be_changed():
    edges, offsets = np.array([[0, 1]], np.int32), np.array([[0, 1]], np.int32)
    graph = CutProblem([[0.0], [0.0]], edges, [1.0], [True])
    grid = GridProblem(np.zeros((1, 1, 2)), np.zeros((1, 1, 2)), offsets, [True])
    edges[:], offsets[:] = 10**9, 0
    assert graph.edges.tolist() == [[0, 1]]
    assert grid.offsets.tolist() == [[0, 1]]
    for kept in (graph.edges, grid.offsets):
        with pytest.raises(ValueError, match="read-only"):
            kept[0, 0] = 7


PEAK = """
    import numpy as np
    from pathlib import Path
    from intarsia.cut import GridProblem, solve

    def peak() -> int:
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])

    shape, offset = {shape}
    random = np.random.default_rng(0)
    node_costs, affinity_costs = random.normal(size=(2, *shape)), random.normal(size=(1, *shape))
    problem = GridProblem(node_costs, affinity_costs, [offset], [True, False])
    before = peak()
    solve(problem)
    print(peak() - before)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read from Linux")
def test_a_tall_image_takes_about_the_memory_of_a_wide_one():
    tall = int(run(PEAK.format(shape=((300000, 1), (1, 0)))))
    wide = int(run(PEAK.format(shape=((1, 300000), (0, 1)))))
    assert 0 < tall < 2 * wide


@pytest.mark.parametrize(
    ("solver", "options"),
    [
        (Contraction, {"min_size": 50}),
        (Contraction, {"start": None}),
        (Optimal, {"min_size": 2}),
        (Greedy, {"lazy": True}),
        (solve, {"min_size": 50}),
    ],
)
def test_an_option_that_a_solver_does_not_know_is_refused(solver, options):
    problem = [CutProblem([[0.0], [0.0]], [[0, 1]], [-1.0], [True])] if solver is solve else []
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        solver(*problem, **options)
