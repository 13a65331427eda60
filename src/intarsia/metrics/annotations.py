"""The annotations of a COCO panoptic JSON as compact tables, checked before any PNG is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64

from intarsia._check import fail
from intarsia.formats.coco import load_coco
from intarsia.formats.json_file import naming
from intarsia.metrics.matching import SegmentTable
from intarsia.panoptic import VOID_ID, Categories

UNKNOWN_AREA = -1
"""The area of a segment whose JSON does not give one."""


@dataclass(frozen=True, slots=True)
class MapAnnotation:
    """One map: its PNG, its segments, and their areas as the JSON gives them (never trusted)."""

    image_id: int | str
    path: Path
    segments: SegmentTable
    areas: Int64[np.ndarray, " s"]
    image_file: str = ""

    @property
    def name(self) -> str:
        """The image's id, as text."""
        return str(self.image_id)


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """All maps of one JSON by image id, in its order."""

    categories: Categories
    maps: dict[int | str, MapAnnotation]


def read_annotations(
    json_path: str | Path, folder: str | Path | None, *, categories: Categories | None = None
) -> AnnotationFile:
    """Read the annotations of a COCO panoptic JSON.

    Args:
        json_path: With `annotations`, and with `categories` unless they are given.
        folder: Of the PNGs; `None` for the JSON's name without `.json`.
        categories: Those of the truth, for predictions.

    Raises:
        ValueError: The file or folder is missing or broken, an image comes twice, a segment's id comes
            twice or is 0, or its category is unknown.
    """
    json_path = Path(json_path)
    folder = json_path.with_suffix("") if folder is None else Path(folder)
    content = load_coco(json_path, keys=("annotations",) if categories else ("categories", "annotations"))
    if not folder.is_dir():
        fail(str(folder), f"the folder of PNGs of {json_path}", "no such folder")
    maps: dict[int | str, MapAnnotation] = {}
    with naming(json_path):
        categories = categories or Categories.from_coco(content)
        index_of_id = {category.id: index for index, category in enumerate(categories)}
        file_of = {image["id"]: str(image.get("file_name", "")) for image in content.get("images", ())}
        for row in content["annotations"]:
            if row["image_id"] in maps:
                fail("annotations", "one for each image", f"two for image {row['image_id']!r}")
            file_name = file_of.get(row["image_id"], "")
            maps[row["image_id"]] = _map_annotation(row, folder, index_of_id, image_file=file_name)
    if not maps:
        fail(str(json_path), "a JSON with at least one annotation", "none")
    return AnnotationFile(categories, maps)


def _map_annotation(
    row: Mapping[str, Any], folder: Path, index_of_id: Mapping[int, int], *, image_file: str
) -> MapAnnotation:
    infos = sorted(row["segments_info"], key=_id_of)
    ids = [info["id"] for info in infos]
    _check_ids(ids, row["file_name"])
    try:
        index = [index_of_id[info["category_id"]] for info in infos]
    except KeyError:
        wrong = next(info for info in infos if info["category_id"] not in index_of_id)
        segment = f"{wrong['category_id']!r} (segment {wrong['id']} of {row['file_name']})"
        fail("category_id", "one of the truth's categories", segment)
    crowd = [info.get("iscrowd", 0) == 1 for info in infos]
    areas = [int(info.get("area", UNKNOWN_AREA)) for info in infos]
    score = np.array([info.get("score", 1.0) for info in infos], np.float64)
    if not np.isfinite(score).all():
        fail(
            "score", "a finite number", f"{score[~np.isfinite(score)][0]} for a segment of {row['file_name']}"
        )
    table = SegmentTable(np.array(ids, np.int64), np.array(index, np.int64), np.array(crowd, bool), score)
    areas_px = np.array(areas, np.int64)
    return MapAnnotation(row["image_id"], folder / row["file_name"], table, areas_px, image_file)


_id_of = itemgetter("id")


def _check_ids(ids: list[Any], file_name: str) -> None:
    """Sorted ids: whole numbers of their own that a map can show."""
    for before, after in pairwise(ids):
        if before == after:
            fail("segments_info", "without two of the same id", f"id {before} twice for {file_name}")
    if ids and not (ids[0] > VOID_ID and ids[-1] < 1 << 31):
        wrong = ids[0] if ids[0] <= VOID_ID else ids[-1]
        fail("id", "in [1, 2^31), 0 is void", f"{wrong} for a segment of {file_name}")
    if not all(type(id) is int for id in ids):
        fail("id", "a whole number", f"{next(id for id in ids if type(id) is not int)!r} in {file_name}")
