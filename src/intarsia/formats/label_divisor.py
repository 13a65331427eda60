"""One array a photo of `category * divisor + number` (Panoptic-DeepLab's encoding), and `categories.json`."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from intarsia._check import check_least, fail
from intarsia._files import whole
from intarsia.formats.json_file import naming, read_json, write_json
from intarsia.formats.label_image import read_labels
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image, part_folders
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.suffixes import is_picture_name

PICTURES = (".png", ".tif", ".tiff")
SUFFIXES = (".npy", ".npz", *PICTURES)
DIVISOR = 1000
VOID = -1


def read_label_divisor(folder: str | Path) -> list[SourcePart]:
    """The parts of a folder with `labels/` and `categories.json`, or of `train/`, `val/` in it.

    An array is an `.npy`, the only one of an `.npz`, or a label image (PNG or TIFF, to 32 bits). The JSON has
    `categories` as COCO's, perhaps `divisor` (1000) and `void`, a value that means none (-1, and so do all
    other negative ones). Things of number 0 are crowds.

    Raises:
        ValueError: A folder or the JSON is missing or broken.
    """
    folder = Path(folder)
    return [_part(name, place) for name, place in part_folders(folder, "labels")]


def write_map(root: Path, part: SourcePart, source: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write the array as `.npy` (32-bit whole numbers), and the photo."""
    most = max(row.id for row in part.categories)
    if (most + 1) * DIVISOR >= 1 << 31:
        fail("categories", f"of ids below {(1 << 31) // DIVISOR - 1} for this format", most)
    values = panoptic_map.to_label_divisor(DIVISOR, categories=part.categories)
    path = root / part.name / "labels" / f"{source.name}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole(path) as partial_file:
        np.save(partial_file, values)
    copy_image(
        source, root / part.name / "images" / f"{source.name}{Path(source.image_file).suffix or '.png'}"
    )
    return {}


def write_categories(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """Write `categories.json`."""
    content = {"categories": part.categories.to_coco(), "divisor": DIVISOR, "void": VOID}
    write_json(root / part.name / "categories.json", content)


TARGET = Target(write_map, write_categories, read_label_divisor)


def _part(name: str, folder: Path) -> SourcePart:
    for needed in ("labels", "categories.json"):
        if not (folder / needed).exists():
            fail(str(folder), "a folder with labels/ and categories.json", f"no {needed}")
    path = folder / "categories.json"
    content = read_json(path, "JSON with categories")
    with naming(path):
        categories = Categories.from_coco(content)
        divisor, void = int(content.get("divisor", DIVISOR)), int(content.get("void", VOID))
        check_least("divisor", divisor, 1)
    images = {p.stem: p for p in (folder / "images").glob("*") if is_picture_name(p)}
    maps = []
    for array in sorted(p for p in (folder / "labels").iterdir() if p.suffix.lower() in SUFFIXES):
        image = images.get(array.stem)
        read = partial(_read, array, divisor, void, categories)
        image_file = image.name if image else f"{array.stem}.png"
        maps.append(SourceMap(array.stem, image_file, f"{array.stem}.png", image, read))
    return SourcePart(name, categories, tuple(maps))


def _read(path: Path, divisor: int, void: int, categories: Categories) -> PanopticMap:
    values = _array(path)
    with naming(path):
        panoptic_map = PanopticMap.from_label_divisor(
            np.where(values == void, -1, values), divisor, categories=categories
        )
        for segment in panoptic_map.segments:
            categories.index_of(segment.category_id)
    return panoptic_map


def _array(path: Path) -> Int[np.ndarray, "h w"]:
    if path.suffix.lower() in PICTURES:
        return read_labels(path)[0]
    try:
        loaded: Any = np.load(path, allow_pickle=False)
        values = loaded if isinstance(loaded, np.ndarray) else loaded[loaded.files[0]]
    except (OSError, ValueError, EOFError, IndexError, KeyError) as error:
        fail(str(path), "a readable NumPy array", f"{type(error).__name__}: {error}")
    if values.ndim != 2 or values.size == 0 or values.dtype.kind not in "iu":
        expected = "a 2-d array of whole numbers, at least 1x1"
        fail(str(path), expected, f"{values.dtype} of shape {values.shape}")
    return values.astype(np.int64)
