"""What converters read and write: the images of one part of a data set, each with a way to get its map."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8
from PIL import Image

from intarsia._check import fail
from intarsia._files import whole
from intarsia.panoptic import Categories, PanopticMap, Segment
from intarsia.pictures.reading import read_image


@dataclass(frozen=True, slots=True)
class SourceMap:
    """One image of a foreign data set. Its map is read when it is asked for.

    Attributes:
        image_path: Its photo, where there is one.
        image_page: Which page of the photo's file, where that has several.
        listed: How many segments the source lists; the map shows fewer where some have no pixel.
        map_path: The file that the map is read from, where it is one.
        implied: The id of the segment that the source does not list: what none of its annotations covers.
        pixels: Reads the photo where it is no file of its own, but part of an array.
        channel: Which channels of the photo's file are seen, up to three; empty for its colours.
    """

    image_id: int | str
    image_file: str
    map_file: str
    image_path: Path | None
    read: Callable[[], PanopticMap]
    image_page: int | None = None
    listed: int | None = None
    map_path: Path | None = None
    implied: int | None = None
    pixels: Callable[[], UInt8[np.ndarray, "h w 3"]] | None = None
    channel: tuple[int, ...] = ()

    @property
    def has_photo(self) -> bool:
        """Whether there is a photo to the map."""
        return self.image_path is not None or self.pixels is not None

    def with_view(self, *, channel: tuple[int, ...] = (), page: int | None = None) -> SourceMap:
        """The same with a choice of what of the photo's file is seen.

        Args:
            channel: Which of its channels, as `read_image` takes them; empty for its colours.
            page: Which page of its file; None for the only one, or where every page has a map of its own.

        Raises:
            ValueError: Every page has a map of its own, or the photo is no file.
        """
        if page is not None and self.image_page is not None:
            fail("page", "left out where every page has a map of its own", f"{page} for {self.image_file}")
        if self.pixels is not None and (channel or page is not None):
            name = "channel" if channel else "page"
            fail(name, "given for photos in files of their own", f"it for {self.image_file}")
        return replace(self, channel=channel, image_page=self.image_page if page is None else page)

    def read_photo(self) -> UInt8[np.ndarray, "h w 3"]:
        """The photo, upright.

        Raises:
            ValueError: There is none, it cannot be read, or it has no such channel or page.
        """
        if self.pixels is not None:
            return self.pixels()
        if self.image_path is None:
            fail(self.image_file, "there beside its map", "no such photo")
        return read_image(self.image_path, page=self.image_page, channel=self.channel or None)

    @property
    def name(self) -> str:
        """The image's name without folder and suffix: how its files are called in other formats."""
        if isinstance(self.image_id, str):
            return self.image_id.replace("/", "_")
        return Path(self.image_file).stem


@dataclass(frozen=True, slots=True)
class SourcePart:
    """One part of a data set ("train", "val", or "" if it has no parts).

    Attributes:
        unlabelled: Photos that have no map.
        left_out: Other files that lie there, each with the reason why it was not read.
        photo_folder: Where the photos should be, for what is said of missing ones.
        is_guessed: Whether reading a map guesses from its pixels that they are labels, and may refuse them.
    """

    name: str
    categories: Categories
    maps: tuple[SourceMap, ...]
    unlabelled: tuple[Path, ...] = ()
    left_out: tuple[tuple[Path, str], ...] = ()
    photo_folder: Path | None = None
    is_guessed: bool = False


@dataclass(frozen=True, slots=True)
class Target:
    """How to write a format.

    Args:
        write: Writes the files of one image under the root; returns what `finish` needs as JSON values.
            Called by several threads at once.
        finish: Writes what is there once for all images of a part, given their rows in order.
        read: Reads the format, with all that `write` can put into it.
        keeps_file_names: Whether files are called as in the source; else by `SourceMap.name`.
    """

    write: Callable[[Path, SourcePart, SourceMap, PanopticMap], dict[str, Any]]
    finish: Callable[[Path, SourcePart, Sequence[dict[str, Any]]], None]
    read: Callable[[Path], list[SourcePart]]
    keeps_file_names: bool = False


def part_folders(root: Path, *subfolders: str) -> list[tuple[str, Path]]:
    """The parts of a data set by name: folders of any name that hold one of those that are needed.

    A root that holds one itself, or has no such folders, is one part without a name.

    Example:
        >>> part_folders(Path("no-such-folder"), "labels")
        [('', PosixPath('no-such-folder'))]
    """
    if any((root / name).is_dir() for name in subfolders):
        return [("", root)]
    folders = sorted(path for path in root.glob("*") if any((path / name).is_dir() for name in subfolders))
    return [(folder.name, folder) for folder in folders] or [("", root)]


def write_values(path: Path, values: Int[np.ndarray, "h w"], *, palette: Sequence[int] | None = None) -> None:
    """Write whole numbers from 0 as the smallest PNG that holds them: 8, 16 or (as RGBA) 32 bits a pixel.

    Raises:
        ValueError: A value is negative, or does not fit into 31 bits.
    """
    most = int(values.max(initial=0))
    if int(values.min(initial=0)) < 0 or most >= 1 << 31:
        fail(str(path), "made of numbers in [0, 2^31)", f"{values.min(initial=0)} to {most}")
    if most < 1 << 16:
        image = Image.fromarray(values.astype(np.uint8 if most < 1 << 8 else np.uint16))
    else:
        image = Image.fromarray(
            np.ascontiguousarray(values, dtype="<i4").view(np.uint8).reshape(*values.shape, 4)
        )
    if palette is not None:
        image.putpalette(palette)
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial:
        image.save(partial, format="PNG", compress_level=1)


def copy_image(source: SourceMap, path: Path) -> None:
    """Bring the photo of an image along, where there is one: as it is, or if the suffix differs, as a PNG.

    Of a file whose page or channels were chosen these are brought along, as a PNG. A PNG has the pixels that
    `read_image` gives, so that photo and map fit as they did.

    Raises:
        ValueError: The photo must be rewritten and cannot be read.
    """
    if not source.has_photo:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial:
        is_whole = source.image_page is None and not source.channel and source.pixels is None
        photo = source.image_path if is_whole else None
        if photo is not None and photo.suffix.lower() == path.suffix.lower():
            partial.write_bytes(photo.read_bytes())
        else:
            Image.fromarray(source.read_photo()).save(partial, format="PNG")


def check_one_stuff_segment_a_category(segments: Sequence[Segment], categories: Categories) -> None:
    """Refuse what formats with one value a stuff category, and one a crowd, cannot tell apart."""
    things = {row.id for row in categories.things}
    united = [(s.category_id, s.is_crowd) for s in segments if s.is_crowd or s.category_id not in things]
    twice = [row for row in united if united.count(row) > 1]
    if twice:
        kind = "crowd" if twice[0][1] else "stuff segment"
        fail("segments", f"of one {kind} a category at most in this format", f"two of category {twice[0][0]}")


def check_no_crowd(segments: Sequence[Segment], format: str) -> None:
    """Refuse a crowd where a format has none."""
    crowds = [segment.id for segment in segments if segment.is_crowd]
    if crowds:
        fail("segments", f"without crowds, which {format} does not have", f"segment {crowds[0]}")
