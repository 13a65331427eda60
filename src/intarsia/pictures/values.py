"""The numbers of a picture as its file has them: what intensities are measured from."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import numpy as np
from jaxtyping import Shaped
from PIL import Image

from intarsia.pictures.orientation import turn_upright
from intarsia.pictures.pillow_file import orientation_of
from intarsia.pictures.reading import name_of, read_image
from intarsia.pictures.stored import StoredPicture, read_stored
from intarsia.pictures.tiff import is_tiff, open_tiff

__all__ = ["read_values"]

GRAY_MODES = ("1", "L", "I", "F", "I;16", "I;16B", "I;16L")


def read_values(source: str | Path | bytes, *, page: int | None = None) -> Shaped[np.ndarray, "h w c"]:
    """Read a picture's channels without stretching them to 8 bits; alpha is left out.

    `read_image` is for looking and for networks; there 12 bits and 16 look alike.

    Args:
        source: A file's name or content, which `read_image` can read with the same page.
        page: Which page of a stack.

    Returns:
        Upright, of the type that the file has. Palettes, CMYK and the like become 8-bit RGB.

    Raises:
        ValueError: As `read_image`.

    Example:
        >>> file = BytesIO(); Image.fromarray(np.full((2, 3), 4095, np.uint16)).save(file, "PNG")
        >>> read_values(file.getvalue()).shape, int(read_values(file.getvalue())[0, 0, 0])
        ((2, 3, 1), 4095)
    """
    name = name_of(source)
    content = source if isinstance(source, bytes) else Path(source).read_bytes()
    if is_tiff(content[:32]):
        with open_tiff(BytesIO(content), name) as stack:
            tiff_page = stack.read(page or 0)
        if tiff_page.palette is None:
            shown = (
                tiff_page.values if tiff_page.needs_choice else tiff_page.values[..., : tiff_page.num_color]
            )
            return turn_upright(shown, tiff_page.orientation)
    elif not page and (tiff_page := _read_deep(content, name)) is not None:
        return turn_upright(tiff_page.values[..., : tiff_page.num_color], _orientation(content))
    elif (gray := _gray(content, page)) is not None:
        return turn_upright(gray[..., None], _orientation(content))
    return read_image(content, page=page)


def _gray(content: bytes, page: int | None) -> np.ndarray | None:
    """The one channel of a gray picture; None for all others, and for what `read_image` will refuse."""
    try:
        with Image.open(BytesIO(content)) as image:
            if image.mode not in GRAY_MODES:
                return None
            image.seek(page or 0)
            return np.asarray(image)
    except Exception:  # read_image says what is wrong
        return None


def _read_deep(content: bytes, name: str) -> StoredPicture | None:
    try:
        return read_stored(BytesIO(content), name)
    except Exception:  # read_image says what is wrong
        return None


def _orientation(content: bytes) -> int:
    with Image.open(BytesIO(content)) as image:
        return orientation_of(image)
