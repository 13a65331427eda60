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

NAMES = Path(__file__).with_name("public_api.txt").read_text().split()
IMPORTS = "".join(
    f"from {name.rpartition('.')[0]} import {name.rpartition('.')[2]} as {name.replace('.', '_')}\n"
    for name in NAMES
)
USER = """
from pathlib import Path
from typing import Any

import numpy as np
import torch

import intarsia
from intarsia import InputError, PanopticMap, PartialFailure
from intarsia.cut import Contraction, Cut, CutProblem, Greedy, GridProblem, solve, solve_batch
from intarsia.draw import overlay
from intarsia.layers import CutLayer
from intarsia.losses import batch_affinity_loss, discriminative_loss, lovasz_softmax

Image = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]

def predict(path: Path, image: Image) -> list[PanopticMap]:
    model = intarsia.load("facades", device="cpu")
    maps: list[PanopticMap] = model.predict([image, image])
    maps += model.predict(("a.jpg", "b.jpg"), batch=2)
    maps += model.predict(image for _ in range(3))
    maps += model.predict(map(Path, ("a.jpg", "b.jpg"))) + model.predict(iter([image]))
    maps += [model.predict(image), model.predict(path), model.predict(b"GIF89a")]
    maps += [model.predict(bytearray(b"GIF89a")), model.predict(memoryview(b"GIF89a"))]
    maps += [model.predict(path.open("rb"))]
    overlay(image, maps[0], categories=model.categories)
    print(model.device.upper(), maps[0].segments[0].score + 1)
    return maps

def cut(costs: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> float:
    best: Cut = solve(GridProblem(costs, costs, [(0, 1)], [True]), solver=Greedy(min_size=3), threads=2)
    cuts = solve_batch([CutProblem([[0.0]], [], [], [True])], solver=Contraction(lazy=True))
    return best.cost + cuts[0].cost

def train(x: torch.Tensor, labels: torch.Tensor) -> torch.Tensor:
    losses: torch.Tensor = lovasz_softmax(x.softmax(1), labels) + discriminative_loss(x, labels, delta_v=0.1)
    layer = CutLayer([(0, 1)], [True, False])
    return losses.mean() + batch_affinity_loss(x, x > 0, valid=x > 0) + layer(x, x).masks[0].sum()

def commands() -> None:
    try:
        for prediction in intarsia.predict(("a.jpg",), out="out"):
            print(prediction.name.upper())
    except PartialFailure as failure:
        print(failure.total + 1, failure.sentences[0].upper())
    except InputError as error:
        print(error)
    intarsia.predict("a.jpg")
    intarsia.predict(["a.jpg", "b.jpg"])
    intarsia.predict([Path("a.jpg"), Path("b.jpg")], write=("table",))
    print(intarsia.predict(Path("a.jpg"))[0].name.upper())
    intarsia.evaluate("a.json", "b.json")
    intarsia.inspect("data")
    intarsia.convert("coco", "data", "out")

def area(path: str) -> int:
    return PanopticMap.load(path).area(1)

reveal_type(solve(CutProblem([[0, 3]], [], [], [True, True])).cost)
reveal_type(intarsia.cut("problem.npz"))
PanopticMap.load("a.png").area("one")
"""
MYPY = """[mypy]
strict = True
[mypy-torch.*,torchvision.*,timm.*,accelerate.*,matplotlib.*]
follow_imports = skip
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A user's file, which imports every public name, and an environment that has the package."""
    folder = tmp_path_factory.mktemp("user")
    venv.create(folder / "venv", symlinks=os.name != "nt")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder / "venv")}))
    (site / "intarsia").symlink_to(Path(str(intarsia.__file__)).parent)
    (site / "others.pth").write_text(sysconfig.get_path("purelib"))
    (folder / "user.py").write_text(IMPORTS + USER)
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
    assert 'Revealed type is "intarsia.cut.solution.Cut"' in report
    assert "Found 1 error" in report
    assert 'Argument 1 to "area" of "PanopticMap" has incompatible type "str"; expected "int"' in report
