"""The command line: help without torch, unknown words answered with the nearest known one."""

from __future__ import annotations

import inspect
import subprocess
import sys

import pytest

import intarsia
from intarsia.cli import COMMANDS, function_of, main


def test_without_arguments_it_lists_the_commands(capsys):
    assert main([]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in COMMANDS)


def test_an_unknown_command_names_the_nearest(capsys):
    assert main(["predct"]) == 2
    assert "`predct` is no command. Did you mean `predict`?" in capsys.readouterr().err


def test_the_version_is_the_package_s(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.strip() == intarsia.__version__


def test_the_package_is_the_command_where_its_script_is_on_no_path():
    answer = subprocess.run([sys.executable, "-m", "intarsia", "--version"], capture_output=True, text=True)
    assert (answer.returncode, answer.stdout.strip()) == (0, intarsia.__version__)


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_a_function_with_help(name, capsys):
    assert function_of(name).__doc__
    with pytest.raises(SystemExit) as stopped:
        main([name, "--help"])
    assert stopped.value.code == 0
    assert "usage" in capsys.readouterr().out


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_help_waits_for_nothing_large(name):
    """What takes a tenth of a second and more to import is imported when the command runs."""
    code = (
        "import sys, intarsia.cli\n"
        f"try: intarsia.cli.main([{name!r}, '--help'])\n"
        "except SystemExit: pass\n"
        "large = {'torch', 'scipy.ndimage', 'onnxruntime', 'huggingface_hub', 'matplotlib', 'ray'}\n"
        "assert not large & set(sys.modules), large & set(sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_is_a_function_of_the_same_name(name):
    function = getattr(intarsia, name)
    assert callable(function)
    assert inspect.signature(function) == inspect.signature(function_of(name))
    assert name in intarsia.__all__


def test_a_package_of_a_command_s_name_is_both(tmp_path, capsys):
    from intarsia.cut import CutProblem, save_problem

    save_problem(tmp_path / "one.npz", CutProblem([[0.0, 3.0]], [], [], [True, True]))
    assert intarsia.cut(str(tmp_path / "one.npz"), solver="optimal").cost == 0.0
    intarsia.recipes()
    assert "cops-facades" in capsys.readouterr().out


def test_help_and_evaluation_start_without_torch():
    code = (
        "import sys, intarsia.cli, intarsia.cut, intarsia.metrics, intarsia.formats.coco, intarsia.draw\n"
        "intarsia.cli.main([]); intarsia.evaluate\n"
        "assert 'torch' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    "words",
    [
        ["cops-facades", "--out", "RUN", "seeed=1"],
        ["cops-facades", "seeed=1", "--out", "RUN"],
        ["--out", "RUN", "cops-facades", "seeed=1"],
        ["cops-facades", "data=DATA", "--out", "a=b", "seeed=1"],
    ],
)
def test_settings_may_stand_before_and_behind_options(words, capsys):
    assert main(["train", *words]) == 2
    assert "Did you mean `seed`?" in capsys.readouterr().err
