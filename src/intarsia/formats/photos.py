"""Where the photos of a data set are: one search for every reader of files that name them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath

from intarsia._check import fail

__all__ = ["find_photos", "name_inside"]

_OUTSIDE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://|[A-Za-z]:|[/\\]")
"""How addresses, drives and absolute paths begin."""


def find_photos(names: Iterable[str], folders: Sequence[Path]) -> dict[str, Path]:
    """The photo of each file name, in the first of the folders that has it.

    Folders in the name may be missing on disk (`images/a.png`, where the photo is `images/val/a.png`),
    separators may be Windows', letters of another case or composed otherwise (macOS). A folder that is there
    is believed: `val/a.png` is not looked for outside of `val/`. A photo that two names could mean is the
    photo of the one that has its exact name, or of neither.

    Args:
        names: As a JSON gives them, relative to any of the folders.
        folders: Where to look, in this order; those that do not exist are passed over.

    Returns:
        The photos that are there; names without one are left out.

    Raises:
        ValueError: A name is absolute, an address, or leads out of the data set.

    Example:
        >>> import tempfile; folder = Path(tempfile.mkdtemp())
        >>> (folder / "A.jpg").touch()
        >>> [path.name for path in find_photos(["images/a.jpg", "b.jpg"], [folder]).values()]
        ['A.jpg']
    """
    places, listings = [folder for folder in folders if folder.is_dir()], _Listings()
    exact: dict[str, Path] = {}
    loose: dict[Path, list[str]] = {}
    for name in dict.fromkeys(names):
        path = name_inside(name)
        written = (place / text for text in (name, str(path)) for place in places)
        photo = next((candidate for candidate in written if _is_file(candidate)), None)
        if photo is not None:
            exact[name] = photo
        elif other := next(_loose_matches(path, places, listings), None):
            loose.setdefault(other, []).append(name)
    taken = set(exact.values())
    alone = {names[0]: photo for photo, names in loose.items() if len(names) == 1 and photo not in taken}
    return exact | alone


def name_inside(name: str) -> PurePosixPath:
    r"""A file's name inside a data set, with slashes.

    Raises:
        ValueError: It is absolute, an address, or leads out of the data set.

    Example:
        >>> str(name_inside(r"val\a.png"))
        'val/a.png'
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if "\0" in name or ".." in path.parts or _OUTSIDE.match(name):
        fail("file_name", "a name inside the data set's folder", repr(name))
    return path


def _loose_matches(path: PurePosixPath, places: Sequence[Path], listings: _Listings) -> Iterator[Path]:
    """Files of nearly this name, with as many of its folders as possible."""
    for parts in _tails(path):
        for place in places:
            match = listings.find(place, parts)
            if match is not None and _is_file(match):
                yield match
        folders = {listings.find(place, parts[:1]) for place in places} if len(parts) > 1 else set()
        if any(folder and not _leads_to_another(folder, places) for folder in folders):
            return  # the folder is there, and the photo is not in it


def _leads_to_another(folder: Path, places: Sequence[Path]) -> bool:
    return any(folder in place.parents for place in places)


def _tails(path: PurePosixPath) -> Iterator[tuple[str, ...]]:
    """The parts of a path, then without its first folder, and so on; Cityscapes' JSONs add to the name."""
    for n in range(len(path.parts)):
        yield path.parts[n:]
    if path.name.endswith("_gtFine_leftImg8bit.png"):
        yield (path.name.replace("_gtFine_leftImg8bit", "_leftImg8bit"),)


class _Listings:
    """The files of folders by their names in small letters, composed; of several with one such name none."""

    def __init__(self) -> None:
        self._names: dict[Path, dict[str, Path | None]] = {}

    def find(self, folder: Path, parts: Sequence[str]) -> Path | None:
        """What is at this path below the folder, whatever the spelling."""
        path: Path | None = folder
        for part in parts:
            path = self._of(path).get(_plain(part)) if path is not None else None
        return path

    def _of(self, folder: Path) -> dict[str, Path | None]:
        if folder not in self._names:
            names: dict[str, Path | None] = {}
            for path in sorted(folder.iterdir()) if folder.is_dir() else ():
                key = _plain(path.name)
                names[key] = None if key in names else path
            self._names[folder] = names
        return self._names[folder]


def _plain(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False
