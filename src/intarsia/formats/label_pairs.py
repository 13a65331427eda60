"""Which photo a label image belongs to, by the names that napari, cellpose, StarDist and others give."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from intarsia._check import fail
from intarsia.formats.label_places import CELLPOSE, LABEL_FOLDERS, LabelPlace, pictures
from intarsia.pictures.suffixes import (
    BY_PRODUCT,
    LABEL_ENDING,
    LOSSY,
    PHOTO_ENDING,
    PICTURE_SUFFIXES,
)

__all__ = ["LabelFile", "PairedFiles", "pair_label_files"]

LABEL_START = re.compile(r"^(masks?|labels?|seg|gt)[_-]", re.IGNORECASE)
PHOTO_START = re.compile(r"^(img|image|raw|photo)[_-]", re.IGNORECASE)
MOST_NAMED = 6
"""Of the folders that hold something else."""
CELL_TRACKING = re.compile(r"^man_seg(?=\d+$)")


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A file of labels, and the name that it shares with its photo."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class PairedFiles:
    """The files of one part.

    Attributes:
        files: Those with labels, by name.
        photos: The photos, by the names that they share with their labels.
        left_out: Files that are neither, with the reason.
    """

    files: tuple[LabelFile, ...]
    photos: Mapping[str, Path]
    left_out: tuple[tuple[Path, str], ...]


def pair_label_files(place: LabelPlace) -> PairedFiles:
    """The label images of a part (or the one file) and their photos.

    Raises:
        ValueError: There is no label image, only cellpose's own `_seg.npy`, or a name is there twice.
    """
    files: list[LabelFile] = []
    photos: dict[str, Path] = {}
    left_out: list[tuple[Path, str]] = []
    for before, folder in place.labels.items():
        if folder.is_file():
            return PairedFiles((LabelFile(_stem(folder), folder),), {}, ())
        inside = pictures(folder)
        beside = next(filter(None, map(pictures, place.photos[before])), [])
        labels, photo_files = _split(inside, folder) if place.is_mixed else (inside, [])
        left_out += [(path, "a by-product") for path in labels if BY_PRODUCT.search(path.stem)]
        left_out += [(path, "inside of another folder") for path in _deeper(folder, place)]
        labels = [path for path in labels if not BY_PRODUCT.search(path.stem)]
        photo_files = [path for path in (*photo_files, *beside) if not BY_PRODUCT.search(path.stem)]
        by_name = _pair(labels, _unique((_stem(path), path) for path in photo_files))
        start = f"{before}/" if before else ""
        files += [LabelFile(start + name, path) for name, path in by_name.labels.items()]
        photos |= {start + name: path for name, path in by_name.photos.items()}
    if not files:
        _fail_without(place)
    return PairedFiles(tuple(sorted(files, key=lambda file: file.name)), photos, tuple(left_out))


@dataclass(frozen=True, slots=True)
class _Names:
    """Labels and photos of one folder by the names that they share."""

    labels: Mapping[str, Path]
    photos: Mapping[str, Path]


def _pair(labels: list[Path], photos: Mapping[str, Path]) -> _Names:
    """Each label has the name of its photo: as it is written, or of both what is left without additions."""
    plain = Counter(_plain_photo(stem) for stem in photos)
    stem_of = {_plain_photo(stem): stem for stem in photos if plain[_plain_photo(stem)] == 1}
    names: list[tuple[str, Path]] = []
    photo_names = dict(zip(photos, photos, strict=True))
    for path in labels:
        spellings = list(_names_of_label(_stem(path)))
        name = next((name for name in spellings if name in photos), None)
        if name is None and (name := next((name for name in spellings if name in stem_of), None)) is not None:
            photo_names[stem_of[name]] = name
        names.append((LABEL_ENDING.sub("", spellings[0]) if name is None else name, path))
    return _Names(_unique(names), {photo_names[stem]: path for stem, path in photos.items()})


def _names_of_label(stem: str) -> Iterator[str]:
    """What the photo of a file of labels may be called, the likeliest first."""
    yield stem
    if Path(stem).suffix.lower() in PICTURE_SUFFIXES:
        yield Path(stem).stem  # a.jpg.png
    if CELL_TRACKING.match(stem):
        yield CELL_TRACKING.sub("t", stem)
    yield LABEL_ENDING.sub("", stem)
    yield LABEL_START.sub("", LABEL_ENDING.sub("", stem))


def _plain_photo(stem: str) -> str:
    return PHOTO_START.sub("", PHOTO_ENDING.sub("", stem))


def _split(files: list[Path], folder: Path) -> tuple[list[Path], list[Path]]:
    """The labels and the photos of one folder, by their names, or by what can hold labels.

    Pictures that lie beside cellpose's own files are photos, whatever they can hold.
    """
    labels = [path for path in files if LABEL_ENDING.search(path.stem)]
    if not labels and any(folder.glob(f"*{CELLPOSE}")):
        return [], files
    if not labels and any(PHOTO_START.search(path.stem) for path in files):
        labels = [path for path in files if LABEL_START.search(path.stem)]
    if not labels:
        labels = [path for path in files if path.suffix.lower() not in LOSSY] or files
    return labels, [path for path in files if path not in labels]


def _deeper(folder: Path, place: LabelPlace) -> Iterator[Path]:
    """Pictures in folders inside of a folder of labels that are no folders of labels of their own."""
    if place.is_mixed or folder.is_file():
        return
    known = set(place.labels.values())
    for path in sorted(folder.iterdir()):
        if path.is_dir() and path not in known:
            yield from (file for file in sorted(path.rglob("*")) if file.is_file() and pictures(file.parent))


def _fail_without(place: LabelPlace) -> None:
    folders = list(place.labels.values())
    if any(place.root.rglob(f"*{CELLPOSE}")):
        hint = "In cellpose: File, Save masks as PNG/tif; or `cellpose.io.save_masks`."
        fail(
            str(place.root), "a folder of label images (.png, .tif)", f"cellpose's own *{CELLPOSE}", hint=hint
        )
    suffixes = sorted(
        {path.suffix for folder in folders if folder.is_dir() for path in folder.iterdir()} - {""}
    )
    where = "none" if place.is_mixed else f"{folders[0].name}/ without one"
    got = f"{where} but {', '.join(suffixes)}" if suffixes else where
    folders_there = sorted(path.name for path in place.root.glob("*/"))[:MOST_NAMED] if got == "none" else []
    if folders_there:
        hint = (
            f"Labels are looked for in {', '.join(f'{name}/' for name in LABEL_FOLDERS)}, photos in images/."
        )
        fail(str(place.root), "a folder of label images", f"one with {', '.join(folders_there)}", hint=hint)
    fail(str(place.root), "a label image or a folder of them (.png, .tif, .tiff)", got)


def _stem(path: Path) -> str:
    """The name without suffix, as one spelling of letters with accents, of which macOS has another."""
    return unicodedata.normalize("NFC", path.stem)


def _unique(rows: Iterable[tuple[str, Path]]) -> dict[str, Path]:
    paths: dict[str, Path] = {}
    for name, path in rows:
        if name in paths:
            fail(str(path), "the only file of its name and kind", f"{paths[name].name} beside it")
        paths[name] = path
    return paths
