"""A small data set on disk, drawn once."""

from __future__ import annotations

from pathlib import Path

import pytest

from intarsia.data.synthetic import write_synthetic


@pytest.fixture(scope="session")
def sticks_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven training images and two for validation of scattered sticks."""
    folder = tmp_path_factory.mktemp("sticks")
    write_synthetic(folder, kind="sticks", num_train=7, num_val=2, seed=3)
    return folder
