"""A run in parts: the photos in groups, each predicted by whoever takes it, its rows in a file of its own.

A part is finished when its file is there, and the file is whole or not there: who is killed loses the part
that it was at, and the same command goes on with the parts that are left. The folder is shared, so processes
of one machine or of many need not talk to each other. At the end one of them joins the parts in order.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypeVar

from intarsia._check import fail
from intarsia._files import whole
from intarsia._version import __version__
from intarsia.commands.fetching import fetch
from intarsia.commands.photo_run import PhotoRun, PhotoSettings
from intarsia.commands.photos import Photo
from intarsia.commands.semantic_masks import table_of
from intarsia.errors import InputError
from intarsia.formats.image_files import ImageRows
from intarsia.panoptic import Categories

__all__ = ["PartOfRun", "ShardWork", "Shards", "parts_of"]

T = TypeVar("T")

FOLDER = ".shards"
"""In the folder of results, while a run is not finished; begins with a dot, so that no reader looks."""
MAX_PHOTOS, MIN_PARTS = 64, 64
"""Photos a part at most: a killed worker loses few; and parts at least, where there are photos enough."""


@dataclass(frozen=True)
class PartOfRun:
    """One part, as its file has it.

    Attributes:
        categories: Of the model.
        rows: What the images add to the files of the run, in order.
        broken: A sentence for each that could not be read or written.
    """

    categories: Categories
    rows: tuple[ImageRows, ...]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Shards:
    """The parts of one run, on disk.

    Attributes:
        folder: Of these parts: of these photos and these settings, so that parts of another run never mix.
        num_shards: How many there are.
    """

    folder: Path
    num_shards: int

    @classmethod
    def of(cls, settings: PhotoSettings, parts: Sequence[Sequence[Photo]]) -> Shards:
        """The folder for the parts of a run, the same for runs whose results are the same."""
        overlays = settings.overlays and replace(settings.overlays, folder=Path())
        told = [__version__, repr(replace(settings, out=Path(), overlays=overlays))]
        told += _stamps(Path(settings.model)) if Path(settings.model).is_dir() else []
        told += [] if settings.semantic is None else [_stamp(table_of(settings.semantic))]
        digest = hashlib.sha256(json.dumps(told).encode())
        for photo in (photo for part in parts for photo in part):
            stamps = [_stamp(path) for path in (photo.page.path, photo.mask) if path is not None]
            digest.update(repr((astuple(photo), stamps)).encode())
        return cls(settings.out / FOLDER / digest.hexdigest()[:16], len(parts))

    def begin(self) -> None:
        """Make the folder.

        Raises:
            OSError: It cannot be made.
        """
        self.folder.mkdir(parents=True, exist_ok=True)

    def path(self, number: int) -> Path:
        """The file of a part."""
        return self.folder / f"{number:07d}.jsonl"

    def parts_to_do(self) -> list[int]:
        """The parts that are not finished."""
        return [number for number in range(self.num_shards) if not self.path(number).is_file()]

    def write(self, number: int, part: PartOfRun) -> None:
        """Say that a part is finished, and how.

        Raises:
            ValueError: The folder is not there: this machine sees another `out` than the one that began.
        """
        if not self.folder.is_dir():
            fail("out", "a folder that all machines see", f"{self.folder.parent.parent}, which one does not")
        with whole(self.path(number)) as partial, partial.open("w", encoding="utf-8", newline="\n") as file:
            head = {"categories": part.categories.to_coco(), "broken": part.broken, "process": os.getpid()}
            file.write(json.dumps(head) + "\n")
            file.writelines(rows.to_json() + "\n" for rows in part.rows)

    def read(self, number: int) -> PartOfRun:
        """A finished part."""
        with self.path(number).open(encoding="utf-8") as file:
            head = json.loads(next(file))
            rows = tuple(map(ImageRows.from_json, file))
        return PartOfRun(Categories.from_coco(head["categories"]), rows, tuple(head["broken"]))

    def __iter__(self) -> Iterator[PartOfRun]:
        """The finished parts in order."""
        return map(self.read, range(self.num_shards))

    def remove(self) -> None:
        """The run is whole: forget its parts, and those of earlier runs that never were."""
        shutil.rmtree(self.folder.parent, ignore_errors=True)


@dataclass(frozen=True)
class ShardWork:
    """Predicts parts; loads the model for the first. Goes to other processes as its settings alone.

    Attributes:
        settings: Of the run.
        shards: Where finished parts are.
    """

    settings: PhotoSettings
    shards: Shards

    def __call__(self, task: tuple[int, Sequence[Photo]]) -> int:
        """Predict a part, if nobody has; returns how many photos it has.

        Raises:
            ValueError: As `PhotoSettings.load`, or the results cannot be written from here.
        """
        number, photos = task
        if not self.shards.path(number).is_file():
            self.part(number, photos)
        return len(photos)

    def part(self, number: int, photos: Sequence[Photo]) -> PartOfRun:
        """The part itself, predicted or as somebody did; the first rank may join and remove them any time.

        Args:
            number: Of the part.
            photos: Of the part, in order.

        Raises:
            ValueError: As a call.
        """
        if self.shards.path(number).is_file():
            return self.shards.read(number)
        part = self._predict(photos)
        self.shards.write(number, part)
        return replace(part, rows=tuple(rows.without_measures() for rows in part.rows))

    @cached_property
    def _run(self) -> PhotoRun:
        return self.settings.load()

    def __getstate__(self) -> dict[str, object]:
        return {"settings": self.settings, "shards": self.shards}

    def _predict(self, photos: Sequence[Photo]) -> PartOfRun:
        broken: list[str] = []
        try:
            with fetch(photos, broken) as at_hand:
                maps = self._run.maps(self._run.read(at_hand, broken))
                rows = tuple(self._run.rows(at_hand, maps, broken))
        except OSError as error:
            raise InputError(
                f"`out` must be a folder that can be written, got {self.settings.out} ({error.strerror})."
            ) from None
        return PartOfRun(self._run.model.categories, rows, tuple(broken))


def parts_of(photos: Sequence[T]) -> list[Sequence[T]]:
    """The photos in groups of neighbours, at most `MAX_PHOTOS` each.

    Example:
        >>> [len(parts_of(range(count))) for count in (0, 5, 130, 10_000)]
        [0, 5, 65, 157]
    """
    size = min(max(len(photos) // MIN_PARTS, 1), MAX_PHOTOS)
    return [photos[start : start + size] for start in range(0, len(photos), size)]


def _stamps(folder: Path) -> list[str]:
    return [f"{path.name} {_stamp(path)}" for path in sorted(folder.iterdir()) if path.is_file()]


def _stamp(path: Path) -> str:
    """What changes when a file does."""
    try:
        stat = path.stat()
    except OSError:
        return "absent"
    return f"{stat.st_size} {stat.st_mtime_ns}"
