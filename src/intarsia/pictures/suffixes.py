"""By what names files of a folder are taken for pictures."""

from __future__ import annotations

from pathlib import Path

__all__ = ["HEIF", "PERHAPS", "PICTURE_SUFFIXES", "PLAIN", "is_picture_name"]

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


def is_picture_name(path: Path) -> bool:
    """Whether a file's name is that of a picture; what begins with a dot belongs to a system (`._a.jpg`).

    Example:
        >>> is_picture_name(Path("a.TIF")), is_picture_name(Path("._a.jpg")), is_picture_name(Path("a.txt"))
        (True, False, False)
    """
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
