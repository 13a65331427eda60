"""A model for the commands that look into one."""

import pytest
import torch

from tests.methods.conftest import hierarchical


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """The folder of an untrained model with an embedding."""
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("model")
    hierarchical().save(folder)
    return str(folder)
