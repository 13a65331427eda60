"""Photos of object stores come to the machine that predicts them, a part at a time, and leave with it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from intarsia._threads import map_in_threads
from intarsia.commands.photo_pages import PhotoPage
from intarsia.commands.photos import Photo
from intarsia.errors import InputError

__all__ = ["fetch"]

NUM_AT_ONCE = 8


@contextmanager
def fetch(photos: Sequence[Photo], broken: list[str]) -> Iterator[list[Photo]]:
    """Photos with files of this machine, for as long as the context lasts.

    Args:
        photos: Of one part, which the disk holds.
        broken: Takes a sentence for each that cannot be fetched; afterwards all its sentences call photos by
            their addresses.
    """
    if not any(photo.stored for photo in photos):
        yield list(photos)
        return
    with TemporaryDirectory(prefix="intarsia-") as folder:
        places = [Path(folder) / str(number) for number in range(len(photos))]
        copies = map_in_threads(_copy, photos, places, workers=NUM_AT_ONCE)
        addresses = {str(copy): str(photo.stored) for photo, copy in zip(photos, copies, strict=True)}
        broken += [str(copy) for copy in copies if isinstance(copy, InputError)]
        yield [
            replace(photo, page=PhotoPage(copy, photo.page.page))
            for photo, copy in zip(photos, copies, strict=True)
            if isinstance(copy, Path)
        ]
    for number, sentence in enumerate(broken):
        for copy, address in addresses.items():
            if copy in sentence:
                broken[number] = sentence.replace(copy, address)


def _copy(photo: Photo, place: Path) -> Path | InputError:
    if photo.stored is None:
        return photo.page.path
    place.mkdir()
    try:
        return photo.stored.fetch(place)
    except InputError as error:
        return error
