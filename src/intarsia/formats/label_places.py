"""Where data sets of photos and label images keep them: one folder or two, parts, folders in folders."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.formats.source import part_folders
from intarsia.pictures.suffixes import LABEL_ENDING, is_file, is_picture_name

__all__ = ["LABEL_FOLDERS", "LabelPlace", "find_label_places", "label_places", "pictures"]

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
CELLPOSE = "_seg.npy"
CELL_TRACKING = ("ST", "GT")
"""Of the Cell Tracking Challenge: labels of every frame, and those that experts drew of some."""


@dataclass(frozen=True, slots=True)
class LabelPlace:
    """One part of a data set.

    Attributes:
        name: Of the part; "" where there are no parts.
        root: The folder of the part, where its category map is.
        labels: The folders of labels (or the one file), each by what goes before the names of its images.
        photos: For each of them where its photos may be; the first folder that has some counts.
        is_mixed: Whether photos and labels lie in one folder, so that only names tell them apart.
    """

    name: str
    root: Path
    labels: Mapping[str, Path]
    photos: Mapping[str, tuple[Path, ...]]
    is_mixed: bool = False


def find_label_places(source: Path) -> list[LabelPlace]:
    """The parts of a data set of label images, one without a name where there are none.

    Known are `labels/` (or `masks/`, `instances/`) beside `images/` or beside the photos; both in one folder;
    each of these in `train/`, `val/`; `labels/train/` beside `images/train/`; folders inside of `labels/` as
    inside of `images/`; and the Cell Tracking Challenge's `01/`, `01_ST/SEG/` (or `01_GT/SEG/`).

    Raises:
        ValueError: A folder has two of `labels/`, `masks/` and `instances/`.

    Example:
        >>> [place.labels for place in find_label_places(Path("no-such-folder"))]
        [{'': PosixPath('no-such-folder')}]
    """
    if source.is_file():
        return [LabelPlace("", source.parent, {"": source}, {"": ()})]
    if sequences := _cell_tracking(source):
        return [sequences]
    folders = part_folders(source, *LABEL_FOLDERS)
    has_own = any((source / name).is_dir() for name in LABEL_FOLDERS) or bool(pictures(source))
    if folders == [("", source)] and not has_own:
        folders = [(path.name, path) for path in sorted(source.glob("*/")) if _has_endings(path)] or folders
    places = [place for name, folder in folders for place in _of(name, folder)]
    names = [PARTS.get(place.name.casefold(), place.name) for place in places]
    if len(set(names)) < len(names):
        return places
    return [
        LabelPlace(name, place.root, place.labels, place.photos, place.is_mixed)
        for name, place in zip(names, places, strict=True)
    ]


def label_places(source: Path) -> list[LabelPlace]:
    """The parts of a folder that is a data set of photos and label images; none where it is something else.

    Files that may be labels or anything else, without an ending and without a folder of theirs, are not taken
    for labels unless somebody says that they are.

    Example:
        >>> label_places(Path("no-such-folder"))
        []
    """
    with suppress(InputError):
        return [place for place in find_label_places(source) if _is_of_labels(place)]
    return []


def pictures(folder: Path) -> list[Path]:
    """The files of a folder that are pictures by their names, in order.

    Example:
        >>> pictures(Path("no-such-folder"))
        []
    """
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if is_picture_name(path) and is_file(path))


def _of(name: str, folder: Path) -> list[LabelPlace]:
    folders = [folder / kind for kind in LABEL_FOLDERS if (folder / kind).is_dir()]
    if len(folders) > 1:
        got = " and ".join(path.name for path in folders)
        fail(str(folder), "a folder with one of labels/, masks/ and instances/", got)
    if not folders:
        return [LabelPlace(name, folder, {"": folder}, {"": (folder / PHOTO_FOLDER,)}, is_mixed=True)]
    inside = {path.name: path for path in sorted(folders[0].iterdir()) if path.is_dir() and pictures(path)}
    if pictures(folders[0]) or not inside:
        return [LabelPlace(name, folder, {"": folders[0]}, {"": (folder / PHOTO_FOLDER, folder)})]
    photos = {part: (folder / PHOTO_FOLDER / part, folder / part) for part in inside}
    if not inside.keys() <= PARTS.keys():
        return [LabelPlace(name, folder, inside, photos)]
    return [LabelPlace(part, folder, {"": path}, {"": photos[part]}) for part, path in inside.items()]


def _cell_tracking(source: Path) -> LabelPlace | None:
    """All sequences together, each frame called SEQUENCE/t000."""
    labels: dict[str, Path] = {}
    for kind in CELL_TRACKING:
        for path in sorted(source.glob(f"*_{kind}/SEG")):
            if any(path.glob("man_seg*.tif")):
                labels.setdefault(path.parent.name.removesuffix(f"_{kind}"), path)
    if not labels:
        return None
    return LabelPlace("", source, labels, {name: (source / name,) for name in labels})


def _is_of_labels(place: LabelPlace) -> bool:
    root = place.root
    if (root / "semantic").is_dir() or (root / "categories.json").is_file():
        return False  # other formats, which have folders of these names, too
    if place.is_mixed:
        return _has_endings(root) or any(root.glob(f"*{CELLPOSE}"))
    return any(pictures(path) or any(path.rglob(f"*{CELLPOSE}")) for path in place.labels.values())


def _has_endings(folder: Path) -> bool:
    return any(LABEL_ENDING.search(path.stem) for path in pictures(folder))
