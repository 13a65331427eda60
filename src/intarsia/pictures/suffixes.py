"""By what names files of a folder are taken for pictures."""

from __future__ import annotations

import re
from pathlib import Path

__all__ = ["HEIF", "PERHAPS", "PICTURE_SUFFIXES", "PLAIN", "is_file", "is_picture_name", "photo_stem_beside"]

PLAIN = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".btf", ".webp", ".bmp", ".gif"}
    | {".pgm", ".ppm", ".pbm", ".pnm", ".tga"}
)
PERHAPS = frozenset({".avif", ".jp2", ".j2k"})
"""Read where this Pillow can."""
HEIF = frozenset({".heic", ".heif"})
"""Read with the package pillow-heif."""
PICTURE_SUFFIXES = PLAIN | PERHAPS | HEIF
"""Suffixes of pictures that this package reads, in small letters."""
LOSSY = frozenset({".jpg", ".jpeg", ".jpe", ".jfif"})
"""Pictures of these hold no labels."""
LABEL_ENDING = re.compile(r"[_-](cp_masks|labels|masks|mask|label|seg|labell?ed)$", re.IGNORECASE)
PHOTO_ENDING = re.compile(r"[_-](img|image|raw|rgb)$", re.IGNORECASE)
BY_PRODUCT = re.compile(r"_(cp_)?(flows?|outlines?|output|overlays?|probs?|dP|fg|centers)$", re.IGNORECASE)
"""What cellpose and others leave beside their masks, and CVPPP its foregrounds and centres of leaves."""


def is_picture_name(path: Path) -> bool:
    """Whether a file's name is that of a picture; what begins with a dot belongs to a system (`._a.jpg`).

    Example:
        >>> is_picture_name(Path("a.TIF")), is_picture_name(Path("._a.jpg")), is_picture_name(Path("a.txt"))
        (True, False, False)
    """
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")


def is_file(path: Path) -> bool:
    """Whether this is a file, or a link to one that is not there: what reads it says so, and names it.

    git-annex and DVC keep such links in place of files that were not fetched.

    Example:
        >>> is_file(Path("no-such-file.png"))
        False
    """
    return path.is_file() or (path.is_symlink() and not path.exists())


def photo_stem_beside(path: Path) -> str:
    """How the photo beside a label image or a by-product is called, without suffix; empty for a photo.

    Example:
        >>> photo_stem_beside(Path("a_cp_masks.tif")), photo_stem_beside(Path("a_mask.jpg"))
        ('a', '')
    """
    for ending in (LABEL_ENDING, BY_PRODUCT):
        if path.suffix.lower() not in LOSSY and (match := ending.search(path.stem)):
            return path.stem[: match.start()]
    return ""
