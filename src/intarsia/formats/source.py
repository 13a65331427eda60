"""What every converter reads: the images of one part of a data set, each with a way to get its map."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from intarsia.panoptic import Categories, PanopticMap


@dataclass(frozen=True, slots=True)
class SourceMap:
    """One image of a foreign data set. Its map is read when it is asked for."""

    image_id: str
    image_file: str
    map_file: str
    image_path: Path | None
    read: Callable[[], PanopticMap]


@dataclass(frozen=True, slots=True)
class SourcePart:
    """One part of a data set ("train", "val", or "" if it has no parts)."""

    name: str
    categories: Categories
    maps: tuple[SourceMap, ...]
