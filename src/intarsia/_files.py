"""Files that are whole or not there."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import TypeVar

__all__ = ["AbstractWriter", "remove_partials", "whole"]

_Writer = TypeVar("_Writer", bound="AbstractWriter")
_numbers = count()
_PARTIAL = re.compile(r"\..*\.(\d+)\.\d+\.partial(\.[^.]*)?", re.DOTALL)


KEEP_BYTES = "surrogateescape"
"""How texts that hold names of files encode one that is no UTF-8 (old archives): with its own bytes."""


@contextmanager
def whole(path: str | Path) -> Iterator[Path]:
    """A name to write to beside `path`; on success the file moves there, on failure nothing is left.

    Two writers do not meet: the name carries the process and a number. It keeps the suffix, by which
    libraries choose the format, and begins with a dot, so that no reader takes it for data.

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
    partial = path.with_name(f".{path.stem[:40]}.{os.getpid()}.{next(_numbers)}.partial{path.suffix}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


class AbstractWriter(ABC):
    """What gathers rows in a `with` block, writes its file at the end, and nothing after an error."""

    @abstractmethod
    def close(self) -> None:
        """Write the file."""

    @abstractmethod
    def _forget(self) -> None:
        """Let go of what was gathered."""

    def __enter__(self: _Writer) -> _Writer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                self.close()
        finally:
            self._forget()


def remove_partials(folder: str | Path, *, pattern: str = "**/.*.partial*") -> None:
    """Remove what writers that were killed left below a folder; those that still run are let alone.

    Args:
        folder: Where to look.
        pattern: At which depth; by default at any.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, ".a.99999999.0.partial.png").touch()
        ...     remove_partials(folder)
        ...     list(Path(folder).iterdir())
        []
    """
    for path in Path(folder).glob(pattern):
        match = _PARTIAL.fullmatch(path.name)
        if match and not _runs(int(match[1])):
            path.unlink(missing_ok=True)


def _runs(process: int) -> bool:
    with suppress(ProcessLookupError, OverflowError):
        try:
            os.kill(process, 0)
        except PermissionError:
            return True
        return process != os.getpid()
    return False
