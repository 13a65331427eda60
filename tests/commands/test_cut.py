"""Problems on disk, and the command that solves them."""

from pathlib import Path

import numpy as np
import pytest

from intarsia.cli import main
from intarsia.commands.cut import cut as cut_file
from intarsia.cut import CutProblem, GridProblem, load_problem, save_problem, solve
from tests.cut.problems import random_graph, random_grid


@pytest.mark.parametrize("problem", [random_graph(1, 9, 3), random_grid(1, 9, 7)], ids=["graph", "grid"])
def test_what_is_saved_is_loaded(tmp_path: Path, problem: CutProblem | GridProblem):
    save_problem(tmp_path / "problem.npz", problem)
    loaded = load_problem(tmp_path / "problem.npz")
    assert type(loaded) is type(problem)
    assert solve(loaded).cost == solve(problem).cost
    assert [path.name for path in tmp_path.iterdir()] == ["problem.npz"]


def test_the_command_prints_cost_segments_and_the_log_and_writes_the_answer(tmp_path: Path, capsys):
    problem = random_grid(3, 40, 50)
    save_problem(tmp_path / "problem.npz", problem)
    cut = cut_file(str(tmp_path / "problem.npz"), refine=True, output=str(tmp_path / "cut.npz"))
    printed = capsys.readouterr().out
    assert f"cost {cut.cost:.3f}, {cut.clusters.max() + 1} segments" in printed
    assert cut.stats.table() in printed
    with np.load(tmp_path / "cut.npz") as arrays:
        assert problem.cost(arrays["labels"], arrays["clusters"]) == pytest.approx(cut.cost)


@pytest.mark.parametrize("problem", [random_graph(1, 9, 3), random_grid(1, 9, 7)], ids=["graph", "grid"])
def test_from_the_shell_the_file_is_the_one_thing_to_name(
    tmp_path: Path, capsys, problem: CutProblem | GridProblem
):
    save_problem(tmp_path / "problem.npz", problem)
    assert main(["cut", str(tmp_path / "problem.npz")]) == 0
    assert f"cost {solve(problem).cost:.3f}" in capsys.readouterr().out


def test_what_a_solver_does_not_know_is_refused_from_the_shell(tmp_path: Path, capsys):
    save_problem(tmp_path / "problem.npz", random_graph(1, 9, 3))
    assert main(["cut", str(tmp_path / "problem.npz"), "--solver", "contraction", "--min-size", "3"]) == 2
    assert "`min_size` must be 0 for a solver other than greedy, got 3." in capsys.readouterr().err


def test_files_that_hold_no_problem_are_refused(tmp_path: Path):
    (tmp_path / "text.npz").write_text("no archive")
    np.savez(tmp_path / "other.npz", node_costs=np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"`path` must be an \.npz file, got .*text\.npz"):
        load_problem(tmp_path / "text.npz")
    with pytest.raises(ValueError, match="without edges, edge_costs, splittable"):
        load_problem(tmp_path / "other.npz")
    with pytest.raises(ValueError, match="that exists"):
        cut_file(str(tmp_path / "missing.npz"))


def test_a_grid_without_pixels_is_refused_when_it_is_loaded(tmp_path: Path):
    assert GridProblem(np.zeros((1, 1, 1)), np.zeros((0, 1, 1)), [], [True]).shape == (1, 1)
    np.savez(
        tmp_path / "bad.npz",
        node_costs=np.zeros((1, 0, 1)),
        affinity_costs=np.zeros((0, 0, 1)),
        offsets=[],
        splittable=[True],
    )
    with pytest.raises(ValueError, match="`node_costs` must be of at least one node and one class"):
        load_problem(tmp_path / "bad.npz")
