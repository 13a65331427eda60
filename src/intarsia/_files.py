"""Files that are whole or not there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["whole"]


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A name to write to beside `path`; on success the file moves there, on failure nothing is left.

    Two writers of one path do not meet: the name carries the process. It keeps the suffix, by which libraries
    choose the format, and begins with a dot, so that no reader takes it for data.

    Args:
        path: Where the file shall be; its folder exists.

    Raises:
        OSError: The file cannot be moved there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole(f"{folder}/a.txt") as partial:
        ...         _ = partial.write_text("all of it")
        ...     [file.name for file in Path(folder).iterdir()]
        ['a.txt']
    """
    path = Path(path)
    partial = path.with_name(f".{path.stem[:40]}.{os.getpid()}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
