"""Mapillary Vistas v1.2 and v2.0: `instances/*.png`, 16-bit, label * 256 + instance, and a `config*.json`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int

from intarsia._check import fail
from intarsia.formats.json_file import naming, read_json, write_json
from intarsia.formats.label_image import read_labels
from intarsia.formats.source import (
    SourceMap,
    SourcePart,
    Target,
    check_no_crowd,
    check_one_stuff_segment_a_category,
    copy_image,
    write_values,
)
from intarsia.panoptic import VOID_ID, Categories, Category, PanopticMap, Segment

VERSIONS = ("v2.0", "v1.2", "")  # folders inside a split; the first editions had none
SPLITS = {"training": "train", "validation": "val", "testing": "test"}
FOLDER_OF_SPLIT = {name: folder for folder, name in SPLITS.items()}
INSTANCES = 256


def read_vistas(folder: str | Path, *, versions: Sequence[str] = VERSIONS) -> list[SourcePart]:
    """The splits of a Mapillary Vistas folder, in the first of the versions that it holds.

    The categories come from the data set's own `config*.json`: id = place in its list + 1, as in the official
    panoptic JSONs; labels that are not evaluated are void.

    Raises:
        ValueError: No instance maps or no config are there.
    """
    folder = Path(folder)
    for version in versions:
        splits = sorted(path.name for path in folder.glob("*") if (path / version / "instances").is_dir())
        if splits:
            categories = _categories(folder, version)
            return [_part(folder, split, version, categories) for split in splits]
    return fail(
        str(folder), "a Vistas folder with training/<version>/instances/*.png", "none of these folders"
    )


def map_of_vistas_instances(values: Int[np.ndarray, "h w"], categories: Categories) -> PanopticMap:
    """The map of an instance image: value = (category id - 1) * 256 + instance.

    Example:
        >>> rows = Categories([Category(1, "bird", True, (0, 0, 0)), Category(2, "curb", False, (0, 0, 0))])
        >>> panoptic_map = map_of_vistas_instances(np.array([[0, 1, 256, 600]]), rows)
        >>> [(s.id, s.category_id) for s in panoptic_map.segments]
        [(1, 1), (2, 1), (257, 2)]
    """
    shown = [value for value in np.unique(values).tolist() if value // INSTANCES + 1 in categories]
    ids = np.where(np.isin(values, shown), values + 1, 0)
    return PanopticMap(ids, [Segment(value + 1, value // INSTANCES + 1) for value in shown])


def vistas_instances_of(panoptic_map: PanopticMap, categories: Categories) -> Int[np.ndarray, "h w"]:
    """The instance image of a map; void gets the label behind the last category's.

    Raises:
        ValueError: There is a crowd, two stuff segments of a category, or more than 256 instances of one.

    Example:
        >>> rows = Categories([Category(1, "bird", True, (0, 0, 0)), Category(2, "curb", False, (0, 0, 0))])
        >>> panoptic_map = PanopticMap(np.array([[5, 9, 0]]), [Segment(5, 1), Segment(9, 2)])
        >>> vistas_instances_of(panoptic_map, rows).tolist()
        [[0, 256, 512]]
    """
    check_no_crowd(panoptic_map.segments, "Vistas")
    check_one_stuff_segment_a_category(panoptic_map.segments, categories)
    values, count = {VOID_ID: _num_labels(categories) * INSTANCES}, Counter[int]()
    for segment in sorted(panoptic_map.segments, key=lambda segment: segment.id):
        number = count[segment.category_id]
        count[segment.category_id] += 1
        if number >= INSTANCES:
            fail("segments", f"at most {INSTANCES} of a category", f"more of category {segment.category_id}")
        values[segment.id] = (segment.category_id - 1) * INSTANCES + number
    ids_in_map, inverse = np.unique(panoptic_map.ids, return_inverse=True)
    return np.array([values[id] for id in ids_in_map.tolist()])[inverse].reshape(panoptic_map.ids.shape)


def write_map(
    root: Path, part: SourcePart, source: SourceMap, panoptic_map: PanopticMap, *, version: str
) -> dict[str, Any]:
    """Write instance image, label image and photo of one image."""
    folder = root / FOLDER_OF_SPLIT.get(part.name, part.name or "training")
    values = vistas_instances_of(panoptic_map, part.categories)
    colors = [color for label in _config(part.categories, version)["labels"] for color in label["color"]]
    write_values(folder / version / "instances" / f"{source.name}.png", values)
    write_values(folder / version / "labels" / f"{source.name}.png", values // INSTANCES, palette=colors)
    copy_image(source, folder / "images" / f"{source.name}{Path(source.image_file).suffix or '.jpg'}")
    return {}


def write_config(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]], *, version: str) -> None:
    """Write `config_<version>.json`, the table of labels."""
    write_json(root / f"config_{version}.json", _config(part.categories, version))


TARGETS = {
    version: Target(
        partial(write_map, version=version),
        partial(write_config, version=version),
        partial(read_vistas, versions=(version,)),
    )
    for version in ("v1.2", "v2.0")
}


def _config(categories: Categories, version: str) -> dict[str, Any]:
    """A label for each id from 1 to the last, and one for void; those of no category are not evaluated."""
    row_of_id = {row.id: row for row in categories}
    labels = []
    for id in range(1, _num_labels(categories) + 2):
        row = row_of_id.get(id, Category(id, "Unlabeled", False, (0, 0, 0)))
        name = {"name": row.name.lower().replace(" ", "-"), "readable": row.name, "color": list(row.color)}
        labels.append({**name, "instances": row.is_thing, "evaluate": id in row_of_id})
    return {"labels": labels, "version": version.removeprefix("v")}


def _num_labels(categories: Categories) -> int:
    ids = [row.id for row in categories]
    if min(ids) < 1 or max(ids) >= INSTANCES:
        fail("categories", f"of ids in [1, {INSTANCES}) for Vistas", f"{min(ids)} to {max(ids)}")
    return max(ids)


def _categories(folder: Path, version: str) -> Categories:
    names = [f"config_{version}.json", "config.json"] if version else ["config.json", "config_v1.2.json"]
    path = next((folder / name for name in names if (folder / name).exists()), None)
    if path is None:
        fail(str(folder), f"a Vistas folder with {' or '.join(names)}", "none of them")
    content = read_json(path, "JSON of Vistas' labels")
    with naming(path):
        return Categories.from_coco(
            [
                {**label, "id": n, "name": label["readable"], "isthing": label["instances"]}
                for n, label in enumerate(content["labels"], start=1)
                if label.get("evaluate", True)
            ]
        )


def _part(folder: Path, split: str, version: str, categories: Categories) -> SourcePart:
    maps = []
    for path in sorted((folder / split / version / "instances").glob("*.png")):
        images = [folder / split / "images" / (path.stem + suffix) for suffix in (".jpg", ".png", ".jpeg")]
        image = next((image for image in images if image.exists()), images[0])
        read = partial(_read, path, categories)
        shown = image if image.exists() else None
        maps.append(SourceMap(path.stem, image.name, path.name, shown, read))
    return SourcePart(SPLITS.get(split, split), categories, tuple(maps))


def _read(path: Path, categories: Categories) -> PanopticMap:
    return map_of_vistas_instances(read_labels(path)[0], categories)
