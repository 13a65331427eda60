"""PNGs of 16 bits and several channels, of which Pillow keeps only the upper halves."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import UInt16
from PIL import Image

__all__ = ["is_deep_png", "read_deep_png"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOR_TYPES = (2, 4, 6)
"""RGB, gray with alpha, RGBA. Plain gray of 16 bits is Pillow's own `I;16`."""


def is_deep_png(head: bytes) -> bool:
    """Whether a file that begins with these 26 bytes is such a PNG.

    Example:
        >>> is_deep_png(b"GIF89a")
        False
    """
    return head.startswith(SIGNATURE) and len(head) >= 26 and head[24] == 16 and head[25] in COLOR_TYPES


def read_deep_png(content: bytes) -> UInt16[np.ndarray, "h w c"]:
    """The full values: 2 channels (gray, alpha), 3 (RGB) or 4 (RGBA).

    Pillow's decoder is asked for the upper bytes and for the lower ones: it knows big and little endian
    samples, and keeps the upper byte of whatever it is told that they are.

    Raises:
        ValueError: The pixels are not all there.
    """
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    color_type, interlacing = content[25], content[28]
    stream = b"".join(data for kind, data in _chunks(content) if kind == b"IDAT")
    size = (width, height)

    def decode(mode: str, raw_mode: str) -> np.ndarray:
        return np.asarray(Image.frombytes(mode, size, stream, "zip", raw_mode, interlacing))

    if color_type == 4:  # the four bytes of a pixel, as if they were RGBA
        pairs = decode("RGBA", "RGBA").reshape(height, width, 2, 2)
        upper, lower = pairs[..., 0], pairs[..., 1]
    else:
        mode = "RGB" if color_type == 2 else "RGBA"
        upper, lower = decode(mode, f"{mode};16B"), decode(mode, f"{mode};16L")
    return upper.astype(np.uint16) << 8 | lower


def _chunks(content: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(SIGNATURE)
    while at + 8 <= len(content):
        length = int.from_bytes(content[at : at + 4], "big")
        yield content[at + 4 : at + 8], content[at + 8 : at + 8 + length]
        at += length + 12
