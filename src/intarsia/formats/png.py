"""Reading and writing the PNGs whose colours are segment ids (id = R + 256 G + 65536 B)."""

from __future__ import annotations

import os
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, NoReturn

import deflate
import numpy as np
from jaxtyping import Int, Int32, UInt8
from PIL import Image

import intarsia._native as _native
from intarsia._files import whole
from intarsia.errors import InputError
from intarsia.panoptic import ids_to_rgb, rgb_to_ids

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
BIT_DEPTH_AT = 24
"""Where the header of a PNG says how many bits a sample has."""
MAX_FAST_PIXELS = 1 << 26
"""Larger pictures are Pillow's, which knows a decompression bomb."""

LARGEST_KEPT_BUFFER = (32 << 20) - (1 << 16)
"""Bytes, just below the largest that glibc learns from (DEFAULT_MMAP_THRESHOLD_MAX)."""


class UnreadableError(InputError):
    """A file is missing, broken or of a kind that cannot hold ids; other files may be fine."""


@dataclass(frozen=True, slots=True)
class FilteredRows:
    """A plain PNG after inflating and before undoing its row filters: what the native core counts from."""

    height: int
    width: int
    channels: int
    rows: UInt8[np.ndarray, " n"]


def read_ids(path: str | Path) -> Int32[np.ndarray, "h w"]:
    """Read the ids of a panoptic PNG: 8-bit RGB, RGBA (alpha is left out) or palette, interlaced or not.

    Raises:
        UnreadableError: The file is missing, is no complete PNG, or has no three 8-bit colour channels.
    """
    content = _read_png(path)
    fast = _inflate(content, path)
    if fast is None:
        return _read_with_pillow(content, path)
    try:
        return _native.read_png_rows(fast.rows, fast.height, fast.width, fast.channels)
    except ValueError:
        return _read_with_pillow(content, path)


def read_filtered(path: str | Path) -> FilteredRows | None:
    """The filtered rows of a plain panoptic PNG; `None` if only `read_ids` can read it, or say what is wrong.

    Raises:
        UnreadableError: The file is missing, no PNG, or has fewer pixels than it says.
    """
    return _inflate(_read_png(path), path)


def keep_freed_buffers() -> None:
    """Let pictures that are read one after the other reuse the memory of those before; call it once.

    glibc hands a large buffer back when it is freed, and the next picture waits for fresh pages, half of its
    time. Freeing the largest buffer for which it learns makes it keep as much; elsewhere nothing happens.
    """
    np.empty(LARGEST_KEPT_BUFFER, np.uint8)  # never touched: costs nothing


def _read_png(path: str | Path) -> bytes:
    try:
        content = _content(path)
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        _unreadable(path, "a readable panoptic PNG", getattr(error, "strerror", None) or str(error))
    if not content.startswith(PNG_SIGNATURE):
        _unreadable(path, "a PNG", f"a file that starts with {content[:8]!r}")
    return content


def _content(path: str | Path) -> bytes:
    """A file's bytes in few calls: in each another thread may take the interpreter, and keep it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        size = os.fstat(descriptor).st_size
        content = os.read(descriptor, size)
    finally:
        os.close(descriptor)
    return content if size and len(content) == size else Path(path).read_bytes()  # a pipe, or a slow disk


def _inflate(content: bytes, path: str | Path) -> FilteredRows | None:
    picture: Any = _native.find_png_picture(content, MAX_FAST_PIXELS)
    if picture is None:
        return None
    height, width, channels, packed = picture
    size = height * (1 + width * channels)
    try:
        rows = np.frombuffer(deflate.zlib_decompress(packed, size), np.uint8)
    except deflate.DeflateError:
        return None
    if len(rows) < size:  # Pillow would show zeros
        _unreadable(path, f"a PNG with {size} bytes of pixels, as its header says", str(len(rows)))
    return FilteredRows(height, width, channels, rows)


def _read_with_pillow(content: bytes, path: str | Path) -> Int32[np.ndarray, "h w"]:
    try:
        with Image.open(BytesIO(content), formats=["PNG"]) as image:
            mode, bits = image.mode, content[BIT_DEPTH_AT]
            wanted = mode in ("RGB", "RGBA", "P") and bits <= 8
            rgb = np.asarray(image.convert("RGB") if mode == "P" else image) if wanted else None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        _unreadable(path, "a readable panoptic PNG", f"{type(error).__name__}: {error}")
    if rgb is None:
        _unreadable(
            path, "a PNG with 8-bit RGB colours, id = R + 256 G + 65536 B", f"mode {mode}, {bits} bits"
        )
    return rgb_to_ids(rgb[..., :3])


def _unreadable(path: str | Path, expected: str, got: str) -> NoReturn:
    raise UnreadableError(f"`{path}` must be {expected}, got {got}.")


def write_ids(path: str | Path, ids: Int[np.ndarray, "h w"]) -> None:
    """Write ids as a panoptic PNG; the file appears whole or not at all.

    Raises:
        ValueError: An id does not fit into three bytes.
    """
    with whole(path) as partial:
        Image.fromarray(ids_to_rgb(ids)).save(partial, format="PNG", compress_level=1)
