"""PGM and PPM, binary and plain: the numbers that are stored, which Pillow stretches to 8 or 16 bits."""

from __future__ import annotations

import re

import numpy as np
from jaxtyping import Shaped

__all__ = ["is_pnm", "read_pnm"]

NUM_CHANNELS = {b"P2": 1, b"P3": 3, b"P5": 1, b"P6": 3}
PLAIN = (b"P2", b"P3")
_HEADER = re.compile(rb"(P[2356])" + 3 * rb"(?:\s|#[^\r\n]*[\r\n])+(\d+)" + rb"\s")
_COMMENT = re.compile(rb"#[^\r\n]*")


def is_pnm(head: bytes) -> bool:
    """Whether a file that begins with these bytes is one; PBM, whose pixels are bits, is not.

    Example:
        >>> is_pnm(b"P5 2 1 255 ab"), is_pnm(b"P4 2 1 a")
        (True, False)
    """
    return head[:2] in NUM_CHANNELS and head[2:3] in tuple(b" \t\r\n#"[n : n + 1] for n in range(5))


def read_pnm(content: bytes) -> tuple[Shaped[np.ndarray, "h w c"], int]:
    r"""The stored numbers, and the largest that the file says there can be: what it shows white.

    Raises:
        ValueError: The header is broken, numbers are missing, or one is larger than the file says.

    Example:
        >>> values, white = read_pnm(b"P2 # ours\n3 1\n10\n0 3 10")
        >>> values.tolist(), white
        ([[[0], [3], [10]]], 10)
    """
    header = _HEADER.match(content)
    if header is None:
        raise ValueError("no width, height and largest number")
    kind, (width, height, white) = header[1], map(int, header.groups()[1:])
    if not 0 < white < 1 << 16:
        raise ValueError(f"a largest number of {white}")
    count = height * width * NUM_CHANNELS[kind]
    if kind in PLAIN:
        values = np.array(_COMMENT.sub(b" ", content[header.end() :]).split()[:count], np.int64)
    else:
        stored = np.dtype(">u2") if white > 255 else np.dtype(np.uint8)
        whole = len(content) - (len(content) - header.end()) % stored.itemsize
        values = np.frombuffer(content[header.end() : whole], stored)[:count]
    if len(values) < count:
        raise ValueError(f"{len(values)} numbers of {count}")
    if values.size and not 0 <= int(values.min()) <= int(values.max()) <= white:
        raise ValueError(f"{values.max()} where {white} is the largest")
    kept = values.astype(np.uint16 if white > 255 else np.uint8)
    return kept.reshape(height, width, NUM_CHANNELS[kind]), white
