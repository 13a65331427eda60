"""Any data set as COCO panoptic for a while: what evaluates JSONs evaluates folders of label images, too."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from intarsia._check import fail
from intarsia._threads import in_order
from intarsia.formats import coco_folder
from intarsia.formats.coco_places import json_of
from intarsia.formats.layout import FORMATS, format_of
from intarsia.formats.source import SourcePart

__all__ = ["as_coco_json"]


@contextmanager
def as_coco_json(source: str | Path, *, workers: int = 1) -> Iterator[Path]:
    """The COCO panoptic JSON of a data set of one part, with its PNGs beside it.

    Of a JSON it is the file itself, of a COCO panoptic folder its JSON. Any other format is written to a
    temporary folder, which is gone afterwards; a folder of no known kind is taken for label images.

    Args:
        source: A JSON, or a folder in any format that `convert` reads.
        workers: How many maps to convert at once.

    Raises:
        ValueError: The folder has several parts, no label images, or one of its maps is broken.

    Example:
        >>> with as_coco_json("truth.json") as path:
        ...     str(path)
        'truth.json'
    """
    source = Path(source)
    format = format_of(source) if source.is_dir() else "coco"
    if format == "coco":
        yield json_of(source)
        return
    parts = FORMATS[format or "labels"](source)
    if len(parts) != 1:
        names = ", ".join(part.name for part in parts)
        fail(str(source), "a data set of one part", f"the parts {names}", hint="Give the folder of one part.")
    with TemporaryDirectory() as folder:
        yield _write(parts[0], Path(folder), workers=workers)


def _write(part: SourcePart, folder: Path, *, workers: int) -> Path:
    """Write maps and JSON, without the photos."""
    part = replace(part, name="", maps=tuple(replace(one, image_path=None) for one in part.maps))

    def write_one(number: int) -> dict:
        one = part.maps[number]
        return coco_folder.write_map(folder, part, one, one.read())

    numbers = range(len(part.maps))
    rows = [row for _, row in in_order(write_one, numbers, workers=workers, description="")]
    coco_folder.write_panoptic_json(folder, part, rows)
    return folder / "panoptic.json"
