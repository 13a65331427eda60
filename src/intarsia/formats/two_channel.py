"""panopticapi's two-channel PNGs: red is the category, green tells its segments apart."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from intarsia._check import fail
from intarsia.errors import InputError
from intarsia.formats.color_png import map_of_keys, read_channels
from intarsia.formats.json_file import read_json
from intarsia.formats.photos import find_photos
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["map_of_two_channels", "read_two_channel"]

CROWD = 255
"""The number of a crowd in panopticapi's own examples."""
PHOTO_FOLDERS = ("images", "input_images")
PHOTO_SUFFIXES = (".jpg", ".png", ".jpeg")


def read_two_channel(folder: str | Path) -> list[SourcePart]:
    """A folder of PNGs, with their categories and images in JSONs in it or beside it.

    The categories are those of the first JSON that lists some (panopticapi's `panoptic_coco_categories.json`
    is one), or COCO's 133. Images have the ids of the first JSON that lists their names.

    Raises:
        ValueError: There is no PNG, or a JSON is broken.
    """
    folder = Path(folder)
    files = sorted(folder.glob("*.png"))
    if not files:
        fail(str(folder), "a folder of PNGs whose red is a category and green a number", "none")
    # categories and ids from the JSONs beside the maps, where there are some
    contents = list(_jsons(folder))
    categories = _categories(contents)
    ids = _ids(contents, {file.stem for file in files})
    # photos beside the maps
    places = [root / name for root in (folder, folder.parent) for name in PHOTO_FOLDERS]
    photos = find_photos([file.stem + suffix for file in files for suffix in PHOTO_SUFFIXES], places)
    by_stem = {path.stem: path for path in photos.values()}
    maps = tuple(
        SourceMap(
            ids.get(file.stem, file.stem),
            by_stem[file.stem].name if file.stem in by_stem else f"{file.stem}.jpg",
            file.name,
            by_stem.get(file.stem),
            partial(_read, file, categories),
            map_path=file,
        )
        for file in files
    )
    return [SourcePart("", categories, maps, photo_folder=places[0])]


def map_of_two_channels(colors: UInt8[np.ndarray, "h w 3"], categories: Categories) -> PanopticMap:
    """The map of one picture; category 0 is void, and number 255 of a thing a crowd.

    Raises:
        ValueError: A category is unknown.

    Example:
        >>> colors = np.uint8([[(1, 0, 0), (1, 1, 0), (1, 255, 0), (6, 0, 0), (0, 0, 0)]])
        >>> panoptic_map = map_of_two_channels(colors, Categories.named("facades"))
        >>> panoptic_map.ids.tolist(), [segment.is_crowd for segment in panoptic_map.segments]
        ([[1, 2, 3, 4, 0]], [False, False, True, False])
    """
    wide = colors.astype(np.int64)
    keys = np.where(wide[..., 0] > 0, wide[..., 0] << 8 | wide[..., 1], 0)
    things = {row.id for row in categories.things}
    meaning: dict[int, tuple[int, bool] | None] = {0: None}
    for key in set(np.unique(keys).tolist()) - {0}:
        category_id, number = divmod(key, 256)
        meaning[key] = category_id, category_id in things and number == CROWD
    return map_of_keys(keys, meaning, categories)


def _read(path: Path, categories: Categories) -> PanopticMap:
    colors = read_channels(path, "RGB")
    if colors[..., 2].any():
        fail(str(path), "a PNG of two channels, its blue 0", f"blue up to {colors[..., 2].max()}")
    return map_of_two_channels(colors, categories)


def _jsons(folder: Path) -> Iterator[Any]:
    for path in (*sorted(folder.glob("*.json")), *sorted(folder.parent.glob("*.json"))):
        yield read_json(path, "JSON of categories or images")


def _categories(contents: list[Any]) -> Categories:
    for content in contents:
        rows = content if isinstance(content, list) else content.get("categories")
        try:
            return Categories.from_coco(rows)
        except InputError:
            continue
    return Categories.named("coco")


def _ids(contents: list[Any], stems: set[str]) -> dict[str, int | str]:
    """The ids of images by the stems of their names, from the first JSON that has all of them."""
    for content in contents:
        rows = content.get("images") if isinstance(content, dict) else None
        named = [row for row in rows or () if isinstance(row, dict) and {"id", "file_name"} <= row.keys()]
        ids = {Path(str(row["file_name"])).stem: row["id"] for row in named}
        if stems <= ids.keys():
            return {stem: ids[stem] for stem in stems}
    return {}
