"""Uploads that people and others send: pictures, and what is none."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections.abc import Callable

import numpy as np
import tifffile
from PIL import Image


def photo(size: tuple[int, int] = (64, 96), *, seed: int = 0) -> Image.Image:
    """Blocks of colour."""
    blocks = np.random.default_rng(seed).integers(0, 256, (4, 6, 3), np.uint8)
    return Image.fromarray(blocks).resize((size[1], size[0]), Image.Resampling.NEAREST)


def encoded(image: Image.Image, format: str = "PNG", **options) -> bytes:
    """The bytes of a picture."""
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def tiff(values: np.ndarray, **options) -> bytes:
    """The bytes of a TIFF."""
    file = io.BytesIO()
    tifffile.imwrite(file, values, **options)
    return file.getvalue()


def png_of_header(height: int, width: int, *, bits: int = 8, color: int = 2) -> bytes:
    """A PNG that claims a size and has no pixel of it."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        body = kind + content
        return struct.pack(">I", len(content)) + body + struct.pack(">I", zlib.crc32(body))

    header = struct.pack(">IIBBBBB", width, height, bits, color, 0, 0, 0)
    data = zlib.compress(b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def endless_tiff() -> bytes:
    """A TIFF of 4 x 4 pixels that lie beyond its end."""
    entries = [
        (256, 4, 1, 4),
        (257, 4, 1, 4),
        (258, 3, 1, 8),
        (262, 3, 1, 1),
        (273, 4, 1, 1 << 30),
        (279, 4, 1, 16),
    ]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *row) for row in entries)
    return b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 0)


def zipped() -> bytes:
    """An archive with a picture in it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.png", encoded(photo()))
    return file.getvalue()


def animation() -> bytes:
    """A GIF of two frames."""
    frames = [photo(seed=seed) for seed in range(2)]
    return encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])


def many_channels() -> bytes:
    """A TIFF of seven fluorescence channels."""
    return tiff(np.zeros((7, 32, 32), np.uint16), imagej=True, metadata={"axes": "CYX"})


HOSTILE: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "text": lambda: b"not a picture at all",
    "html": lambda: b"<html><script>alert(1)</script></html>",
    "svg": lambda: b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "pdf": lambda: b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\n",
    "zip": zipped,
    "pickle": lambda: (
        b"\x80\x04\x95\x1c\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94."
    ),
    "array": lambda: b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
    "sound": lambda: b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(32),
    "noise": lambda: np.random.default_rng(0).bytes(5000),
    "heic": lambda: b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic" + bytes(64),
    "cut JPEG": lambda: encoded(photo(), "JPEG")[:400],
    "cut PNG": lambda: encoded(photo())[:80],
    "cut TIFF": lambda: tiff(np.zeros((64, 64), np.uint8))[:200],
    "cut deep PNG": lambda: encoded(Image.fromarray(np.zeros((64, 64), np.uint16)))[:60],
    "JPEG of garbage": lambda: b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + np.random.default_rng(1).bytes(500),
    "PNG bomb": lambda: png_of_header(60_000, 60_000),
    "large PNG": lambda: png_of_header(5_000, 5_000),
    "PNG of nothing": lambda: png_of_header(64, 64),
    "deep PNG bomb": lambda: png_of_header(30_000, 30_000, bits=16),
    "endless TIFF": endless_tiff,
    "TIFF of pages": lambda: tiff(np.zeros((3, 32, 32), np.uint8), photometric="minisblack"),
    "TIFF of channels": many_channels,
    "animation": animation,
    "too many bytes": lambda: bytes(3 << 20),
}
"""What must be refused in one sentence, where a file may have 2 MB and a picture 16 million pixels."""
