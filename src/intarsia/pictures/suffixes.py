"""By what names files of a folder are taken for pictures."""

from __future__ import annotations

from pathlib import Path

__all__ = ["PICTURE_SUFFIXES", "is_picture_name"]

PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".tif", ".tiff", ".btf", ".bmp", ".webp", ".gif", ".avif"}
    | {".jp2", ".j2k", ".heic", ".heif", ".pgm", ".ppm", ".pbm", ".pnm", ".tga"}
)
"""Suffixes of pictures that the house reads; HEIC with the plug-in `pillow-heif`."""


def is_picture_name(path: Path) -> bool:
    """Whether a file's name is that of a picture; what begins with a dot belongs to a system (`._a.jpg`).

    Example:
        >>> is_picture_name(Path("a.TIF")), is_picture_name(Path("._a.jpg")), is_picture_name(Path("a.txt"))
        (True, False, False)
    """
    return path.suffix.lower() in PICTURE_SUFFIXES and not path.name.startswith(".")
