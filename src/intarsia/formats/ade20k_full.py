"""All of ADE20K, of 2017 and of 2021: `NAME_seg.png` beside each photo, 3,000 categories and more."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from intarsia._check import fail
from intarsia._scalars import whole_number
from intarsia.categories import default_color
from intarsia.formats.ade20k import SPLITS
from intarsia.formats.color_png import map_of_keys, read_channels
from intarsia.formats.json_file import read_json
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import Categories, Category, PanopticMap

__all__ = ["find_ade20k_full", "map_of_ade20k_full", "read_ade20k_full"]

INDEX_FILE = "index_ade20k.mat"
ENDING = "_seg.png"
ROOTS = ("images", "images/ADE")
"""Of 2017 and of 2021."""
NUM_INSTANCES = 256


def read_ade20k_full(folder: str | Path) -> list[SourcePart]:
    """The splits of a folder with `images/training/` (2017) or `images/ADE/training/` (2021).

    Categories have the numbers and names of the data set's index, `index_ade20k.mat`, or of the JSONs beside
    the pictures (2021). Those that ADE20K's 150 categories call stuff are stuff, all others things.

    Raises:
        ValueError: There are no such pictures, or nothing says what their categories are called.
    """
    folder = Path(folder)
    files = {split: sorted(find_ade20k_full(folder, split)) for split in SPLITS}
    if not any(files.values()):
        fail(str(folder), f"an ADE20K folder with images/training/**/*{ENDING}", "none of these")
    categories = _categories(folder, [file for split in files.values() for file in split])
    return [_part(SPLITS[split], paths, categories) for split, paths in files.items() if paths]


def find_ade20k_full(folder: str | Path, split: str) -> Iterator[Path]:
    """The pictures of segments of one split, in folders of any depth.

    Example:
        >>> list(find_ade20k_full("no-such-folder", "training"))
        []
    """
    for root in ROOTS:
        yield from (Path(folder) / root / split).rglob(f"ADE_*{ENDING}")


def map_of_ade20k_full(colors: UInt8[np.ndarray, "h w 3"], categories: Categories) -> PanopticMap:
    """The map of one picture: red and green are the category, blue tells its instances apart.

    Source: CSAILVision/ADE20K, loadAde20K: the category is red / 10 * 256 + green, and 0 is nothing.

    Raises:
        ValueError: A category is unknown.

    Example:
        >>> colors = np.uint8([[(0, 7, 9), (0, 7, 11), (10, 1, 13), (0, 0, 0)]])
        >>> rows = [Category(7, "cup", True, (0, 0, 0)), Category(257, "sky", False, (0, 0, 1))]
        >>> panoptic_map = map_of_ade20k_full(colors, Categories(rows))
        >>> panoptic_map.ids.tolist(), [segment.category_id for segment in panoptic_map.segments]
        ([[1, 2, 3, 0]], [7, 7, 257])
    """
    wide = colors.astype(np.int64)
    number = wide[..., 0] // 10 * 256 + wide[..., 1]
    stuff = np.isin(number, [row.id for row in categories.stuff])
    keys = number * NUM_INSTANCES + np.where(stuff, 0, wide[..., 2])
    keys[number == 0] = 0
    meaning = {
        key: (key // NUM_INSTANCES, False) if key >= NUM_INSTANCES else None
        for key in np.unique(keys).tolist()
    }
    return map_of_keys(keys, meaning, categories)


def _part(name: str, files: Sequence[Path], categories: Categories) -> SourcePart:
    maps = []
    for file in files:
        stem = file.name.removesuffix(ENDING)
        photo = file.with_name(f"{stem}.jpg")
        read = partial(_read, file, categories)
        shown = photo if photo.is_file() else None
        maps.append(SourceMap(stem, photo.name, f"{stem}.png", shown, read, map_path=file))
    return SourcePart(name, categories, tuple(maps))


def _read(path: Path, categories: Categories) -> PanopticMap:
    return map_of_ade20k_full(read_channels(path, "RGB"), categories)


def _categories(folder: Path, files: Sequence[Path]) -> Categories:
    index = folder / INDEX_FILE
    names = _names_of_index(index) if index.is_file() else _names_of_pictures(files)
    if not names:
        hint = f"It is in the data set's archive, and in the JSONs of 2021: {INDEX_FILE}"
        fail(str(folder), "a folder that says what its categories are called", "none", hint=hint)
    stuff = {_first_word(row.name) for row in Categories.named("ade20k").stuff}
    rows = sorted(names.items())
    return Categories(
        Category(number, name, _first_word(name) not in stuff, default_color(number)) for number, name in rows
    )


def _names_of_index(path: Path) -> dict[int, str]:
    """The names of MATLAB's index, counted from 1."""
    from scipy.io import loadmat

    try:
        content = loadmat(path, variable_names=["index"], simplify_cells=True)
        names = content["index"]["objectnames"]
    except Exception as error:  # on damaged files its readers raise almost anything
        fail(str(path), "the index of ADE20K", f"{type(error).__name__}: {error}")
    return {number: str(name) for number, name in enumerate(names, start=1)}


def _names_of_pictures(files: Sequence[Path]) -> dict[int, str]:
    """The names in the JSONs of the pictures; those of parts are left out, which are in other pictures."""
    names: dict[int, str] = {}
    for file in files:
        path = file.with_name(file.name.removesuffix(ENDING) + ".json")
        if path.is_file():
            names |= _names_of_objects(read_json(path, "ADE20K JSON"), path)
    return names


def _names_of_objects(content: Any, path: Path) -> dict[int, str]:
    names: dict[int, str] = {}
    try:
        for row in content["annotation"]["object"]:
            number = whole_number(row["name_ndx"])
            if number and not whole_number(_level(row)):
                names[number] = str(row["name"])
    except (KeyError, TypeError) as error:
        fail(str(path), "a JSON of ADE20K with annotation, object, name and name_ndx", f"none with {error}")
    return names


def _level(row: Mapping[str, Any]) -> Any:
    return row.get("parts", {}).get("part_level", 0)


def _first_word(name: str) -> str:
    """Of "building, edifice" the first of the words that mean the same."""
    return name.partition(",")[0].strip()
