"""Which photo a label image belongs to, by the names that napari, cellpose, StarDist and ImageJ give."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from intarsia._check import fail
from intarsia.formats.source import part_folders
from intarsia.pictures.suffixes import is_picture_name

__all__ = ["LabelFile", "PairedFiles", "find_label_parts", "label_places", "pair_label_files"]

LABEL_FOLDERS = ("labels", "masks", "instances")
PHOTO_FOLDER = "images"
PARTS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}
"""The names of folders of parts, and what the parts are called here."""
LABEL_ENDING = re.compile(r"_(cp_masks|labels|masks|mask|label|seg)$", re.IGNORECASE)
PHOTO_ENDING = re.compile(r"_(img|image|raw)$", re.IGNORECASE)
BY_PRODUCT = re.compile(r"_(cp_)?(flows?|outlines?|output|overlays?|probs?|dP)$", re.IGNORECASE)
"""What cellpose and others leave beside their masks."""
PHOTO_SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
"""Among files without endings, those that hold no labels are photos."""
CELLPOSE = "_seg.npy"


@dataclass(frozen=True, slots=True)
class LabelFile:
    """A file of labels, and the name that it shares with its photo."""

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class PairedFiles:
    """The files of one folder.

    Attributes:
        files: Those with labels, by name.
        photos: The photos, by the names that they share with their labels.
        left_out: Files that are neither, with the reason.
    """

    files: tuple[LabelFile, ...]
    photos: Mapping[str, Path]
    left_out: tuple[tuple[Path, str], ...]


def find_label_parts(source: Path) -> list[tuple[str, Path]]:
    """The parts of a data set of label images with their folders; one without a name where there are none.

    Example:
        >>> find_label_parts(Path("no-such-folder"))
        [('', PosixPath('no-such-folder'))]
    """
    parts = part_folders(source, *LABEL_FOLDERS)
    names = [PARTS.get(name.casefold(), name) for name, _ in parts]
    return (
        parts
        if len(set(names)) < len(parts)
        else [(name, p) for name, (_, p) in zip(names, parts, strict=True)]
    )


def label_places(source: Path) -> list[tuple[str, Path]]:
    """The parts of a folder that is a data set of photos and label images; none where it is something else.

    Files that may be labels or anything else, without an ending and without a folder of theirs, are not taken
    for labels unless somebody says that they are.

    Example:
        >>> label_places(Path("no-such-folder"))
        []
    """
    return [(name, place) for name, place in find_label_parts(source) if _is_of_labels(place)]


def _is_of_labels(place: Path) -> bool:
    if (place / "semantic").is_dir() or (place / "categories.json").is_file():
        return False  # other formats, which have folders of these names, too
    folders = [place / name for name in LABEL_FOLDERS if (place / name).is_dir()]
    if folders:
        return len(folders) == 1 and bool(_pictures(folders[0]) or list(place.rglob(f"*{CELLPOSE}")))
    return any(LABEL_ENDING.search(path.stem) for path in _pictures(place))


def pair_label_files(place: Path) -> PairedFiles:
    """The label images of a folder (or the one file) and their photos.

    Raises:
        ValueError: There is no label image, only cellpose's own `_seg.npy`, or a name is there twice.
    """
    if place.is_file():
        return PairedFiles((LabelFile(_stem(place), place),), {}, ())
    folders = [place / name for name in LABEL_FOLDERS if (place / name).is_dir()]
    if len(folders) > 1:
        got = " and ".join(folder.name for folder in folders)
        fail(str(place), "a folder with one of labels/, masks/ and instances/", got)
    inside = _pictures(folders[0] if folders else place)
    beside = _pictures(place / PHOTO_FOLDER) or (_pictures(place) if folders else [])
    labels, photos = (inside, []) if folders else _split(inside)
    left_out = tuple((path, "a by-product") for path in labels if BY_PRODUCT.search(path.stem))
    labels = [path for path in labels if not BY_PRODUCT.search(path.stem)]
    photos = [path for path in [*photos, *beside] if not BY_PRODUCT.search(path.stem)]
    _check_some(place, folders, labels)
    by_stem = _unique((_stem(path), path) for path in photos)
    files = _unique((_label_name(path, by_stem), path) for path in labels)
    named = {name if name in files else PHOTO_ENDING.sub("", name): path for name, path in by_stem.items()}
    return PairedFiles(tuple(LabelFile(*row) for row in sorted(files.items())), named, left_out)


def _split(files: list[Path]) -> tuple[list[Path], list[Path]]:
    """The labels and the photos of one folder; where no name has an ending, by what can hold labels."""
    labels = [path for path in files if LABEL_ENDING.search(path.stem)]
    if not labels:
        labels = [path for path in files if path.suffix.lower() not in PHOTO_SUFFIXES] or files
    return labels, [path for path in files if path not in labels]


def _label_name(path: Path, photos: Mapping[str, Path]) -> str:
    """The name of the photo that a file of labels belongs to: its own, or that without the ending."""
    stem = _stem(path)
    return stem if stem in photos else LABEL_ENDING.sub("", stem)


def _check_some(place: Path, folders: list[Path], labels: list[Path]) -> None:
    if labels:
        return
    if any(place.rglob(f"*{CELLPOSE}")):
        hint = "In cellpose: File, Save masks as PNG/tif; or `cellpose.io.save_masks`."
        fail(str(place), "a folder of label images (.png, .tif)", f"cellpose's own *{CELLPOSE}", hint=hint)
    where = f"{folders[0].name}/ without one" if folders else "none"
    fail(str(place), "a label image or a folder of them (.png, .tif, .tiff)", where)


def _pictures(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if is_picture_name(path) and path.is_file())


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
