"""Let the `model.onnx` of a model read its weights from the `model.safetensors` beside it: half the size.

    python -m tools.share_weights FOLDER ...

For models that ship inside the package. What `intarsia export` writes for elsewhere stays one file.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import onnx
import tyro

from intarsia._files import whole
from intarsia.runtime.model_files import ModelFolder

SMALLEST = 256
"""Bytes from which on an array is shared: its address takes a hundred."""


def share_weights(folder: Path) -> None:
    """Write `model.onnx` anew, each array that the safetensors hold, too, by its place in them.

    Raises:
        RuntimeError: The written file does not hold what the old one held.
    """
    files = ModelFolder(folder)
    model: Any = onnx.load(str(files.network))
    before = _contents(model)
    places = _places(files.weights)
    for tensor in model.graph.initializer:
        place = places.get((tensor.data_type, tensor.raw_data))
        if place is not None and len(tensor.raw_data) >= SMALLEST:
            _refer(tensor, files.weights.name, *place)
    with whole(files.network) as partial:
        partial.write_bytes(model.SerializeToString())
        if _contents(onnx.load(str(partial))) != before:
            raise RuntimeError(f"{files.network}: it would not hold the same weights")


def _contents(model: Any) -> dict[str, bytes]:
    return {tensor.name: onnx.numpy_helper.to_array(tensor).tobytes() for tensor in model.graph.initializer}


def _places(weights: Path) -> dict[tuple[int, bytes], tuple[int, int]]:
    """Where in a safetensors file each content lies, by its kind of number in ONNX: offset and length."""
    data = weights.read_bytes()
    start = 8 + int.from_bytes(data[:8], "little")
    kinds = {"F16": onnx.TensorProto.FLOAT16, "F32": onnx.TensorProto.FLOAT}
    places = {}
    for name, entry in json.loads(data[8:start]).items():
        if name == "__metadata__" or entry["dtype"] not in kinds:
            continue
        first, last = (start + offset for offset in entry["data_offsets"])
        places[kinds[entry["dtype"]], data[first:last]] = (first, last - first)
    return places


def _refer(tensor: Any, file: str, offset: int, length: int) -> None:
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    for key, value in (("location", file), ("offset", offset), ("length", length)):
        tensor.external_data.add(key=key, value=str(value))


def main(folders: tyro.conf.Positional[tuple[Path, ...]], /) -> None:
    """Share the weights of each model folder."""
    for folder in folders:
        share_weights(folder)
        print(f"{folder}: {sum(file.stat().st_size for file in folder.iterdir()) / 1e6:.1f} MB")


if __name__ == "__main__":
    tyro.cli(main)
