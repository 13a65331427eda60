"""16-bit PNGs of several channels keep all their bits, whatever their row filters."""

from __future__ import annotations

import struct
import zlib
from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from intarsia.errors import InputError
from intarsia.pictures.deep_png import read_deep_png
from intarsia.pictures.reading import read_image

COLOR_TYPE = {2: 4, 3: 2, 4: 6}
NUM_FILTERS = 5


def png(values: np.ndarray) -> bytes:
    """A PNG of 16 bits (h, w, c) whose rows use all five filters in turn."""
    height, width, channels = values.shape
    rows = values.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    step = 2 * channels
    lines = []
    for y in range(height):
        left = np.pad(rows[y], (step, 0))[: rows.shape[1]]
        above = rows[y - 1] if y else np.zeros_like(rows[y])
        corner = np.pad(above, (step, 0))[: rows.shape[1]]
        guess = left + above - corner
        near = np.stack([abs(guess - left), abs(guess - above), abs(guess - corner)]).argmin(0)
        paeth = np.choose(near, [left, above, corner])
        predicted = [0 * left, left, above, (left + above) // 2, paeth][y % NUM_FILTERS]
        lines.append(bytes([y % NUM_FILTERS]) + ((rows[y] - predicted) % 256).astype(np.uint8).tobytes())

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 16, COLOR_TYPE[channels], 0, 0, 0)
    packed = zlib.compress(b"".join(lines))
    halves = packed[: len(packed) // 2], packed[len(packed) // 2 :]
    body = b"".join(chunk(b"IDAT", half) for half in halves)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body + chunk(b"IEND", b"")


@given(st.integers(0, 2**32), st.sampled_from([2, 3, 4]), st.integers(1, 9), st.integers(1, 9))
def test_every_bit_comes_back(seed: int, channels: int, height: int, width: int):
    values = np.random.default_rng(seed).integers(0, 1 << 16, (height, width, channels), np.uint16)
    assert np.array_equal(read_deep_png(png(values)), values)


@pytest.mark.parametrize("channels", [2, 3, 4])
def test_twelve_bits_in_sixteen_are_stretched_like_gray(channels: int):
    ramp = np.linspace(0, 4095, 24 * 32).round().astype(np.uint16).reshape(24, 32)
    file = BytesIO()
    Image.fromarray(ramp).save(file, "PNG")
    gray = read_image(file.getvalue())
    assert gray.max() == 255
    values = np.stack([ramp] * channels, axis=-1)
    if channels in (2, 4):
        values[..., -1] = 65535  # opaque
    assert np.array_equal(read_image(png(values)), gray)
    assert np.array_equal(read_image(png(values), channel=0), gray)


def test_one_that_is_cut_off_is_refused():
    file = png(np.random.default_rng(0).integers(0, 1 << 16, (24, 32, 3), np.uint16))
    with pytest.raises(InputError, match="`image` must be a readable image"):
        read_image(file[: len(file) // 2])
