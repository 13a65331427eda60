"""A desk with two shipped models, and someone who talks to it as a browser does."""

from __future__ import annotations

import importlib.util

import pytest
from starlette.testclient import TestClient

from intarsia.serve.app import create_app
from intarsia.serve.desk import Desk
from intarsia.serve.models import ServedModel, served_models
from intarsia.serve.uploads import Limits

LIMITS = Limits(max_bytes=2 << 20, max_pixels=16_000_000)


@pytest.fixture(scope="session")
def models() -> list[ServedModel]:
    return served_models(["facades", "facades-embedding"], device="cpu")


@pytest.fixture
def desk(models: list[ServedModel]) -> Desk:
    return Desk(models, limits=LIMITS, max_bytes=64 << 20, max_waiting=4)


@pytest.fixture
def client(desk: Desk):
    with TestClient(create_app(desk), base_url="http://127.0.0.1:8765") as talking:
        yield talking


collect_ignore = [] if importlib.util.find_spec("playwright") else ["browser.py"]  # see `make test-browser`
