"""The pictures among paths and inside folders: which are read, and which are passed over and named."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from PIL import Image

from intarsia._check import counted, fail
from intarsia.pictures.object_store import StoredFile, is_address, stored_files
from intarsia.pictures.suffixes import HEIF, PERHAPS, PHOTO_ENDING, PLAIN, is_file, photo_stem_beside
from intarsia.pictures.video import VIDEO_SUFFIXES

__all__ = ["Photos", "find_photos", "photo_suffixes"]

UNREAD = frozenset(
    (".cr2", ".cr3", ".nef", ".arw", ".dng", ".raf", ".orf", ".rw2", ".svg", ".psd", ".jxl", ".jxr")
)
MICROSCOPES = frozenset(
    (".czi", ".lif", ".nd2", ".lsm", ".oib", ".oif", ".vsi", ".ims", ".svs", ".ndpi", ".mrxs", ".dcm")
)
"""Pictures, too; their makers' programs and Fiji save them as TIFF."""
TRUTHS = ("panoptic", "labels", "masks", "instances", "semantic")
"""Folders beside `images/` that hold no photos."""
RESULTS = ("panoptic", "overlays", "labels", "geojson")
"""Folders that prediction writes, and what shows that it did."""
MARKS = ("panoptic.json", "segments.csv", "instances.json", "category_map.json", "geojson")


@dataclass(frozen=True)
class Photos:
    """The pictures of a search, and the files that are none.

    Attributes:
        files: Pictures by the name that each has in the result: the path below the folder that was searched.
        stored: Those of them that are in an object store, likewise; their path is their name alone.
        passed_over: One sentence for each kind of picture in the folders that is not read.
        num_passed_over: Number of files that are no photos.
    """

    files: dict[str, Path]
    stored: dict[str, StoredFile] = field(default_factory=dict)
    passed_over: tuple[str, ...] = ()
    num_passed_over: int = 0


def photo_suffixes() -> frozenset[str]:
    """The suffixes of pictures that are read here, in small letters.

    Example:
        >>> ".jpg" in photo_suffixes(), ".nef" in photo_suffixes()
        (True, False)
    """
    known = Image.registered_extensions()
    here = {suffix for suffix in PERHAPS if known.get(suffix) in Image.OPEN}
    with_heif = importlib.util.find_spec("pillow_heif") is not None
    return PLAIN | here | (HEIF if with_heif else frozenset())


def find_photos(paths: Sequence[str | Path], *, out: str | Path | None = None) -> Photos:
    """The pictures among paths, and inside of folders at any depth.

    Names that begin with a dot are no pictures, nor are the maps or labels of a data set (beside its
    `images/` or `panoptic.json`, or `a_masks.tif` beside `a.tif`) and what an earlier prediction wrote
    into `out`.

    Args:
        paths: Files, which are taken whatever their suffix, and folders; or their addresses in an object
            store, such as `s3://bucket/photos`.
        out: Where results will be written.

    Raises:
        ValueError: A path does not exist, or there is no picture in a folder.

    Example:
        >>> import tempfile; folder = Path(tempfile.mkdtemp())
        >>> for name in ("a.png", ".b.png", "c.nef", "d.txt"): (folder / name).touch()
        >>> photos = find_photos([folder])
        >>> list(photos.files), photos.num_passed_over
        (['a.png'], 1)
    """
    suffixes = photo_suffixes()
    remote_files = _stored_photos([str(path) for path in paths if is_address(path)], suffixes)
    files = {name: Path(file.name) for name, file in remote_files.items()}
    other_files: dict[str, list[Path]] = {}
    known_suffixes = PERHAPS | HEIF | UNREAD | MICROSCOPES | VIDEO_SUFFIXES
    # folders at any depth by their suffixes; a file that is named is taken as it is
    for path in (Path(path) for path in paths if not is_address(path)):
        if path.is_dir():
            inside = list(_inside(path, None if out is None else Path(out)))
            photos = _without_labels([file for file in inside if file.suffix.lower() in suffixes])
            for file in inside:
                if file.suffix.lower() in known_suffixes - suffixes:
                    other_files.setdefault(file.suffix.lower(), []).append(file)
            if not photos:
                fail(str(path), f"a folder with pictures ({', '.join(sorted(suffixes))})", _got(other_files))
            for photo in photos:
                files[_unused_name(photo.relative_to(path).as_posix(), files)] = photo
        elif path.is_file():
            files[_unused_name(path.name, files)] = path
        else:
            fail("images", "files or folders that exist", str(path))
    # what is left out of folders is said in sentences
    if not files:
        fail("images", "at least one file or folder", "none")
    return Photos(
        files, remote_files, tuple(map(_sentence, other_files.values())), sum(map(len, other_files.values()))
    )


def _inside(folder: Path, out: Path | None, above: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Files in order; hidden ones and results are left out, and no link leads in a circle."""
    above |= {folder.resolve()}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if is_file(path):
            yield path
        elif path.is_dir() and path.resolve() not in above and not _is_result(path, out):
            yield from _inside(path, out, above)


def _without_labels(files: list[Path]) -> list[Path]:
    """Label images that lie beside their photos are no photos, nor is what cellpose leaves there."""
    photos = {(file.parent, name) for file in files for name in (file.stem, PHOTO_ENDING.sub("", file.stem))}
    return [file for file in files if (file.parent, photo_stem_beside(file)) not in photos]


def _stored_photos(addresses: Sequence[str], suffixes: frozenset[str]) -> dict[str, StoredFile]:
    remote_files: dict[str, StoredFile] = {}
    for address in addresses:
        for file in _photos_at(address, suffixes):
            remote_files[_unused_name(file.name, remote_files)] = file
    return remote_files


def _photos_at(address: str, suffixes: frozenset[str]) -> list[StoredFile]:
    """The pictures at an address, without hidden ones and the maps and labels of a data set."""
    inside = list(stored_files(address))
    paths = [PurePosixPath(file.name) for file in inside]
    folders = {folder for path in paths for folder in path.parents} | {*paths}
    maps = {
        folder
        for folder in folders
        if (folder.name in TRUTHS and folder.with_name("images") in folders)
        or (folder.name == "panoptic" and folder.with_name("panoptic.json") in folders)
    }
    photos = {
        Path(path): file
        for file, path in zip(inside, paths, strict=True)
        if path.suffix.lower() in suffixes
        and not any(part.startswith(".") for part in path.parts)
        and maps.isdisjoint(path.parents)
    }
    if not photos:
        fail(address, f"a folder with pictures ({', '.join(sorted(suffixes))})", "none")
    return [photos[path] for path in _without_labels(list(photos))]


def _is_result(folder: Path, out: Path | None) -> bool:
    """Maps and labels beside `images/` or their JSON, and what prediction wrote into `out`."""
    beside = folder.parent
    if folder.name in TRUTHS and (beside / "images").is_dir():
        return True
    if folder.name == "panoptic" and (beside / "panoptic.json").is_file():
        return True
    if out is None or folder.name not in RESULTS or beside.resolve() != out.resolve():
        return False
    return any((out / name).exists() for name in MARKS)


def _unused_name(name: str, names: Iterable[str]) -> str:
    """The name, or with a number where another folder has a picture of this name."""
    path, number, candidate = Path(name), 2, name
    while candidate in names:
        candidate = path.with_name(f"{path.stem}-{number}{path.suffix}").as_posix()
        number += 1
    return candidate


def _got(others: dict[str, list[Path]]) -> str:
    return f"none but {', '.join(sorted(others))}" if others else "none"


def _sentence(files: list[Path]) -> str:
    suffix = files[0].suffix.lower()
    names = ", ".join(path.name for path in files[:5]) + (", ..." if len(files) > 5 else "")
    count = counted(len(files), f"{suffix} file")
    if suffix in VIDEO_SUFFIXES:
        hint = "Give videos one by one."
    elif suffix in HEIF:
        hint = "They are read with: pip install pillow-heif"
    else:
        hint = "Save them as TIFF or PNG."
    return f"`{files[0].parent}` must hold pictures of a kind that is read, got {count} ({names}). {hint}"
