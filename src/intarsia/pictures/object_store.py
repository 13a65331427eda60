"""Files of object stores, `s3://bucket/folder` and the like: listed and fetched by pyarrow or fsspec."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Any

from intarsia._check import fail
from intarsia.errors import InputError

__all__ = ["StoredFile", "is_address", "stored_files"]

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of an object store.

    Attributes:
        address: Of the folder or file that was listed, as it was given; it says how to reach the store.
        path: Of the file within the store.
        name: Below what was listed.
        stamp: Size and time, which change when the file does.
    """

    address: str
    path: str
    name: str
    stamp: str

    def __str__(self) -> str:
        """The address of this file, for people."""
        return f"{self.address.partition('://')[0]}://{self.path.lstrip('/')}"

    def fetch(self, folder: Path) -> Path:
        """Write a copy into a folder of this machine, which is there.

        Raises:
            ValueError: The file cannot be read.
        """
        copy = folder / PurePosixPath(self.name).name
        store, _ = _store_of(self.address)
        try:
            with store.open_input_stream(self.path) as stream, copy.open("wb") as file:
                while chunk := stream.read(CHUNK_BYTES):
                    file.write(chunk)
        except Exception as error:  # each store has errors of its own
            fail(str(self), "a file that can be fetched", _reason(error))
        return copy


def is_address(path: str | Path) -> bool:
    """Whether this is the address of an object store and no path of this machine.

    Example:
        >>> is_address("s3://bucket/photos"), is_address("photos/a.jpg"), is_address("C:/photos")
        (True, False, False)
    """
    return "://" in str(path)


def stored_files(address: str) -> Iterator[StoredFile]:
    """The files at an address, in order: that file, or all of that folder at any depth.

    Args:
        address: Of any file system that pyarrow or an installed fsspec knows; options of the store behind a
            question mark, as `s3://bucket/photos?region=eu-north-1`.

    Raises:
        ValueError: pyarrow is missing, there is no such store or place, or it cannot be listed.
    """
    file_system: Any = _pyarrow()
    store, root = _store_of(address)
    try:
        place = store.get_file_info(root)
        is_folder = place.type == file_system.FileType.Directory
        rows = store.get_file_info(file_system.FileSelector(root, recursive=True)) if is_folder else [place]
    except Exception as error:  # each store has errors of its own
        fail("images", "a place that can be listed", f"{address} ({_reason(error)})")
    if place.type == file_system.FileType.NotFound:
        fail("images", "files or folders that exist", address)
    for row in sorted(rows, key=lambda row: row.path):
        if row.type == file_system.FileType.File:
            path = PurePosixPath(row.path)
            name = path.relative_to(place.path).as_posix() if is_folder else path.name
            yield StoredFile(address, row.path, name, f"{row.size} {row.mtime_ns}")


@cache
def _store_of(address: str) -> tuple[Any, str]:
    """The file system, and the path in it."""
    file_system: Any = _pyarrow()
    try:
        return file_system.FileSystem.from_uri(address)
    except ValueError:  # none of pyarrow's own
        pass
    except Exception as error:
        fail("images", "at an address that can be reached", f"{address} ({_reason(error)})")
    try:
        store, path = importlib.import_module("fsspec.core").url_to_fs(address)
    except (ImportError, ValueError) as error:
        known = "an address of a store that pyarrow or fsspec knows, such as s3:// or gs://"
        fail("images", known, f"{address} ({_reason(error)})")
    return file_system.PyFileSystem(file_system.FSSpecHandler(store)), path


def _pyarrow() -> Any:
    try:
        return importlib.import_module("pyarrow.fs")
    except ModuleNotFoundError:
        hint = "pip install 'intarsia[cluster]'"
        fail("images", "on this machine where pyarrow is not installed", "an address", hint=hint)


def _reason(error: Exception) -> str:
    if isinstance(error, InputError):
        raise error
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
