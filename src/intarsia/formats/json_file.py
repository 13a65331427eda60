"""JSON files of data sets: read or refused in a sentence with their name, written whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from intarsia._check import fail
from intarsia.errors import InputError


def read_json(path: str | Path, kind: str) -> Any:
    """The content of a JSON file.

    Args:
        path: The file.
        kind: What it should be, for the sentence if it is not: "category map".

    Raises:
        ValueError: The file is missing or no JSON.
    """
    try:
        return json.loads(Path(path).read_bytes())
    except OSError as error:
        fail(str(path), f"a readable {kind}", error.strerror or str(error))
    except (ValueError, RecursionError) as error:
        fail(str(path), f"a {kind}", f"text that is no JSON ({error})")


def write_json(path: Path, content: Any) -> None:
    """Write aside first, then rename; folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    partial.write_text(json.dumps(content))
    partial.replace(path)


@contextmanager
def naming(path: str | Path) -> Iterator[None]:
    """Put the file's name into the errors of what is read from it.

    Example:
        >>> with naming("a.json"):
        ...     {}["id"]
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `a.json` must be complete, got an entry without 'id'.
    """
    try:
        yield
    except KeyError as error:
        fail(str(path), "complete", f"an entry without {error}")
    except (TypeError, AttributeError, IndexError, OverflowError) as error:
        fail(str(path), "of the shape its format has", f"an entry that is not ({error})")
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None
