"""Reading and writing the PNGs whose colours are segment ids (id = R + 256 G + 65536 B)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Int, Int32
from PIL import Image

from intarsia._check import fail
from intarsia.panoptic import ids_to_rgb, rgb_to_ids


def read_ids(path: str | Path) -> Int32[np.ndarray, "h w"]:
    """Read the ids of a panoptic PNG.

    Raises:
        ValueError: The file is missing, is no complete image, or has no three 8-bit colour channels.
    """
    try:
        with Image.open(path) as image:
            mode, rgb = image.mode, np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        fail(str(path), "a readable panoptic PNG", f"{type(error).__name__}: {error}")
    if mode not in ("RGB", "RGBA"):
        fail(str(path), "a PNG with 8-bit RGB colours, id = R + 256 G + 65536 B", f"mode {mode}")
    return rgb_to_ids(rgb[..., :3])


def write_ids(path: str | Path, ids: Int[np.ndarray, "h w"]) -> None:
    """Write ids as a panoptic PNG; the file appears whole or not at all.

    Raises:
        ValueError: An id does not fit into three bytes.
    """
    path = Path(path)
    partial = path.with_name(path.name + ".partial")
    Image.fromarray(ids_to_rgb(ids)).save(partial, format="PNG", compress_level=1)
    partial.replace(path)
