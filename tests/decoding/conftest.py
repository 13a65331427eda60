"""Decoding is tested on the scene that methods learn."""

from tests.methods.conftest import categories, scene

__all__ = ["categories", "scene"]
