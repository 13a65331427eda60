"""A few mutated files on every run; `make fuzz` reads a million."""

from __future__ import annotations

import importlib.util
from itertools import count
from pathlib import Path
from typing import Any

import pytest

FUZZ = Path(__file__).parents[2] / "native/fuzz/fuzz_pictures.py"


def fuzz_module() -> Any:
    spec = importlib.util.spec_from_file_location("fuzz_pictures", FUZZ)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_an_input_that_hangs_ends_the_run():
    """A TIFF whose pages led in a circle once kept the run busy for ever."""
    fuzz = fuzz_module()
    with pytest.raises(fuzz.Hang, match=r"more than 0\.1 s of computing"), fuzz.limited(0.1):
        next(n for n in count() if n < 0)


def test_mutated_pictures_and_labels_are_read_or_refused(tmp_path: Path):
    refused, read = fuzz_module().fuzz(tmp_path, seed=1, numbers=range(170))
    assert sum(read.values()) == 170
    assert min(refused[name] for name in read) > 0  # every kind is broken at least once
