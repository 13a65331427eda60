"""Where COCO panoptic data sets keep their JSONs, maps and photos, part by part."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from intarsia._check import fail
from intarsia.formats.photos import find_photos

__all__ = ["CocoPlace", "find_coco", "json_of", "part_names", "photo_folders"]

_YEAR = re.compile(r"[-_]?20\d\d$")


@dataclass(frozen=True, slots=True)
class CocoPlace:
    """Where one part of a data set is: its JSON, beside it the PNGs, and the folders of its photos.

    Attributes:
        name: "train", "val" or whatever the part is called, "" where there are no parts.
        json_path: The part's JSON.
        images: The folder where photos should be.
        others: Further folders where they may be.
    """

    name: str
    json_path: Path
    images: Path
    others: tuple[Path, ...] = ()

    @property
    def maps(self) -> Path:
        """The folder of PNGs."""
        return self.json_path.with_suffix("")

    def photos(self, names: Iterable[str]) -> dict[str, Path]:
        """The photos of these names that are there, see `find_photos`."""
        return find_photos((name for name in names if name), (self.images, *self.others))


def find_coco(source: str | Path) -> list[CocoPlace]:
    """The parts of a COCO panoptic folder, in all the layouts that are known; perhaps none.

    These are `panoptic.json` with `panoptic/` and `images/`; folders of that shape, of any name; COCO's own
    layout with `annotations/panoptic_PART.json` (and datumaro's, with photos in `images/PART/`); Cityscapes'
    with `gtFine/cityscapes_panoptic_PART.json`; or one JSON beside its folder of PNGs.

    Example:
        >>> find_coco("no-such-folder")
        []
    """
    source = Path(source)
    if source.is_file():
        return [_of_json(source)]
    return [*_plain(source), *_annotations(source), *_cityscapes(source)]


def json_of(source: str | Path) -> Path:
    """The COCO panoptic JSON that is meant: the file itself, or the only one of a data set folder.

    Raises:
        ValueError: A folder has no COCO panoptic JSON, or several.

    Example:
        >>> json_of("a.json")
        PosixPath('a.json')
    """
    source = Path(source)
    if not source.is_dir():
        return source
    files = [place.json_path for place in find_coco(source)]
    if len(files) != 1:
        got = "several: " + ", ".join(str(file.relative_to(source)) for file in files) if files else "none"
        fail(str(source), "a COCO panoptic JSON, or a folder with one", got)
    return files[0]


def part_names(files: Iterable[Path], prefix: str) -> dict[Path, str]:
    """The parts that files named PREFIX + part hold; without COCO's years, unless two would be one.

    Example:
        >>> files = [Path("panoptic_val2017.json"), Path("panoptic_test-dev.json")]
        >>> list(part_names(files, "panoptic_").values())
        ['val', 'test-dev']
    """
    whole = {file: file.stem.removeprefix(prefix) for file in files}
    short = {file: _YEAR.sub("", name) or name for file, name in whole.items()}
    count = Counter(short.values())
    return {file: name if count[name] == 1 else whole[file] for file, name in short.items()}


def photo_folders(root: Path, file: Path, part: str, *, prefix: str) -> tuple[Path, ...]:
    """Where the photos of `annotations/PREFIX_PART.json` may be: the part's name has its year or not."""
    names = dict.fromkeys([file.stem.removeprefix(prefix), part])
    own = [place for name in names for place in (root / name, root / "images" / name, root / name / "images")]
    return (*own, root / "images", root)


def _plain(root: Path) -> Iterator[CocoPlace]:
    folders = [root, *sorted(path for path in root.glob("*") if path.is_dir())]
    for folder in folders:
        if (folder / "panoptic.json").is_file():
            name = "" if folder == root else folder.name
            yield CocoPlace(name, folder / "panoptic.json", folder / "images", (folder,))


def _annotations(root: Path) -> Iterator[CocoPlace]:
    prefix = "panoptic_"
    files = sorted((root / "annotations").glob(f"{prefix}*.json"))
    for file, name in part_names(files, prefix).items():
        yield _place(root, file, name, prefix)


def _place(root: Path, file: Path, name: str, prefix: str) -> CocoPlace:
    folders = photo_folders(root, file, name, prefix=prefix)
    first = next((folder for folder in folders if folder.is_dir() and folder != root), folders[0])
    return CocoPlace(name, file, first, tuple(folder for folder in folders if folder != first))


def _cityscapes(root: Path) -> Iterator[CocoPlace]:
    prefix = "cityscapes_panoptic_"
    files = sorted((root / "gtFine").glob(f"{prefix}*.json"))
    for file in files:
        name = file.stem.removeprefix(prefix).removesuffix("_trainId")
        images = root / "leftImg8bit" / name
        yield CocoPlace(name, file, images, tuple(sorted(path for path in images.glob("*") if path.is_dir())))


def _of_json(file: Path) -> CocoPlace:
    if file.parent.name == "annotations" and file.stem.startswith("panoptic_"):
        place = _place(file.parent.parent, file, part_names([file], "panoptic_")[file], "panoptic_")
        return CocoPlace("", file, place.images, place.others)
    if file.parent.name == "gtFine":
        [*places] = (place for place in _cityscapes(file.parent.parent) if place.json_path == file)
        if places:
            return CocoPlace("", file, places[0].images, places[0].others)
    return CocoPlace("", file, file.parent / "images", (file.parent,))
