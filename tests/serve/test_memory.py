"""The server's memory stays where it is: what it does not need goes back to the system."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import numpy as np
import pytest
from starlette.testclient import TestClient

from intarsia import _glibc
from intarsia.methods.kept_memory import kept_memory
from intarsia.serve import memory
from intarsia.serve.app import create_app
from intarsia.serve.desk import Desk
from intarsia.serve.memory import SpareMemory
from intarsia.serve.uploads import Limits
from tests.serve.uploads import HOSTILE, encoded, photo

on_glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="has other heaps")


class Library:
    """Counts instead of the C library."""

    def __init__(self) -> None:
        self.trims = 0

    def malloc_trim(self, pad: int) -> None:
        self.trims += 1


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@on_glibc
def test_what_lies_free_between_what_is_kept_goes_back():
    """Every other of 4,000 blocks of 40 kB is freed: 80 MB between 80 MB that stay."""
    blocks = [np.ones(40_000, np.uint8) for _ in range(4_000)]
    kept = blocks[::2]
    del blocks
    before = resident_bytes()
    SpareMemory().give_back()
    assert before - resident_bytes() > 40e6
    assert len(kept) == 2_000


def test_it_goes_back_at_most_once_a_second(monkeypatch: pytest.MonkeyPatch):
    library, now_s = Library(), [100.0]
    monkeypatch.setattr(memory, "glibc", lambda: library)
    monkeypatch.setattr(memory.time, "monotonic", lambda: now_s[0])
    spare = SpareMemory()
    for step_s in (0.0, 0.4, 0.5, 0.2, 5.0):
        now_s[0] += step_s
        spare.give_back()
    assert library.trims == 3  # at 100.0, 101.1, 106.1


def test_where_the_heaps_are_others_nothing_happens(monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(_glibc.sys, "platform", "darwin")
    monkeypatch.setattr(_glibc.ctypes, "CDLL", asked.append)
    _glibc.glibc.cache_clear()
    try:
        memory.keep_memory_together()
        SpareMemory().give_back()
        with kept_memory():
            pass
        assert _glibc.glibc() is None
        assert not asked
    finally:
        _glibc.glibc.cache_clear()


def test_memory_goes_back_after_uploads_good_and_bad_and_after_a_look(models, monkeypatch):
    library = Library()
    monkeypatch.setattr(memory, "glibc", lambda: library)
    monkeypatch.setattr(memory, "TRIM_EVERY_S", 0.0)
    desk = Desk(models, limits=Limits(), max_bytes=1 << 20, max_waiting=4)
    with TestClient(create_app(desk), base_url="http://localhost") as client:
        assert client.post("/api/pictures", content=HOSTILE["text"]()).status_code == 400
        assert library.trims == 1
        token = client.post("/api/pictures", content=encoded(photo())).json()["token"]
        assert library.trims == 2
        assert client.post(f"/api/pictures/{token}/maps/0").status_code == 200
        assert library.trims == 3
