"""Models as the cache of a hub lays them out: every file a link to a blob of another name."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pytest

import intarsia
from intarsia.cli import main
from intarsia.errors import InputError
from intarsia.formats.coco import read_coco, read_map
from intarsia.runtime.find import model_folder

ALL = ("categories.json", "config.json", "model.onnx", "model.safetensors")
PHOTO = "examples/photos/china.jpg"


def hub_cache(root: Path, links: tuple[str, ...] = ALL) -> Path:
    """`models--owner--name` as huggingface_hub downloads it; files that are no links are copies."""
    blobs, snapshot = (
        root / "models--owner--name" / "blobs",
        root / "models--owner--name" / "snapshots" / "3f2a",
    )
    blobs.mkdir(parents=True)
    snapshot.mkdir(parents=True)
    with model_folder("facades") as folder:
        for name in ALL:
            content = (folder.path / name).read_bytes()
            if name in links:
                blob = hashlib.sha256(content).hexdigest()
                (blobs / blob).write_bytes(content)
                (snapshot / name).symlink_to(Path("..", "..", "blobs", blob))
            else:
                (snapshot / name).write_bytes(content)
    return snapshot


@pytest.mark.parametrize("backend", ["onnxruntime", "openvino"])
@pytest.mark.parametrize(
    "links", [ALL, ("model.safetensors",), ("model.onnx",)], ids=["all", "weights", "net"]
)
def test_links_give_the_map_of_files(tmp_path: Path, monkeypatch, backend, links: tuple[str, ...]):
    pytest.importorskip(backend)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)
    linked = intarsia.load(hub_cache(tmp_path, links), backend=backend, threads=1)
    assert [path.name for path in tmp_path.iterdir()] == ["models--owner--name"]  # no copy stays
    expected = intarsia.load("facades", backend=backend, threads=1).view(image).arrays
    arrays = linked.view(image).arrays
    assert arrays.keys() == expected.keys()
    assert all(np.array_equal(arrays[name], expected[name]) for name in arrays)


def test_the_shell_predicts_with_a_model_of_the_cache(tmp_path: Path):
    snapshot = hub_cache(tmp_path)
    for model, out in ((str(snapshot), "linked"), ("facades", "shipped")):
        words = ["predict", PHOTO, "--model", model, "--out", str(tmp_path / out), "--no-overlays"]
        assert main(words) == 0
    linked, shipped = (
        read_map(read_coco(tmp_path / out / "panoptic.json").records[0], tmp_path / out / "panoptic")
        for out in ("linked", "shipped")
    )
    assert linked == shipped


def test_what_is_wrong_names_the_file_of_the_cache(tmp_path: Path):
    snapshot = hub_cache(tmp_path)
    (snapshot / "model.safetensors").resolve().write_bytes(b"cut off")
    with pytest.raises(InputError, match=r"snapshots/3f2a/model.onnx` must be a whole ONNX file"):
        intarsia.load(snapshot, backend="onnxruntime")
    shutil.rmtree(snapshot.parents[1] / "blobs")
    with pytest.raises(InputError, match=r"categories.json|config.json|model.onnx"):
        intarsia.load(snapshot, backend="onnxruntime")
