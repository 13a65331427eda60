"""What stands in an exported file: nothing that nobody reads, and nothing that lies beside it."""

from __future__ import annotations

import warnings
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import numpy as np
import onnx
import pytest

from intarsia.errors import InputError
from intarsia.methods.onnx_export import export_network, round_weights
from intarsia.methods.panoptic_fpn import PanopticFpn
from intarsia.runtime import shipped_models
from intarsia.runtime.onnx_network import OnnxNetwork
from tests.methods.conftest import combinatorial
from tests.runtime.test_backends import EXPORTED
from tools.share_weights import share_weights


def test_every_value_of_an_exported_file_is_read(tmp_path):
    """Or onnxruntime warns its user of each that is not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter
        export_network(round_weights(combinatorial()), tmp_path / "model.onnx")
    assert not values_that_nobody_reads(tmp_path / "model.onnx")


@pytest.mark.parametrize("name", EXPORTED)
def test_every_value_of_a_shipped_file_is_read(name: str):
    assert not values_that_nobody_reads(files("intarsia") / "models" / name / "model.onnx")


@pytest.mark.parametrize("name", EXPORTED)
def test_the_weights_of_a_shipped_model_are_there_once(name: str):
    """The file for prediction reads them from the one for training; what is left is norms and the graph."""
    folder = Path(str(files("intarsia") / "models" / name))
    assert (folder / "model.onnx").stat().st_size < 400_000
    alone = onnx.load(str(folder / "model.onnx"), load_external_data=False)
    places = [
        {entry.key: entry.value for entry in tensor.external_data} for tensor in alone.graph.initializer
    ]
    assert {place["location"] for place in places if place} == {"model.safetensors"}
    assert sum(int(place["length"]) for place in places if place) > 6_000_000


@pytest.mark.parametrize("name", shipped_models())
def test_a_shipped_model_is_small(name: str):
    """Below what the models' page says."""
    folder = Path(str(files("intarsia") / "models" / name))
    assert sum(file.stat().st_size for file in folder.iterdir()) < 12_000_000


def test_weights_are_shared_without_a_change(tmp_path):
    model = combinatorial()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.save(tmp_path, half=True, export=True)
    image = np.random.default_rng(0).random((1, 3, 128, 128), np.float32)
    before, size = _answers(tmp_path, image), (tmp_path / "model.onnx").stat().st_size
    share_weights(tmp_path)
    assert (tmp_path / "model.onnx").stat().st_size < size
    after = _answers(tmp_path, image)
    assert all(np.array_equal(before[key], after[key]) for key in before)


def _answers(folder: Path, image: np.ndarray) -> dict[str, np.ndarray]:
    return OnnxNetwork(folder / "model.onnx", stride=4, threads=1).arrays(image)


def values_that_nobody_reads(file: Path | Traversable) -> set[str]:
    graph = onnx.load_from_string(file.read_bytes()).graph
    read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    written = {name for node in graph.node for name in node.output if name}
    return (written | {tensor.name for tensor in graph.initializer}) - read


def test_a_method_with_boxes_says_why_it_stays_in_torch(tmp_path):
    method = PanopticFpn.__new__(PanopticFpn)
    with pytest.raises(InputError, match="whose boxes are chosen by torchvision's operators"):
        export_network(method, tmp_path / "model.onnx")
