"""Memory kept for the next layer: fewer new pages inside, and all given back afterwards."""

import platform
import subprocess
import sys

import pytest

from intarsia.methods.kept_memory import kept_memory

resource = pytest.importorskip("resource")  # not on Windows

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")


@glibc
def test_large_arrays_take_new_pages_once():
    with kept_memory():
        first, others = new_pages(1), new_pages(5)
    assert first > 10000
    assert others < 1000


@glibc
def test_afterwards_the_memory_is_given_back():
    """In a process of its own, where nothing else lies above what was freed."""
    program = """
from intarsia.methods.kept_memory import kept_memory
def resident_mb():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * 4096 / 1e6
before = resident_mb()
with kept_memory():
    with kept_memory():
        b"x" * (1 << 28)
    assert resident_mb() > before + 200, "kept while anybody is inside"
assert resident_mb() < before + 50
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def new_pages(times: int) -> int:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        bytes(bytearray(1 << 26))  # not by NumPy, which takes larger pages
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
