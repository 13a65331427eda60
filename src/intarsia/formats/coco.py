"""COCO panoptic: a JSON with categories, images and segments, and a folder of PNGs whose colours are ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from jaxtyping import Int32

from intarsia import _native
from intarsia._check import fail
from intarsia.formats.json_file import naming, read_json, write_json
from intarsia.formats.png import read_ids, write_ids
from intarsia.panoptic import VOID_ID, Categories, PanopticMap, Segment


@dataclass(frozen=True, slots=True)
class MapRecord:
    """Where one image and its map are, and which segments the map shows. File names are relative."""

    image_id: int | str
    image_file: str
    map_file: str
    height: int
    width: int
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class CocoPanoptic:
    """The content of a COCO panoptic JSON, in the order of its annotations."""

    categories: Categories
    records: tuple[MapRecord, ...]


def read_coco(json_path: str | Path) -> CocoPanoptic:
    """Read a COCO panoptic JSON; the maps stay on disk until `read_map`.

    Raises:
        ValueError: The file is missing or no JSON, lacks a key, names an unknown category or image, or
            repeats an image.
    """
    content = load_coco(json_path)
    with naming(json_path):
        categories = Categories.from_coco(content)
        images = {image["id"]: image for image in content["images"]}
        records = tuple(_record(row, images, categories) for row in content["annotations"])
    seen: set[int | str] = set()
    for record in records:
        if record.image_id in seen:
            fail(str(json_path), "one annotation for each image", f"two for image {record.image_id!r}")
        seen.add(record.image_id)
    return CocoPanoptic(categories, records)


def read_map(record: MapRecord, folder: str | Path) -> PanopticMap:
    """Read the map of one record from the folder of PNGs.

    Raises:
        ValueError: The PNG is missing or broken, has another size than the JSON says, or shows ids that
            the JSON does not list or the other way round.
    """
    path = Path(folder) / record.map_file
    ids = read_ids(path)
    if record.height and ids.shape != (record.height, record.width):
        fail(
            str(path),
            f"{record.height}x{record.width} pixels as its JSON says",
            f"{ids.shape[0]}x{ids.shape[1]}",
        )
    with naming(path):
        return PanopticMap(ids, record.segments)


def load_coco(
    path: str | Path, *, keys: tuple[str, ...] = ("categories", "images", "annotations")
) -> dict[str, Any]:
    """The content of a COCO panoptic JSON that has at least these keys.

    Raises:
        ValueError: The file is missing, is no JSON, or lacks a key.
    """
    content = read_json(path, "COCO panoptic JSON")
    missing = [key for key in keys if not isinstance(content, dict) or key not in content]
    if missing:
        fail(str(path), "a COCO panoptic JSON with " + ", ".join(keys), f"one without {', '.join(missing)}")
    return content


class CocoWriter:
    """Writes a COCO panoptic folder map by map; the JSON is written last, when the `with` block ends well.

    Example:
        >>> import tempfile, numpy as np; folder = Path(tempfile.mkdtemp())
        >>> one = PanopticMap(np.ones((2, 3), np.int32), [Segment(1, 7)])
        >>> with CocoWriter(folder / "panoptic.json", Categories.named("facades")) as writer:
        ...     _ = writer.add("a.jpg", one)
        >>> read_coco(folder / "panoptic.json").records[0].map_file
        'a.png'
    """

    def __init__(
        self, json_path: str | Path, categories: Categories, *, folder: str | Path | None = None
    ) -> None:
        """Make the folder of PNGs: by default the JSON's name without `.json`."""
        self.json_path = Path(json_path)
        self.folder = Path(folder) if folder is not None else self.json_path.with_suffix("")
        self.categories = categories
        self.images: list[dict[str, Any]] = []
        self.annotations: list[dict[str, Any]] = []
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(self, file_name: str, panoptic_map: PanopticMap, *, image_id: int | str | None = None) -> Path:
        """Write the PNG of one image and remember its segments.

        Args:
            file_name: The image's; the PNG takes its name, with slashes as underscores.
            panoptic_map: Its category ids are the data set's.
            image_id: By default 1, 2, ... in the order of calls.

        Returns:
            The PNG.
        """
        image_id = len(self.images) + 1 if image_id is None else image_id
        map_file = Path(file_name).with_suffix(".png").as_posix().replace("/", "_")
        write_ids(self.folder / map_file, panoptic_map.ids)
        height, width = panoptic_map.size
        self.images.append({"id": image_id, "file_name": file_name, "height": height, "width": width})
        self.annotations.append(
            {"image_id": image_id, "file_name": map_file, "segments_info": segments_to_coco(panoptic_map)}
        )
        return self.folder / map_file

    def __enter__(self) -> CocoWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()

    def close(self) -> None:
        """Write the JSON: aside first, then renamed."""
        content = {
            "images": self.images,
            "annotations": self.annotations,
            "categories": self.categories.to_coco(),
        }
        write_json(self.json_path, content)


def segments_to_coco(panoptic_map: PanopticMap) -> list[dict[str, Any]]:
    """The `segments_info` of a map: ids, categories, areas, boxes (x, y, width, height), crowds, scores."""
    boxes = boxes_of(panoptic_map.ids, [s.id for s in panoptic_map.segments])
    return [
        {
            "id": s.id,
            "category_id": s.category_id,
            "area": panoptic_map.area(s.id),
            "bbox": boxes[s.id],
            "iscrowd": int(s.is_crowd),
            "score": s.score,
        }
        for s in panoptic_map.segments
    ]


def boxes_of(ids: Int32[np.ndarray, "h w"], shown: Sequence[int]) -> dict[int, list[int]]:
    """The box of each id that the map shows: left, top, width, height.

    Example:
        >>> boxes_of(np.array([[0, 7], [7, 7]], np.int32), [7])
        {7: [0, 0, 2, 2]}
    """
    from scipy.ndimage import find_objects

    keys = np.array(shown, np.int32)
    number = _native.relabel(ids, keys, np.arange(1, len(keys) + 1, dtype=np.int32), VOID_ID)
    return {
        id: [box[1].start, box[0].start, box[1].stop - box[1].start, box[0].stop - box[0].start]
        for id, box in zip(shown, find_objects(number), strict=True)
    }


def _record(
    row: Mapping[str, Any], images: Mapping[int | str, Mapping[str, Any]], categories: Categories
) -> MapRecord:
    image = images.get(row["image_id"])
    if image is None:
        fail("image_id", "of an image in the list `images`", row["image_id"])
    segments = tuple(_segment(info, categories, row["file_name"]) for info in row["segments_info"])
    return MapRecord(
        image_id=row["image_id"],
        image_file=str(image.get("file_name", "")),
        map_file=str(row["file_name"]),
        height=int(image.get("height", 0)),
        width=int(image.get("width", 0)),
        segments=segments,
    )


def _segment(info: Mapping[str, Any], categories: Categories, file_name: str) -> Segment:
    category_id = int(info["category_id"])
    if category_id not in categories:
        fail(
            "category_id",
            "one of the listed categories",
            f"{category_id} (segment {info['id']} of {file_name})",
        )
    if int(info["id"]) == VOID_ID:
        fail("id", "not 0, which is void", f"0 for a segment of {file_name}")
    return Segment(int(info["id"]), category_id, float(info.get("score", 1.0)), bool(info.get("iscrowd", 0)))
