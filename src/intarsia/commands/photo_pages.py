"""Photos to predict: files, and of stacks one page or every page as an image of its own."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

import numpy as np
from jaxtyping import UInt8

from intarsia._threads import results_in_order
from intarsia.errors import InputError
from intarsia.pictures.reading import num_pages, read_image

__all__ = ["PhotoPage", "pages_of", "read_ahead"]

NUM_READERS = 2
"""Threads that read: one is at work while the other waits for the disk."""
MOST_WAITING = 4
"""Pictures in all that may be ahead of the network: bounds the memory."""


@dataclass(frozen=True, slots=True)
class PhotoPage:
    """One page of a file; None is its only one, or that which the model was trained on."""

    path: Path
    page: int | None


def pages_of(files: Mapping[str, Path], page: int | Literal["all"] | None) -> dict[str, PhotoPage]:
    """The pages to predict, by their names.

    Args:
        files: By the name of each.
        page: Which page of all files; "all" makes an image of every page, called NAME_0000, NAME_0001, ...

    Example:
        >>> list(pages_of({"a.png": Path("a.png")}, None))
        ['a.png']
    """
    if page != "all":
        return {name: PhotoPage(path, page) for name, path in files.items()}
    pages: dict[str, PhotoPage] = {}
    for name, path in files.items():
        count = _count(path)
        if count < 2:
            pages[name] = PhotoPage(path, 0)
            continue
        place = PurePosixPath(name)
        for number in range(count):
            pages[str(place.with_name(f"{place.stem}_{number:04d}{place.suffix}"))] = PhotoPage(path, number)
    return pages


def _count(path: Path) -> int:
    try:
        return num_pages(path)
    except InputError:
        return 1  # reading it will say what is wrong


def read_ahead(
    photos: Mapping[str, PhotoPage], broken: list[str], *, channel: tuple[int, ...] | None = None
) -> Iterator[tuple[str, UInt8[np.ndarray, "h w 3"]]]:
    """Names and pictures in order, read in threads; what cannot be read is noted in `broken` and left out."""

    def read(name: str) -> UInt8[np.ndarray, "h w 3"] | InputError:
        try:
            return read_image(photos[name].path, page=photos[name].page, channel=channel or None)
        except InputError as error:
            return error

    with closing(results_in_order(read, photos, workers=NUM_READERS, most_waiting=MOST_WAITING)) as results:
        for name, picture in results:
            if isinstance(picture, InputError):
                broken.append(str(picture))
            else:
                yield name, picture
