"""The annotations of a COCO panoptic JSON as compact tables, checked before any PNG is opened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Int64

from intarsia._check import fail
from intarsia._scalars import whole_number
from intarsia.formats.coco_json import ListedMap, read_panoptic_json
from intarsia.metrics.matching import SegmentTable
from intarsia.panoptic import Categories

NO_PROBLEMS: Mapping[Path, str] = MappingProxyType({})
MOST_AREA = np.iinfo(np.int64).max
UNKNOWN_AREA = np.iinfo(np.int64).min
"""The area of a segment whose JSON does not give one."""


@dataclass(frozen=True, slots=True)
class MapAnnotation:
    """One map: its PNG, its segments, and their areas as the JSON gives them (never trusted).

    Attributes:
        problem: What is wrong with the map, where that is known without opening its PNG.
    """

    image_id: int | str
    path: Path
    segments: SegmentTable
    areas: Int64[np.ndarray, " s"]
    image_file: str = ""
    problem: str = ""

    @property
    def name(self) -> str:
        """The image's id, as text."""
        return str(self.image_id)

    def absolute(self) -> MapAnnotation:
        """The same for a process that works in another folder."""
        return replace(self, path=self.path.absolute())


@dataclass(frozen=True, slots=True)
class AnnotationFile:
    """All maps of one JSON by image id, in its order, and the categories that it calls otherwise."""

    categories: Categories
    maps: dict[int | str, MapAnnotation]
    renamed: tuple[str, ...] = ()


def read_annotations(
    json_path: str | Path,
    folder: str | Path | None,
    *,
    categories: Categories | None = None,
    problems: Mapping[Path, str] = NO_PROBLEMS,
) -> AnnotationFile:
    """Read the annotations of a COCO panoptic JSON.

    Args:
        json_path: With `annotations`, and with `categories` unless they are given.
        folder: Of the PNGs; `None` for the JSON's name without `.json`.
        categories: Those of the truth, for predictions.
        problems: What is known to be wrong with maps, by their PNGs.

    Raises:
        ValueError: The file or folder is missing or broken, an image comes twice, a segment's id comes
            twice or is 0, or its category is unknown.
    """
    json_path = Path(json_path)
    folder = json_path.with_suffix("") if folder is None else Path(folder)
    content = read_panoptic_json(json_path, categories=categories, images_needed=False)
    if not folder.is_dir():
        fail(str(folder), f"the folder of PNGs of {json_path}", "no such folder")
    if not content.maps:
        fail(str(json_path), "a JSON with at least one annotation", "none")
    index_of_id = {category.id: index for index, category in enumerate(content.categories)}
    rows = [_map_annotation(listed, folder, index_of_id) for listed in content.maps]
    rows = [replace(row, problem=problems.get(row.path, "")) for row in rows] if problems else rows
    return AnnotationFile(content.categories, {row.image_id: row for row in rows}, content.renamed)


def _map_annotation(listed: ListedMap, folder: Path, index_of_id: Mapping[int, int]) -> MapAnnotation:
    record = listed.record
    segments = sorted(record.segments, key=attrgetter("id"))
    areas = [whole_number(listed.claims[segment.id].get("area")) for segment in segments]
    table = SegmentTable(
        np.array([segment.id for segment in segments], np.int64),
        np.array([index_of_id[segment.category_id] for segment in segments], np.int64),
        np.array([segment.is_crowd for segment in segments], bool),
        np.array([segment.score for segment in segments], np.float64),
    )
    # what is beyond any image is as wrong as the largest number
    within = [UNKNOWN_AREA if area is None else max(-MOST_AREA, min(area, MOST_AREA)) for area in areas]
    areas_px = np.array(within, np.int64)
    return MapAnnotation(record.image_id, folder / record.map_file, table, areas_px, record.image_file)
