"""What a file is that somebody gave in place of another, by its first bytes."""

from __future__ import annotations

__all__ = ["HEAD", "UNPACK", "archive_kind", "no_picture", "picture_kind"]

HEAD = 512
"""So many bytes tell."""
UNPACK = "Unpack it and give the folder."
ARCHIVES = (
    (0, b"PK\3\4", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"Rar!", "a RAR archive"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
)
"""At what place of a file which bytes say what it is."""
OTHERS = (
    (b"version https://git-lfs", "a pointer of Git LFS", "Fetch the files with: git lfs pull"),
    (b"\x93NUMPY", "a NumPy array", "Save it as TIFF."),
    (b"\x89HDF", "an HDF5 file", "Save its pictures as TIFF."),
    (b"%PDF", "a PDF", ""),
    (b"<", "a text of XML or HTML", ""),
)
"""What else is found under the name of a picture, by how it begins, and what to do."""
PICTURES = (
    (0, b"\x89PNG", "a PNG"),
    (0, b"\xff\xd8\xff", "a JPEG"),
    (0, b"II*\0", "a TIFF"),
    (0, b"MM\0*", "a TIFF"),
)


def archive_kind(head: bytes) -> str:
    """What archive begins with these `HEAD` bytes; empty where none does.

    Example:
        >>> archive_kind(b"Rar!..."), archive_kind(b"{}")
        ('a RAR archive', '')
    """
    return _kind(head, ARCHIVES)


def no_picture(head: bytes) -> tuple[str, str]:
    """What a file is that is no picture, and what to do with it; both empty where it may be one.

    Args:
        head: Its first `HEAD` bytes.

    Example:
        >>> no_picture(b"%PDF-1.4"), no_picture(b"GIF89a")
        (('a PDF', ''), ('', ''))
    """
    if not head:
        return "an empty file", ""
    if archive := archive_kind(head):
        return archive, UNPACK
    return next(((kind, hint) for mark, kind, hint in OTHERS if head.startswith(mark)), ("", ""))


def picture_kind(head: bytes) -> str:
    r"""What picture begins with these bytes, of those that label images are kept in; empty where none does.

    Example:
        >>> picture_kind(b"II*\0"), picture_kind(b"{}")
        ('a TIFF', '')
    """
    return _kind(head, PICTURES)


def _kind(head: bytes, kinds: tuple[tuple[int, bytes, str], ...]) -> str:
    return next((kind for at, mark, kind in kinds if head[at : at + len(mark)] == mark), "")
