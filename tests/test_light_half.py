"""The light half: every command but three without torch, and one sentence from those three."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PHOTO, CELLS = ROOT / "examples/photos/china.jpg", ROOT / "examples/photos/nuclei.tif"
TRUTH = ROOT / "examples/truth/nuclei.json"

WITHOUT_TORCH = """
import sys
class Absent:
    names = {"torch", "torchvision", "timm", "accelerate", "safetensors", "matplotlib", "tensorboard", "onnx"}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
sys.meta_path.insert(0, Absent())
from intarsia.cli import main
sys.exit(main(sys.argv[1:]))
"""


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """A command in a process in which torch cannot be imported."""
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *arguments], cwd=folder, capture_output=True, text=True
    )


@pytest.mark.parametrize("model", ["facades", "facades-embedding", "nuclei"])
def test_every_shipped_model_predicts(tmp_path, model):
    photo = CELLS if model == "nuclei" else PHOTO
    done = run("predict", str(photo), "--model", model, "--out", "out", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/panoptic.json").is_file()
    assert [file.suffix for file in (tmp_path / "out/overlays").iterdir()] == [".jpg"]


def test_what_is_predicted_is_evaluated_inspected_converted_and_explained(tmp_path):
    assert run("predict", str(CELLS), "--model", "nuclei", folder=tmp_path).returncode == 0
    arguments = ("--truth", str(TRUTH), "--prediction", "out/panoptic.json")
    done = run("evaluate", *arguments, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "nucleus" in done.stdout
    assert run("inspect", "out", folder=tmp_path).returncode == 0
    done = run("explain", str(PHOTO), "--pixel", "100,100", folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "explain.png").is_file()


@pytest.mark.parametrize(
    "command", [("train", "cops-nuclei"), ("ablate", "hle"), ("export", "nuclei", "out")]
)
def test_what_needs_the_training_half_says_how_to_install_it(tmp_path, command):
    done = run(*command, folder=tmp_path)
    assert done.returncode == 2
    assert "pip install 'intarsia[train]'" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_of_a_command_does_not_wait_for_torch(tmp_path):
    """Seconds by the clock, with room for a busy machine."""
    for command in ("predict", "train", "evaluate", "convert", "inspect", "explain", "cut", "export"):
        started = time.monotonic()
        done = run(command, "--help", folder=tmp_path)
        assert done.returncode == 0, done.stderr
        assert f"intarsia {command}" in done.stdout
        assert time.monotonic() - started < 20
