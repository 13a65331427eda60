"""What a type checker sees in the code of someone who installed the package."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

import intarsia

USER = """
import intarsia
from intarsia.cut import CutProblem, solve
from intarsia.panoptic import PanopticMap

def area(path: str) -> int:
    return PanopticMap.load(path).area(1)

reveal_type(solve(CutProblem([[0, 3]], [], [], [True, True])).cost)
reveal_type(intarsia.cut("problem.npz"))
PanopticMap.load("a.png").area("one")
"""
MYPY = "[mypy]\n[mypy-torch.*,torchvision.*,timm.*,accelerate.*,matplotlib.*]\nfollow_imports = skip\n"


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A user's file, and an environment in which the package lies as an installer puts it."""
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder / "venv", symlinks=os.name != "nt")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    (site / "intarsia").symlink_to(Path(str(intarsia.__file__)).parent)
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    (folder / "user.py").write_text(USER)
    (folder / "mypy.ini").write_text(MYPY)
    return folder


def report_of(installed: Path, *command: str) -> str:
    words = [sys.executable, "-m", *command, "user.py"]
    done = subprocess.run(words, cwd=installed, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_a_user_of_pyright_sees_types(installed: Path):
    python = installed / "venv" / "bin" / "python"
    report = report_of(installed, "pyright", "--pythonpath", str(python))
    assert 'Type of "solve(CutProblem([[0, 3]], [], [], [True, True])).cost" is "float"' in report
    assert 'Type of "intarsia.cut("problem.npz")" is "Cut"' in report
    assert "1 error" in report
    assert '"Literal[\'one\']" is not assignable to "int"' in report


def test_a_user_of_mypy_sees_types(installed: Path):
    python = installed / "venv" / "bin" / "python"
    report = report_of(installed, "mypy", "--config-file", "mypy.ini", "--python-executable", str(python))
    assert 'Revealed type is "float"' in report
    assert 'Revealed type is "intarsia.cut.solving.Cut"' in report
    assert "Found 1 error" in report
    assert 'Argument 1 to "area" of "PanopticMap" has incompatible type "str"; expected "int"' in report
