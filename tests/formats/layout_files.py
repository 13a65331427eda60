"""Files of data sets made by hand, and what their maps show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from intarsia.formats.source import SourcePart


def save(path: Path, pixels: Any, **options: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(pixels, np.uint8)).save(path, **options)


def photo(path: Path, height: int, width: int) -> None:
    save(path, np.full((height, width, 3), 80))


def shown(part: SourcePart, n: int = 0) -> list[tuple[str, bool, int]]:
    """Each segment's category, whether it is a crowd, and its pixels."""
    one = part.maps[n].read()
    name_of = {row.id: row.name for row in part.categories}
    return sorted((name_of[s.category_id], s.is_crowd, one.area(s.id)) for s in one.segments)
