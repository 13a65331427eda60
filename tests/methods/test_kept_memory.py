"""Memory kept for the next layer: fewer new pages inside, and all given back afterwards."""

import platform
import subprocess
import sys

import pytest

resource = pytest.importorskip("resource")  # not on Windows

glibc = pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="mallopt is glibc's")


@glibc
def test_large_arrays_take_new_pages_once():
    told = run("""
from resource import RUSAGE_SELF, getrusage
from intarsia.methods.kept_memory import kept_memory
def new_pages(times):
    before = getrusage(RUSAGE_SELF).ru_minflt
    for _ in range(times):
        bytes(bytearray(1 << 26))  # not by NumPy, which takes larger pages
    return getrusage(RUSAGE_SELF).ru_minflt - before
without = new_pages(5)
with kept_memory():
    new_pages(1)
    print(without, new_pages(5))
""")
    without, within = map(int, told.split())
    if without == 0:
        pytest.skip("this system counts no new pages")
    assert within < without / 10


@glibc
def test_afterwards_the_memory_is_given_back():
    run("""
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
""")


def run(program: str) -> str:
    """In a process of its own: no other test has grown its heap, and nothing lies above what was freed."""
    return subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True).stdout
