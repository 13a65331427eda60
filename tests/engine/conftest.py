"""A synthetic data set on disk, shared by the tests of training and prediction."""

from __future__ import annotations

from pathlib import Path

import pytest

from intarsia.data.synthetic import write_synthetic


@pytest.fixture(scope="session")
def streets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four street scenes to train on and two to validate on."""
    folder = tmp_path_factory.mktemp("streets")
    write_synthetic(folder, kind="street", num_train=4, num_val=2, seed=0)
    return folder
