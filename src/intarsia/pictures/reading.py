"""Reading a photo or a microscope picture of any kind as 8-bit RGB: the one reader of this package.

Training, prediction, evaluation, inspection and conversion all read here, so that all see the same pixels:
turned upright, of 8 bits, in RGB, of one page.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BufferedIOBase, BytesIO, IOBase
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image

from intarsia._check import fail
from intarsia.pictures.colors import as_rgb, in_srgb, stretch_to_bytes
from intarsia.pictures.orientation import turn_upright
from intarsia.pictures.pillow_file import num_frames, open_with_pillow, orientation_of
from intarsia.pictures.stored import read_stored
from intarsia.pictures.tiff import TiffPage, TiffStack, is_tiff, open_tiff

__all__ = ["Readable", "num_pages", "read_image", "read_size"]

Readable: TypeAlias = str | Path | bytes | bytearray | memoryview | IOBase
"""A file by its name, by its content, or open for reading."""

DEEP_MODES = ("I", "F")


def read_image(
    source: Readable,
    *,
    channel: int | Sequence[int] | None = None,
    page: int | None = None,
    upright: bool = True,
) -> UInt8[np.ndarray, "h w 3"]:
    """Read an image file as 8-bit RGB.

    Gray, palette, CMYK, YCbCr and LAB pictures become RGB, by their colour profile where they have one;
    transparency is dropped. Deeper pixels (16 bit, float) are stretched from the 0.1st to the 99.9th
    percentile, because cameras of 12 or 14 bits store in 16. TIFFs are read by tifffile: planes, inverted
    pictures, stacks, OME and ImageJ's files; all else by Pillow.

    Args:
        source: A file's name, its content, or an open file.
        channel: Which channel to show, or up to three as red, green and blue, each stretched by itself. A
            file whose channels are not the colours of a picture needs it.
        page: Which page of a stack, time series or animation. A file of several pages needs it.
        upright: Turn the picture as its orientation tag asks. Off, the pixels come as they are stored.

    Raises:
        ValueError: The file is missing, no image, truncated, or larger than Pillow's limit against bombs; or
            it holds several pages or channels and none is chosen, or has none of this number.

    Example:
        >>> import tempfile; path = Path(tempfile.mkdtemp()) / "gray.png"
        >>> Image.new("L", (3, 2), 7).save(path)
        >>> read_image(path).shape, read_image(path)[0, 0].tolist()
        ((2, 3, 3), [7, 7, 7])
    """
    name = name_of(source)
    with _stream(source, name) as stream:
        if _holds_tiff(stream):
            picture, orientation = _read_tiff(stream, name, channel, page)
        else:
            picture, orientation = _read_with_pillow(stream, name, channel, page)
    picture = turn_upright(picture, orientation) if upright else picture
    return np.require(picture, requirements=["C", "W"])


def num_pages(source: Readable) -> int:
    """How many pages (planes of a stack, time points, frames of an animation) a picture file holds.

    Raises:
        ValueError: As `read_image`.

    Example:
        >>> file = BytesIO(); Image.new("L", (3, 2)).save(file, "PNG")
        >>> num_pages(file.getvalue())
        1
    """
    with _stack_or_image(source) as file:
        return num_frames(file) if isinstance(file, Image.Image) else len(file)


def read_size(source: Readable, *, page: int | None = None, upright: bool = True) -> tuple[int, int]:
    """Height and width of a picture when it is upright, without decoding its pixels.

    Args:
        source: As `read_image` takes it.
        page: Of which page; None for the first.
        upright: Turn the picture as its orientation tag asks. Off, it is the size of what is stored.

    Raises:
        ValueError: As `read_image`.

    Example:
        >>> file = BytesIO(); Image.new("L", (3, 2)).save(file, "PNG")
        >>> read_size(file.getvalue())
        (2, 3)
    """
    name = name_of(source)
    with _stack_or_image(source) as file:
        if not isinstance(file, Image.Image):
            return file.size_of(_chosen_page(page or 0, len(file), name), upright=upright)
        if page:
            file.seek(_chosen_page(page, num_frames(file), name))
        turned = upright and orientation_of(file) > 4
        return (file.width, file.height) if turned else (file.height, file.width)


def name_of(source: Readable) -> str:
    """What a sentence calls a source: the file's name, or "image" where it has none."""
    if isinstance(source, str | Path):
        return str(source)
    return str(getattr(source, "name", "image"))


@contextmanager
def _stack_or_image(source: Readable) -> Iterator[TiffStack | Image.Image]:
    """A file without its pixels: by tifffile, or by Pillow."""
    name = name_of(source)
    with _stream(source, name) as stream:
        opened = open_tiff(stream, name) if _holds_tiff(stream) else open_with_pillow(stream, name)
        with opened as file:
            yield file


def _holds_tiff(stream: Any) -> bool:
    head = stream.read(32)
    stream.seek(0)
    return is_tiff(head)


@contextmanager
def _stream(source: Readable, name: str) -> Iterator[Any]:
    if isinstance(source, bytes | bytearray | memoryview):
        yield BytesIO(bytes(source))
    elif isinstance(source, str | Path):
        try:
            file = Path(source).open("rb")  # noqa: SIM115 - closed below; only opening it is tried
        except FileNotFoundError:
            fail(name, "an image", "no such file")
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            fail(name, "a readable image", getattr(error, "strerror", None) or str(error))
        with file:
            yield file
    elif source.closed:
        fail(name, "an open file", "one that is closed")
    elif isinstance(source, BufferedIOBase):
        source.seek(0)
        yield source
    else:
        content = source.read()  # pyright: ignore[reportAttributeAccessIssue] - whatever else is a file
        if not isinstance(content, bytes):
            fail(name, "a file that is open for reading bytes", f"one that gives {type(content).__name__}")
        yield BytesIO(content)


def _read_tiff(
    stream: Any, name: str, channel: int | Sequence[int] | None, page: int | None
) -> tuple[UInt8[np.ndarray, "h w 3"], int]:
    with open_tiff(stream, name) as stack:
        index = _chosen_page(page, len(stack), name)
        tiff_page = stack.read(index)
        names = stack.channel_names
    if channel is not None:
        return _channels(tiff_page.values, channel, name), tiff_page.orientation
    if tiff_page.needs_choice:
        count = tiff_page.values.shape[2]
        listed = f"{count} channels" + (f" ({', '.join(names)})" if names else "")
        hint = f"Choose with `channel`, 0 to {count - 1}; up to three become red, green and blue."
        fail(name, "a gray or RGB picture where no channel is chosen", listed, hint=hint)
    return _colors(tiff_page), tiff_page.orientation


def _colors(tiff_page: TiffPage) -> UInt8[np.ndarray, "h w 3"]:
    values = tiff_page.values[..., : tiff_page.num_color]
    if tiff_page.palette is not None:
        return tiff_page.palette[np.minimum(values[..., 0], len(tiff_page.palette) - 1)]
    picture = values if values.dtype == np.uint8 else stretch_to_bytes(values)
    picture = 255 - picture if tiff_page.white_is_zero else picture
    if values.dtype == np.uint8:
        picture = in_srgb(picture, tiff_page.profile)
    return np.ascontiguousarray(np.broadcast_to(picture, (*picture.shape[:2], 3)))


def _channels(
    values: Shaped[np.ndarray, "h w c"], channel: int | Sequence[int], name: str
) -> UInt8[np.ndarray, "h w 3"]:
    """The chosen channels: one as gray, two as red and green, three as red, green and blue."""
    channels = [channel] if isinstance(channel, int) else list(channel)
    count = values.shape[2]
    if not 1 <= len(channels) <= 3:
        fail("channel", "one to three numbers", len(channels))
    for number in channels:
        if not 0 <= number < count:
            fail("channel", f"in [0, {count}) for {name}", number)
    planes = [values[..., number] for number in channels]
    planes = [plane if plane.dtype == np.uint8 else stretch_to_bytes(plane) for plane in planes]
    planes *= 3 if len(planes) == 1 else 1
    planes += [np.zeros_like(planes[0])] * (3 - len(planes))
    return np.stack(planes, axis=2)


def _read_with_pillow(
    stream: Any, name: str, channel: int | Sequence[int] | None, page: int | None
) -> tuple[UInt8[np.ndarray, "h w 3"], int]:
    with open_with_pillow(stream, name) as image:
        index = _chosen_page(page, num_frames(image), name)
        if index:
            image.seek(index)
        deep_picture = None if index else read_stored(stream, name)
        if deep_picture is None:
            image.load()
        orientation = orientation_of(image)
        if channel is None:
            return as_rgb(image) if deep_picture is None else deep_picture.as_bytes(), orientation
        values = np.asarray(image) if deep_picture is None else deep_picture.values
        return _channels(values.reshape(*values.shape[:2], -1), channel, name), orientation


def _chosen_page(page: int | None, count: int, name: str) -> int:
    if page is None and count > 1:
        hint = f"Choose one with `page`, 0 to {count - 1}."
        fail(name, "a file of one page where no page is chosen", f"{count} pages", hint=hint)
    if page is not None and not 0 <= page < count:
        fail("page", f"in [0, {count}) for {name}", page)
    return page or 0
