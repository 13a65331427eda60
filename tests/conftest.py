"""What all tests share: how properties are drawn, and small data."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest
from hypothesis import settings

# Property tests draw the same examples everywhere and have no deadline, which a busy machine would miss.
settings.register_profile("intarsia", deadline=None, derandomize=True, max_examples=50)
settings.load_profile("intarsia")


@pytest.fixture(scope="session")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four street scenes to train on and two to validate on."""
    from intarsia.data.synthetic import write_synthetic  # only where it is asked for: it needs torch

    folder = tmp_path_factory.mktemp("streets")
    write_synthetic(folder, kind="street", num_train=4, num_val=2, seed=0)
    return folder


NEEDS_TORCH = re.compile(
    r"^\s*(?:import|from) (?:torch|timm|accelerate|supervision|yaml|nbformat)"
    r"|intarsia[.](?:methods|nets|data|losses|layers|engine|recipes)"
    r"|from tests[.](?:methods|engine|losses|pictures[.]test_orientation)|runs as written"
    r"|def test_.*[(,]\s*streets|check_jsonschema|mypy|pyright|train discriminative",
    re.MULTILINE,
)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Without torch, leave out the files and folders that need the training half or a tool of development."""
    if importlib.util.find_spec("torch") is not None or collection_path == Path(__file__).parent:
        return None
    source = collection_path / "conftest.py" if collection_path.is_dir() else collection_path
    if source.suffix != ".py" or not source.is_file():
        return None
    return True if NEEDS_TORCH.search(source.read_text()) else None
