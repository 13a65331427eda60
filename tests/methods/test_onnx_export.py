"""What stands in an exported file: nothing that nobody reads."""

from __future__ import annotations

import warnings
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import onnx
import pytest

from intarsia.errors import InputError
from intarsia.methods.onnx_export import export_network, rounded
from intarsia.methods.panoptic_fpn import PanopticFpn
from tests.methods.conftest import combinatorial


def test_every_value_of_an_exported_file_is_read(tmp_path):
    """Or onnxruntime warns its user of each that is not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's exporter
        export_network(rounded(combinatorial()), tmp_path / "model.onnx")
    assert not values_that_nobody_reads(tmp_path / "model.onnx")


@pytest.mark.parametrize("name", ["facades", "facades-embedding", "nuclei"])
def test_every_value_of_a_shipped_file_is_read(name: str):
    assert not values_that_nobody_reads(files("intarsia") / "models" / name / "model.onnx")


def values_that_nobody_reads(file: Path | Traversable) -> set[str]:
    graph = onnx.load_from_string(file.read_bytes()).graph
    read = {name for node in graph.node for name in node.input} | {output.name for output in graph.output}
    written = {name for node in graph.node for name in node.output if name}
    return (written | {tensor.name for tensor in graph.initializer}) - read


def test_a_method_with_boxes_says_why_it_stays_in_torch(tmp_path):
    method = PanopticFpn.__new__(PanopticFpn)
    with pytest.raises(InputError, match="whose boxes are chosen by torchvision's operators"):
        export_network(method, tmp_path / "model.onnx")
