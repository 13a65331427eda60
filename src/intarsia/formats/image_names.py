"""Which image of a data set a file name means, although folders, suffixes and spellings differ."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from intarsia._check import fail
from intarsia.formats.coco_json import ImageId, load_coco, read_images
from intarsia.formats.problems import Report, stop_at_first

__all__ = ["ImageNames", "image_ids_of", "json_beside"]

_ENDINGS = ("_leftImg8bit", "_gtFine_leftImg8bit", "_gtFine")
"""What Cityscapes adds to an image's name; photo and JSON differ in it."""


class ImageNames:
    """The images of a data set by their file names.

    A name is compared as it is, then without leading folders, then without its suffix, then without case and
    Cityscapes' endings. As soon as more than one image fits, none does.

    Example:
        >>> names = ImageNames({7: "train/a.jpg", 8: "train/b.jpg", 9: "val/b.jpg"})
        >>> [names.find(name) for name in ("a.jpg", "images/A.png", "b.jpg", "val/b.png", "c.jpg")]
        [7, 7, None, 9, None]
    """

    def __init__(self, names: Mapping[ImageId, str]) -> None:
        """Index the names by image id; an empty name is none."""
        self._levels: tuple[dict[str, ImageId | None], ...] = ({}, {}, {})
        for id, name in names.items():
            for level, keys in zip(self._levels, _keys(name), strict=True):
                for key in keys:
                    level[key] = id if level.get(key, id) == id else None

    def find(self, name: str) -> ImageId | None:
        """The id of the image that this file name means, `None` if no image or more than one."""
        for level, keys in zip(self._levels, _keys(name), strict=True):
            for key in keys:
                if key in level:
                    return level[key]
        return None


def image_ids_of(json_path: str | Path, file_names: Iterable[str]) -> dict[str, ImageId]:
    """The ids that a data set's JSON gives to photos; `CocoWriter.add(..., image_id=...)` takes them.

    Predictions that carry the ids of the truth can be evaluated against it.

    Args:
        json_path: A COCO JSON with `images`, panoptic or of instances.
        file_names: Of the photos, with folders or without.

    Returns:
        An id for each file name that the JSON lists; the others are left out. Where the JSON lists `a.jpg`,
        another `a.png` is not listed.

    Raises:
        ValueError: The JSON is broken, or two of the file names mean the same image.

    Example:
        >>> import json, tempfile; path = Path(tempfile.mkdtemp()) / "panoptic.json"
        >>> _ = path.write_text(json.dumps({"images": [{"id": 42, "file_name": "a.jpg"}]}))
        >>> image_ids_of(path, ["images/a.jpg", "b.jpg"])
        {'images/a.jpg': 42}
    """
    content = load_coco(path=json_path, keys=("images",), kind="COCO JSON")
    images = read_images(content, Report(Path(json_path), stop_at_first))
    names = ImageNames({image.id: image.file_name for image in images.values() if image.file_name})
    name_of: dict[ImageId, str] = {}
    listed = {image.file_name for image in images.values()}
    for name in sorted(file_names, key=lambda name: name not in listed):
        id = names.find(name)
        if id is None or (id in name_of and name_of[id] in listed):
            continue
        if id in name_of:
            fail("images", f"of different names in {json_path}", f"{name_of[id]} and {name} for image {id!r}")
        name_of[id] = name
    return {name: id for id, name in name_of.items()}


def json_beside(photos: str | Path) -> Path | None:
    """The `panoptic.json` of the data set folder that this is, or whose `images/` this is; perhaps none."""
    folder = Path(photos)
    places = [folder, folder.parent] if folder.name == "images" else [folder]
    return next((place / "panoptic.json" for place in places if (place / "panoptic.json").is_file()), None)


def _keys(name: str) -> Iterator[list[str]]:
    """What to compare, level by level: from the whole path to its last part."""
    path = PurePosixPath(unicodedata.normalize("NFC", name.replace("\\", "/")))
    plain = path.with_suffix("") if path.name else path
    yield _tails(path)
    yield _tails(plain)
    stem = plain.name
    for ending in _ENDINGS:
        stem = stem.removesuffix(ending)
    yield [tail.casefold() for tail in _tails(plain.with_name(stem) if stem else plain)]


def _tails(path: PurePosixPath) -> list[str]:
    parts = [part for part in path.parts if part != "."]
    return ["/".join(parts[n:]) for n in range(len(parts))]
