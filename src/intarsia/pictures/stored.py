"""Pictures whose numbers Pillow would change, read as they are stored."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8

from intarsia._check import fail
from intarsia.pictures.colors import stretch_to_bytes
from intarsia.pictures.deep_png import is_deep_png, read_deep_png
from intarsia.pictures.pnm import is_pnm, read_pnm

__all__ = ["StoredPicture", "read_stored"]

HEAD_BYTES = 256
"""Enough to see how many channels and bits a JPEG 2000 has."""
JP2_SIGNATURE, CODESTREAM = b"\0\0\0\x0cjP  \r\n\x87\n", b"\xffO\xffQ"
CHANNELS_AT = 40
"""Where a codestream has the number of its channels, and then the depth of the first (ISO 15444-1, A.5.1)."""


@dataclass(frozen=True, eq=False)
class StoredPicture:
    """Numbers of a file.

    Attributes:
        values: All channels, 8 or 16 bits.
        num_color: How many of them are colours; what comes behind is alpha.
        white: The number that is shown white, in 8 bits; deeper pictures are stretched.
    """

    values: Shaped[np.ndarray, "h w c"]
    num_color: int
    white: int = 255

    def as_bytes(self) -> UInt8[np.ndarray, "h w 3"]:
        """As RGB of 8 bits."""
        colors = self.values[..., : self.num_color]
        if colors.dtype == np.uint8:
            rgb = np.rint(colors * (255 / self.white)).astype(np.uint8)
        else:
            rgb = stretch_to_bytes(colors)
        return np.ascontiguousarray(np.broadcast_to(rgb, (*rgb.shape[:2], 3)))


def read_stored(stream: Any, name: str) -> StoredPicture | None:
    """The numbers of an open file, where Pillow would give others; `None` where it gives these.

    Pillow keeps the upper halves of 16-bit colours in PNG and JPEG 2000, and stretches PGM and PPM to 8 or 16
    bits. Afterwards the file is where it was.

    Raises:
        ValueError: Deep colours of JPEG 2000, and the package that reads them is not installed; or the
            numbers are not all there.
    """
    place = stream.tell()
    stream.seek(0)
    try:
        head = stream.read(HEAD_BYTES)
        stream.seek(0)
        if is_deep_png(head):
            values = read_deep_png(stream.read())
            has_alpha = values.shape[2] in (2, 4)
            return StoredPicture(values, values.shape[2] - has_alpha)
        if is_pnm(head):
            values, white = read_pnm(stream.read())
            return StoredPicture(values, values.shape[2], white)
        if _is_deep_jpeg_2000(head):
            return _jpeg_2000(stream.read(), name)
    finally:
        stream.seek(place)
    return None


def _is_deep_jpeg_2000(head: bytes) -> bool:
    """Whether it has several channels of more than 8 bits, by the codestream or the box before it."""
    if head.startswith(CODESTREAM):
        count = head[CHANNELS_AT : CHANNELS_AT + 3]
    elif head.startswith(JP2_SIGNATURE) and b"ihdr" in head:
        at = head.index(b"ihdr") + 12  # four letters, height, width
        count = head[at : at + 3]
    else:
        return False
    return len(count) == 3 and int.from_bytes(count[:2], "big") > 1 and (count[2] & 0x7F) + 1 > 8


def _jpeg_2000(content: bytes, name: str) -> StoredPicture:
    try:
        decode = importlib.import_module("imagecodecs").jpeg2k_decode
    except ImportError:
        hint = "pip install 'intarsia[microscopy]'"
        fail(name, "of 8 bits where imagecodecs is not installed", "a JPEG 2000 of more", hint=hint)
    values = np.asarray(decode(content))
    values = values.reshape(*values.shape[:2], -1)
    return StoredPicture(values, 3 if values.shape[2] > 2 else 1)
