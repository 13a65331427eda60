"""Whatever runs a shipped model, its outputs have their names and its maps are the same."""

import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

import intarsia
import intarsia.methods.load as methods
from intarsia.nets import Backbone
from intarsia.runtime import shipped_models
from intarsia.runtime.find import model_folder


def is_exported(name: str) -> bool:
    with model_folder(name) as folder:
        return folder.network.is_file()


EXPORTED = list(filter(is_exported, shipped_models()))


@pytest.fixture(scope="module")
def photo(request) -> np.ndarray:
    """200 x 264 pixels: no multiple of what networks align to."""
    with Image.open(request.config.rootpath / "examples" / "photos" / "china.jpg") as image:
        return np.asarray(image.convert("RGB").resize((264, 200)))


@pytest.mark.parametrize("name", EXPORTED)
@pytest.mark.parametrize("backend", ["openvino", "torch"])
def test_a_backend_gives_the_map_of_onnxruntime(name, backend, photo):
    pytest.importorskip(backend)
    reference = intarsia.load(name, backend="onnxruntime", threads=1)
    other = intarsia.load(name, backend=backend, device="cpu", threads=1)
    assert set(other.view(photo).arrays) == set(reference.view(photo).arrays)
    mine, theirs = reference.predict(photo), other.predict(photo)
    assert (mine.semantic(reference.categories) != theirs.semantic(reference.categories)).mean() < 0.001
    assert len(mine.segments) == len(theirs.segments)


@pytest.mark.parametrize("name", EXPORTED)
def test_an_exported_model_is_tiled_as_its_method_is(name):
    method = methods.load(name)
    spec = intarsia.load(name, backend="onnxruntime").spec
    assert spec == method.network_spec
    assert isinstance(method.backbone, Backbone)
    assert spec.tiling is not None
    most = 1536 if spec.stride > 1 else 896  # of its pixels: what its memory grows with
    assert spec.tiling.tile_px * method.backbone.zoom == most


def test_what_no_backend_knows_is_refused():
    """Else a model on "gpu" would run on the CPU in silence; in a process where no one else checks types."""
    calls = """
import intarsia
for option in ("backend", "device", "precision"):
    try:
        print(intarsia.load("facades", **{option: "gpu"}))
    except intarsia.InputError as error:
        print(error)
"""
    lines = subprocess.run([sys.executable, "-c", calls], capture_output=True, text=True).stdout.splitlines()
    assert lines == [
        "`backend` must be one of 'onnxruntime', 'openvino', 'torch', got 'gpu'.",
        "`device` must be one of 'auto', 'cpu', 'cuda', got 'gpu'.",
        "`precision` must be one of 'auto', 'float32', 'bfloat16', got 'gpu'.",
    ]
