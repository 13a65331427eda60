"""A file that Pillow opens; whatever is wrong with it is one sentence."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from PIL import Image, UnidentifiedImageError

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.pictures.file_kinds import HEAD, no_picture

__all__ = ["num_frames", "open_with_pillow", "orientation_of"]

ORIENTATION = 0x0112
ANIMATIONS = frozenset({"GIF", "PNG", "WEBP", "AVIF", "FLI"})
"""Formats whose further frames are pictures in their own right; those of a phone's JPEG or a HEIF are not."""


@contextmanager
def open_with_pillow(stream: Any, name: str) -> Iterator[Image.Image]:
    """The file by Pillow; whatever is wrong with it is one sentence."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with _identify(stream) as image:
                yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        _fail_too_large(stream, name)
    except InputError:
        raise
    except UnidentifiedImageError:
        stream.seek(0)
        kind, hint = no_picture(stream.read(HEAD))
        if kind:
            fail(name, "a readable image", kind, hint=hint)
        fail(name, "a readable image", "no kind of image that is known", hint=_plugin_hint(stream))
    except Exception as error:  # on damaged files Pillow's readers raise almost anything
        fail(name, "a readable image", f"{type(error).__name__}: {error}")


def _identify(stream: Any) -> Image.Image:
    """Open with Pillow; photos of phones (HEIF) by the plug-in that a user may have."""
    try:
        return Image.open(stream)
    except UnidentifiedImageError:
        with suppress(ImportError):
            importlib.import_module("pillow_heif").register_heif_opener()
            stream.seek(0)
            return Image.open(stream)
        raise


def _plugin_hint(stream: Any) -> str:
    with suppress(OSError, ValueError):
        stream.seek(4)
        if stream.read(8) in (b"ftypheic", b"ftypheix", b"ftypmif1", b"ftyphevc"):
            return "Photos of this kind (HEIC) are read with: pip install pillow-heif"
    return ""


def _fail_too_large(stream: Any, name: str) -> NoReturn:
    """Name the size that a file claims, read without Pillow's limit."""
    limit, Image.MAX_IMAGE_PIXELS = Image.MAX_IMAGE_PIXELS, None
    size = "more"
    try:
        stream.seek(0)
        with suppress(Exception), Image.open(stream) as image:  # what claims so much is often broken, too
            size = f"{image.height}x{image.width}"
    finally:
        Image.MAX_IMAGE_PIXELS = limit
    fail(name, f"an image of at most {limit} pixels", f"one of {size}")


def num_frames(image: Image.Image) -> int:
    """How many pictures a file has, each in its own right."""
    return int(getattr(image, "n_frames", 1)) if image.format in ANIMATIONS else 1


def orientation_of(image: Any) -> int:
    """The EXIF orientation; a block that is broken says nothing."""
    with suppress(Exception):  # Pillow's reader of EXIF raises almost anything
        return int(image.getexif().get(ORIENTATION, 1))
    return 1
