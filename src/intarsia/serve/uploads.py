"""An upload becomes a picture, or one sentence that says why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from jaxtyping import Shaped, UInt8

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.formats.resolution import Resolution, resolution_of
from intarsia.pictures.reading import read_image, read_size
from intarsia.pictures.values import read_values

__all__ = ["Limits", "Picture", "read_upload"]

MOST_NAME = 80
"""Characters of a file's name that are kept."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one upload may be.

    Attributes:
        max_bytes: Of the file.
        max_pixels: Of the picture.
    """

    max_bytes: int = 64 << 20
    max_pixels: int = 16 << 20


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that somebody dropped.

    Attributes:
        name: Of the file, without folders and anything that a header or a file name cannot hold.
        pixels: Upright, as the network sees it.
        values: As the file has them, for mean intensities.
        resolution: Of the file, if it has one.
    """

    name: str
    pixels: UInt8[np.ndarray, "h w 3"]
    values: Shaped[np.ndarray, "h w c"]
    resolution: Resolution | None

    @property
    def num_bytes(self) -> int:
        """Memory of the arrays."""
        return self.pixels.nbytes + (0 if self.values is self.pixels else self.values.nbytes)

    @property
    def stem(self) -> str:
        """The name without suffix: how downloads are called."""
        return Path(self.name).stem or "picture"


def read_upload(content: bytes, name: str, *, limits: Limits) -> Picture:
    """Read what was uploaded.

    Raises:
        ValueError: It is empty, no picture, damaged, or larger than the limits; one sentence with its name.

    Example:
        >>> read_upload(b"text", "a/b.jpg", limits=Limits())
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `b.jpg` must be a readable image, got no kind of image that is known.
    """
    name = tidy_name(name)
    if not content:
        fail(name, "an image", "an empty file")
    if len(content) > limits.max_bytes:
        fail(name, f"a file of at most {limits.max_bytes >> 20} MB", f"{len(content) / (1 << 20):.1f} MB")
    try:
        height, width = read_size(content)
        if height * width > limits.max_pixels:
            most = f"a picture of at most {limits.max_pixels / 1e6:.0f} million pixels"
            fail(name, most, f"one of {height}x{width}")
        pixels = read_image(content)
        values = read_values(content)
    except InputError as error:
        raise InputError(_with_name(str(error), name)) from None
    same = values.shape == pixels.shape and values.dtype == pixels.dtype
    return Picture(name, pixels, pixels if same else values, _resolution_of(content, name))


def tidy_name(name: str) -> str:
    r"""A name for headers, pages and files: no folder, no control character, not endless.

    Example:
        >>> tidy_name("../../etc/pass\nwd?.png"), tidy_name("")
        ('pass_wd_.png', 'picture')
    """
    last = re.split(r"[/\\]", name)[-1]
    plain = re.sub(r"[^\w .()+@=,-]", "_", last).strip(" .")
    stem, dot, suffix = plain.rpartition(".")
    short = f"{stem[:MOST_NAME]}{dot}{suffix[:10]}" if dot else plain[:MOST_NAME]
    return short or "picture"


def _with_name(sentence: str, name: str) -> str:
    """The readers call bytes "image"; the person knows the name, and has no options to choose with."""
    sentence = re.sub(r" Choose (one )?with `\w+`.*$", "", sentence)
    sentence = re.sub(r"^`image`", f"`{name}`", sentence)
    return sentence.replace(" where no page is chosen", "").replace(" where no channel is chosen", "")


def _resolution_of(content: bytes, name: str) -> Resolution | None:
    """Resolution is looked up in files: this one lives for a moment."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"upload{Path(name).suffix.lower()}"
        path.write_bytes(content)
        return resolution_of(path)
