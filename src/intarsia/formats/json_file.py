"""JSON files of data sets: read or refused in a sentence with their name, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from intarsia._check import fail
from intarsia._files import whole
from intarsia.errors import InputError
from intarsia.pictures.file_kinds import HEAD, UNPACK, archive_kind, picture_kind


def read_json(path: str | Path, kind: str) -> Any:
    """The content of a JSON file.

    Args:
        path: The JSON file to read.
        kind: What it should be, for the sentence if it is not: "category map".

    Raises:
        ValueError: The file is missing or no JSON.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        fail(str(path), f"a readable {kind}", error.strerror or str(error))
    if archive := archive_kind(content[:HEAD]):
        fail(str(path), f"a {kind}", archive, hint=UNPACK)
    if picture := picture_kind(content[:HEAD]):
        fail(str(path), f"a {kind}", picture, hint="Give the folder that it is in.")
    try:
        return json.loads(content)
    except UnicodeDecodeError as error:
        got = f"the byte 0x{error.object[error.start]:02x} at place {error.start}"
        fail(str(path), f"a {kind} in UTF-8", got, hint="Save it in UTF-8.")
    except (ValueError, RecursionError) as error:
        fail(str(path), f"a {kind}", f"text that is no JSON ({error})")


def write_json(path: Path, content: Any) -> None:
    """Write a file that is whole or not there; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial:
        partial.write_text(json.dumps(content))


@contextmanager
def naming(path: str | Path, entry: str = "") -> Iterator[None]:
    """Put the file's name, and which of its entries it is, into the errors of what is read from it.

    Example:
        >>> with naming("a.json", "image 3"):
        ...     {}["id"]
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `a.json, image 3` must be complete, got an entry without 'id'.
    """
    name = f"{path}, {entry}" if entry else str(path)
    try:
        yield
    except KeyError as error:
        fail(name, "complete", f"an entry without {error}")
    except (TypeError, AttributeError, IndexError, OverflowError):
        fail(name, "of the shape its format has", "an entry of another")
    except ValueError as error:
        if isinstance(error, InputError) and str(path) in str(error):
            raise  # names the file already
        raise InputError(f"{name}: {error}") from None
