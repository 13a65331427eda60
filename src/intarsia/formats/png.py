"""Reading and writing the PNGs whose colours are segment ids (id = R + 256 G + 65536 B)."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import numpy as np
from jaxtyping import Int, Int32
from PIL import Image

from intarsia._check import InputError
from intarsia.panoptic import ids_to_rgb, rgb_to_ids

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
BIT_DEPTH_AT = 24
"""Where the header of a PNG says how many bits a sample has."""


class UnreadableError(InputError):
    """A file is missing, broken or of a kind that cannot hold ids; other files may be fine."""


def read_ids(path: str | Path) -> Int32[np.ndarray, "h w"]:
    """Read the ids of a panoptic PNG: 8-bit RGB, RGBA (alpha is left out) or palette, interlaced or not.

    Raises:
        UnreadableError: The file is missing, is no complete PNG, or has no three 8-bit colour channels.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        _unreadable(path, "a readable panoptic PNG", error.strerror or str(error))
    if not content.startswith(PNG_SIGNATURE):
        _unreadable(path, "a PNG", f"a file that starts with {content[:8]!r}")
    return _read_with_pillow(path)


def _read_with_pillow(path: str | Path) -> Int32[np.ndarray, "h w"]:
    try:
        with open(path, "rb") as file, Image.open(file, formats=["PNG"]) as image:
            file.seek(BIT_DEPTH_AT)
            mode, bits = image.mode, file.read(1)[0]
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
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    Image.fromarray(ids_to_rgb(ids)).save(partial, format="PNG", compress_level=1)
    partial.replace(path)
