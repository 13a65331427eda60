"""Reading a photo or a microscope picture of any kind as 8-bit RGB."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from intarsia._check import fail
from intarsia.errors import InputError


def read_image(path: str | Path, *, upright: bool = False) -> UInt8[np.ndarray, "h w 3"]:
    """Read an image file as 8-bit RGB.

    Gray, palette and CMYK pictures become RGB, transparency is dropped, of several pages the first counts.
    Deeper pixels (16 bit, float) are stretched from the 0.1st to the 99.9th percentile, because cameras of 12
    or 14 bits store in 16.

    Args:
        path: Any format that Pillow reads.
        upright: Turn the picture as its EXIF orientation asks. Maps drawn on the stored pixels need it off.

    Raises:
        ValueError: The file is missing, no image, truncated, or larger than Pillow's limit against bombs.

    Example:
        >>> import tempfile; path = Path(tempfile.mkdtemp()) / "gray.png"
        >>> Image.new("L", (3, 2), 7).save(path)
        >>> read_image(path).shape, read_image(path)[0, 0].tolist()
        ((2, 3, 3), [7, 7, 7])
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                turned = ImageOps.exif_transpose(image) if upright else image
                return as_rgb(turned)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        fail(str(path), f"an image of at most {Image.MAX_IMAGE_PIXELS} pixels", f"one of {_size_of(path)}")
    except FileNotFoundError:
        fail(str(path), "an image", "no such file")
    except InputError:
        raise
    except Exception as error:  # on damaged files Pillow's readers raise almost anything
        fail(str(path), "a readable image", f"{type(error).__name__}: {error}")


def as_rgb(image: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    """A Pillow image of any mode as 8-bit RGB, as `read_image` has it.

    Example:
        >>> as_rgb(Image.new("L", (2, 1), 7)).tolist()
        [[[7, 7, 7], [7, 7, 7]]]
    """
    if image.mode.startswith(("I", "F")):
        return _stretched(np.asarray(image, np.float64))
    if image.mode in ("P", "PA", "LA"):
        image = image.convert("RGBA")
    return np.array(image.convert("RGB"))


def _stretched(values: np.ndarray) -> UInt8[np.ndarray, "h w 3"]:
    values = np.nan_to_num(values)
    low, high = np.percentile(values, [0.1, 99.9])
    gray = np.clip((values - low) / max(high - low, 1e-12), 0, 1) * 255
    return np.repeat(gray.round().astype(np.uint8)[..., None], 3, axis=2)


def _size_of(path: str | Path) -> str:
    """The size that a file claims, read without Pillow's limit."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    try:
        with Image.open(path) as image:
            return f"{image.height}x{image.width}"
    finally:
        Image.MAX_IMAGE_PIXELS = limit
