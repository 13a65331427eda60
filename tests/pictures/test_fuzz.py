"""A few mutated files on every run; `make fuzz` reads a million."""

from __future__ import annotations

import importlib.util
from pathlib import Path

FUZZ = Path(__file__).parents[2] / "native/fuzz/fuzz_pictures.py"


def test_mutated_pictures_and_labels_are_read_or_refused(tmp_path: Path):
    spec = importlib.util.spec_from_file_location("fuzz_pictures", FUZZ)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    refused, read = module.fuzz(tmp_path, seed=1, numbers=range(170))
    assert sum(read.values()) == 170
    assert min(refused[name] for name in read) > 0  # every kind is broken at least once
