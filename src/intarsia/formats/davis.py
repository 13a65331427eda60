"""Videos with an object a colour: DAVIS 2016 and 2017, and YouTube-VOS, which is laid out alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

from intarsia._check import fail
from intarsia.formats.category_map import BACKGROUND, OBJECT
from intarsia.formats.label_image import map_of_labels, read_page, void_label_of
from intarsia.formats.photos import find_photos
from intarsia.formats.source import SourceMap, SourcePart, part_folders
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["find_davis", "read_davis"]

ANNOTATIONS = ("Annotations", "Annotations_unsupervised")
PHOTOS = "JPEGImages"
RESOLUTIONS = ("480p", "1080p", "Full-Resolution")
YEARS = ("2017", "2019", "2016")
"""Of `ImageSets`; the first that is there counts."""


def read_davis(folder: str | Path) -> list[SourcePart]:
    """The sets of `ImageSets/YEAR/*.txt`, or all sequences as one, with photos in `JPEGImages/`.

    Each number of a frame is an object and keeps its number through the sequence, 0 is the stuff category
    "background", and the palette's 255 is void. Frames are called SEQUENCE/00000. Of several resolutions 480p
    is read. YouTube-VOS has folders `train/`, `valid/` of this shape.

    Raises:
        ValueError: There are no such frames.
    """
    folder = Path(folder)
    parts: list[SourcePart] = []
    for name, place in part_folders(folder, *ANNOTATIONS):
        sequences = find_davis(place)
        sets = _sets(place) if not name else {}
        names_of_part = {part: [clip for clip in names if clip in sequences] for part, names in sets.items()}
        names_of_part = {part: names for part, names in names_of_part.items() if names} or {
            name: list(sequences)
        }
        parts += [
            _part(part, place, {clip: sequences[clip] for clip in names})
            for part, names in names_of_part.items()
            if names
        ]
    if not parts:
        fail(str(folder), "a DAVIS folder with Annotations/480p/SEQUENCE/*.png", "none of these")
    return parts


def find_davis(folder: str | Path) -> dict[str, list[Path]]:
    """The annotated frames of each sequence, of one resolution; perhaps none.

    Example:
        >>> find_davis("no-such-folder")
        {}
    """
    for root in (Path(folder) / name for name in ANNOTATIONS):
        for place in (*(root / name for name in RESOLUTIONS), root):
            frames = {path.name: sorted(path.glob("*.png")) for path in sorted(place.glob("*"))}
            if any(frames.values()):
                return {name: files for name, files in frames.items() if files}
    return {}


def _sets(folder: Path) -> dict[str, list[str]]:
    """The sequences of each set: a name a line, or (2016) the path of a photo."""
    places = [folder / "ImageSets" / year for year in (*YEARS, *RESOLUTIONS)]
    place = next((place for place in places if any(place.glob("*.txt"))), None)
    sets = {} if place is None else {path.stem: path.read_text() for path in sorted(place.glob("*.txt"))}
    if {"train", "val"} <= sets.keys():
        sets.pop("trainval", None)
    return {
        name: list(dict.fromkeys(_sequence(line) for line in text.splitlines() if line.strip()))
        for name, text in sets.items()
    }


def _sequence(line: str) -> str:
    words = line.split()[0].strip("/").split("/")
    return words[-2] if len(words) > 1 else words[0]


def _part(name: str, folder: Path, sequences: Mapping[str, Sequence[Path]]) -> SourcePart:
    files = {f"{sequence}/{path.stem}": path for sequence, paths in sequences.items() for path in paths}
    places = [folder / PHOTOS / resolution for resolution in (*_resolution(files), "")]
    photos = find_photos([f"{frame}.jpg" for frame in files], places)
    maps = tuple(
        SourceMap(
            frame,
            f"{frame}.jpg",
            f"{frame.replace('/', '_')}.png",
            photos.get(f"{frame}.jpg"),
            partial(_read, path),
            map_path=path,
        )
        for frame, path in files.items()
    )
    return SourcePart(name, Categories([OBJECT, BACKGROUND]), maps, photo_folder=places[0])


def _resolution(files: Mapping[str, Path]) -> list[str]:
    names = {path.parent.parent.name for path in files.values()}
    return [name for name in RESOLUTIONS if name in names]


def _read(path: Path) -> PanopticMap:
    labels, void = read_page(path, 0), void_label_of(path)
    categories: dict[int, int | None] = dict.fromkeys(set(labels.ravel().tolist()), OBJECT.id)
    categories[0] = BACKGROUND.id
    if void is not None:
        categories[void] = None
    return map_of_labels(labels, categories)
