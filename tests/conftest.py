"""What all tests share: how properties are drawn, and small data."""

from __future__ import annotations

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
