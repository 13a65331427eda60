"""Mapillary Vistas v1.2 and v2.0: `instances/*.png`, 16-bit, label * 256 + instance, and a `config*.json`."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import numpy as np
from jaxtyping import Int

from intarsia._check import fail
from intarsia.formats.label_image import read_labels
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import Categories, Category, PanopticMap, Segment

VERSIONS = ("v2.0", "v1.2", "")  # folders inside a split; the first editions had none
SPLITS = {"training": "train", "validation": "val"}


def read_vistas(folder: str | Path) -> list[SourcePart]:
    """The splits of a Mapillary Vistas folder, in the newest version it holds.

    The categories come from the data set's own `config*.json`: id = place in its list + 1, as in the official
    panoptic JSONs; labels that are not evaluated are void.

    Raises:
        ValueError: No instance maps or no config are there.
    """
    folder = Path(folder)
    for version in VERSIONS:
        if any((folder / split / version / "instances").is_dir() for split in SPLITS):
            categories = _categories(folder, version)
            return [
                _part(folder, split, version, categories) for split in SPLITS if (folder / split).is_dir()
            ]
    return fail(
        str(folder), "a Vistas folder with training/<version>/instances/*.png", "none of these folders"
    )


def map_of_vistas_instances(values: Int[np.ndarray, "h w"], categories: Categories) -> PanopticMap:
    """The map of an instance image: value = (category id - 1) * 256 + instance.

    Example:
        >>> rows = Categories([Category(1, "bird", True, (0, 0, 0)), Category(2, "curb", False, (0, 0, 0))])
        >>> one = map_of_vistas_instances(np.array([[0, 1, 256, 600]]), rows)
        >>> [(s.id, s.category_id) for s in one.segments]
        [(1, 1), (2, 1), (257, 2)]
    """
    shown = [value for value in np.unique(values).tolist() if value // 256 + 1 in categories]
    ids = np.where(np.isin(values, shown), values + 1, 0)
    return PanopticMap(ids, [Segment(value + 1, value // 256 + 1) for value in shown])


def _categories(folder: Path, version: str) -> Categories:
    names = [f"config_{version}.json", "config.json"] if version else ["config.json", "config_v1.2.json"]
    path = next((folder / name for name in names if (folder / name).exists()), None)
    if path is None:
        fail(str(folder), f"a Vistas folder with {' or '.join(names)}", "none of them")
    labels = json.loads(path.read_text())["labels"]
    rows = [
        Category(n, label["readable"], bool(label["instances"]), tuple(label["color"][:3]))
        for n, label in enumerate(labels, start=1)
        if label.get("evaluate", True)
    ]
    return Categories(rows)


def _part(folder: Path, split: str, version: str, categories: Categories) -> SourcePart:
    maps = []
    for path in sorted((folder / split / version / "instances").glob("*.png")):
        image = folder / split / "images" / f"{path.stem}.jpg"
        read = partial(_read, path, categories)
        shown = image if image.exists() else None
        maps.append(SourceMap(path.stem, image.name, path.name, shown, read))
    return SourcePart(SPLITS[split], categories, tuple(maps))


def _read(path: Path, categories: Categories) -> PanopticMap:
    return map_of_vistas_instances(read_labels(path)[0], categories)
