"""Lists of a large JSON, row by row: rows wait on disk, and the file has the bytes of `json.dumps`."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

from intarsia._files import whole

__all__ = ["JsonRows", "write_json_lists"]

MAX_IN_MEMORY = 16 << 20
"""Bytes of text of one list; more go to a temporary file."""


class JsonRows:
    """The rows of one list, in the order in which they came; of a million images they need no memory.

    Example:
        >>> rows = JsonRows()
        >>> rows.add({"id": 1})
        >>> list(rows), len(rows)
        (['{"id": 1}'], 1)
    """

    def __init__(self, *, max_bytes: int = MAX_IN_MEMORY) -> None:
        """Start without a row; so many bytes of text are kept in memory."""
        self._max_bytes, self._num_bytes, self._count = max_bytes, 0, 0
        self._lines: list[str] = []
        self._file: IO[str] | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[str]:
        """Each row as text."""
        if self._file is not None:
            self._file.seek(0)
            yield from (line.rstrip("\n") for line in self._file)
            self._file.seek(0, os.SEEK_END)
        yield from self._lines

    def add(self, row: Any) -> None:
        """Add a row of JSON values."""
        line = json.dumps(row)
        self._lines.append(line)
        self._count += 1
        self._num_bytes += len(line)
        if self._num_bytes > self._max_bytes:
            self._move_to_disk()

    def close(self) -> None:
        """Forget the rows."""
        if self._file is not None:
            self._file.close()

    def _move_to_disk(self) -> None:
        if self._file is None:
            self._file = TemporaryFile("w+", newline="\n", encoding="utf-8")  # noqa: SIM115 - until close
        self._file.writelines(f"{line}\n" for line in self._lines)
        self._lines, self._num_bytes = [], 0


def write_json_lists(path: Path, lists: Mapping[str, JsonRows | list[Any]]) -> None:
    """Write an object of lists to a file that is whole or not there; folders are made.

    Example:
        >>> import tempfile; path = Path(tempfile.mkdtemp()) / "a.json"
        >>> write_json_lists(path, {"images": JsonRows(), "categories": [{"id": 1}, {"id": 2}]})
        >>> path.read_text()
        '{"images": [], "categories": [{"id": 1}, {"id": 2}]}'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial, partial.open("w", newline="\n", encoding="utf-8") as file:
        for number, (name, rows) in enumerate(lists.items()):
            file.write(f"{', ' if number else '{'}{json.dumps(name)}: [")
            texts = rows if isinstance(rows, JsonRows) else map(json.dumps, rows)
            for place, text in enumerate(texts):
                file.write(f", {text}" if place else text)
            file.write("]")
        file.write("}")
