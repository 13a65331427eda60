"""A PNG encoder for tests that can do what Pillow's cannot: every row filter, interlacing, every depth."""

from __future__ import annotations

import struct
import zlib

import numpy as np

GREY, RGB, PALETTE, RGBA = 0, 2, 3, 6
ADAM7 = [  # first row, first column, rows and columns between pixels (PNG 1.2, section 2.6)
    (0, 0, 8, 8),
    (0, 4, 8, 8),
    (4, 0, 8, 4),
    (0, 2, 4, 4),
    (2, 0, 4, 2),
    (0, 1, 2, 2),
    (1, 0, 2, 1),
]


def png_of(
    samples: np.ndarray,
    color: int,
    generator: np.random.Generator,
    *,
    bits: int = 8,
    interlaced: bool = False,
    palette: bytes = b"",
) -> bytes:
    """The file of an (h, w, channels) picture; each row has a filter of its own, drawn at random."""
    height, width, channels = samples.shape
    passes = (
        [samples[row::down, column::right] for row, column, down, right in ADAM7] if interlaced else [samples]
    )
    pixel = max(1, channels * bits // 8)
    packed = b"".join(_filtered(one, bits, pixel, generator) for one in passes if one.size)
    return png(width, height, bits, color, packed, interlaced=int(interlaced), palette=palette)


def png(
    width: int, height: int, bits: int, color: int, rows: bytes, *, interlaced: int = 0, palette: bytes = b""
) -> bytes:
    """A PNG around filtered rows."""
    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, interlaced)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    if palette:
        chunks.insert(1, (b"PLTE", palette))
    frame = [
        struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(frame)


def _filtered(samples: np.ndarray, bits: int, pixel: int, generator: np.random.Generator) -> bytes:
    rows = [_packed(row.ravel(), bits) for row in samples]
    above = [bytes(len(rows[0])), *rows]
    kinds = generator.integers(0, 5, len(rows)).tolist()
    lines = (_filter(kind, row, up, pixel) for kind, row, up in zip(kinds, rows, above[:-1], strict=True))
    return b"".join(lines)


def _packed(values: np.ndarray, bits: int) -> bytes:
    """A row of samples as bytes: the first sample in the highest bits, the last byte filled up with zeros."""
    if bits >= 8:
        return values.astype(">u2" if bits == 16 else np.uint8).tobytes()
    share = 8 // bits
    padded = np.pad(values, (0, -len(values) % share)).reshape(-1, share)
    return (padded << np.arange(8 - bits, -1, -bits)).sum(axis=1).astype(np.uint8).tobytes()


def _filter(kind: int, row: bytes, above: bytes, pixel: int) -> bytes:
    """PNG 1.2, section 6: each byte less what the filter expects from its left, upper and upper left ones."""
    out = [kind]
    for at, value in enumerate(row):
        a = row[at - pixel] if at >= pixel else 0
        b = above[at]
        c = above[at - pixel] if at >= pixel else 0
        nearest = min((a, b, c), key=lambda one: abs(a + b - c - one))
        out.append((value - (0, a, b, (a + b) // 2, nearest)[kind]) % 256)
    return bytes(out)
