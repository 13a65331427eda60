"""COCO panoptic: a JSON with categories, images and segments, and a folder of PNGs whose colours are ids."""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, SupportsIndex

import numpy as np
from jaxtyping import Int32

import intarsia._native as _native
from intarsia._check import fail
from intarsia._files import AbstractWriter
from intarsia.formats.coco_json import ImageId, MapRecord, image_id_of, read_panoptic_json
from intarsia.formats.json_file import naming
from intarsia.formats.json_rows import JsonRows, write_json_lists
from intarsia.formats.png import read_ids, write_ids
from intarsia.panoptic import VOID_ID, Categories, PanopticMap


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
    content = read_panoptic_json(json_path)
    return CocoPanoptic(content.categories, tuple(listed.record for listed in content.maps))


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


class CocoWriter(AbstractWriter):
    """Writes a COCO panoptic folder map by map; the JSON is written last, when the `with` block ends well.

    Example:
        >>> import tempfile; from intarsia.panoptic import Segment
        >>> folder = Path(tempfile.mkdtemp())
        >>> panoptic_map = PanopticMap(np.ones((2, 3), np.int32), [Segment(1, 7)])
        >>> with CocoWriter(folder / "panoptic.json", Categories.named("facades")) as writer:
        ...     _ = writer.add("a.jpg", panoptic_map)
        >>> read_coco(folder / "panoptic.json").records[0].map_file
        'a.png'
    """

    def __init__(
        self, json_path: str | Path, categories: Categories, *, folder: str | Path | None = None
    ) -> None:
        """Make the folder of PNGs: by default the JSON's name without `.json`.

        Raises:
            ValueError: That folder is a link that leads elsewhere; give it as `folder` if it is meant.
        """
        self.json_path = Path(json_path)
        self.folder = Path(folder) if folder is not None else self.json_path.with_suffix("")
        if folder is None:
            refuse_link(self.folder)
        self.categories = categories
        self._images, self._annotations = JsonRows(), JsonRows()
        self._ids: set[ImageId] = set()
        self._map_files: set[str] = set()
        self.folder.mkdir(parents=True, exist_ok=True)

    def add(
        self,
        file_name: str,
        panoptic_map: PanopticMap,
        *,
        image_id: SupportsIndex | str | None = None,
        time_s: float | None = None,
    ) -> Path:
        """Write the PNG of one image and remember its segments.

        Args:
            file_name: The image's; the PNG takes its name, with slashes as underscores, and a number where
                another image's PNG has that name.
            panoptic_map: Its category ids are the data set's.
            image_id: By default the first of 1, 2, ... that no image has.
            time_s: When a video shows it, in seconds after its first frame.

        Returns:
            The PNG.

        Raises:
            ValueError: Another image has this id, or the PNG cannot be written under this name; all that was
                added before is kept.
        """
        id = self._unused_id() if image_id is None else self.check_id(image_id, file_name)
        map_file = unused_name(map_file_of(file_name), self._map_files)
        try:
            write_ids(self.folder / map_file, panoptic_map.ids)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            fail(file_name, "a name short enough for its PNG to be written", f"{len(file_name)} letters")
        image = image_to_coco(file_name, panoptic_map.size, time_s=time_s)
        self.add_written(image, map_file, segments_to_coco(panoptic_map), image_id=id)
        return self.folder / map_file

    def add_written(
        self,
        image: dict[str, Any],
        map_file: str,
        segments: list[dict[str, Any]],
        *,
        image_id: SupportsIndex | str | None = None,
    ) -> ImageId:
        """Add an image whose PNG lies in the folder already, perhaps by another process.

        Args:
            image: As `image_to_coco` says.
            map_file: The PNG's name.
            segments: As `segments_to_coco` says.
            image_id: As in `add`.

        Returns:
            The image's id.

        Raises:
            ValueError: Another image has this id.
        """
        id = self._unused_id() if image_id is None else self.check_id(image_id, image["file_name"])
        self._ids.add(id)
        self._map_files.add(map_file.casefold())
        self._images.add({"id": id, **image})
        self._annotations.add({"image_id": id, "file_name": map_file, "segments_info": segments})
        return id

    def check_id(self, image_id: SupportsIndex | str, file_name: str) -> ImageId:
        """The id as the JSON has it.

        Raises:
            ValueError: Another image has it.
        """
        id = image_id_of(image_id)
        if id in self._ids:
            fail("image_id", "of one image only", f"{id!r} again for {file_name}")
        return id

    def _unused_id(self) -> int:
        number = len(self._images) + 1
        while number in self._ids:
            number += 1
        return number

    def _forget(self) -> None:
        self._images.close()
        self._annotations.close()

    def close(self) -> None:
        """Write the JSON: aside first, then renamed."""
        lists = {"images": self._images, "annotations": self._annotations}
        write_json_lists(self.json_path, {**lists, "categories": self.categories.to_coco()})


def map_file_of(image_file: str) -> str:
    """The name of an image's PNG: without folders, so that all lie side by side.

    Example:
        >>> map_file_of("a/b.c.jpg")
        'a_b.c.png'
    """
    if not PurePosixPath(image_file).name:
        fail("file_name", "the name of an image", repr(image_file))
    return PurePosixPath(image_file).with_suffix(".png").as_posix().replace("/", "_")


def map_files_of(image_files: Iterable[str]) -> list[str]:
    """Names of PNGs for images, each of its own.

    Example:
        >>> map_files_of(["a.jpg", "a.png"])
        ['a.png', 'a-2.png']
    """
    names: dict[str, str] = {}
    for image_file in image_files:
        name = unused_name(map_file_of(image_file), names)
        names[name.casefold()] = name
    return list(names.values())


def unused_name(name: str, names: Collection[str]) -> str:
    """The name, or with a number, so that no file of those `names` (in small letters) is overwritten.

    Example:
        >>> unused_name("A.png", {"a.png", "a-2.png"})
        'A-3.png'
    """
    path, number, candidate = PurePosixPath(name), 2, name
    while candidate.casefold() in names:
        candidate = f"{path.stem}-{number}{path.suffix}"
        number += 1
    return candidate


def refuse_link(folder: Path) -> None:
    """Refuse to write into a folder that is a link to a place outside of the folder it is in.

    Raises:
        ValueError: It is one.
    """
    if folder.is_symlink() and not folder.resolve().is_relative_to(folder.parent.resolve()):
        fail(str(folder), "a folder of its own", f"a link to {folder.resolve()}")


def image_to_coco(file_name: str, size: tuple[int, int], *, time_s: float | None = None) -> dict[str, Any]:
    """The entry of an image without its id: name, height, width, perhaps the time of a frame.

    Example:
        >>> image_to_coco("a.jpg", (2, 3))
        {'file_name': 'a.jpg', 'height': 2, 'width': 3}
    """
    image = {"file_name": file_name, "height": size[0], "width": size[1]}
    return image if time_s is None else {**image, "time_s": round(float(time_s), 6)}


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


def boxes_of(ids: Int32[np.ndarray, "h w"], segment_ids: Sequence[int]) -> dict[int, list[int]]:
    """The box of each id that the map shows: left, top, width, height.

    Example:
        >>> boxes_of(np.array([[0, 7], [7, 7]], np.int32), [7])
        {7: [0, 0, 2, 2]}
    """
    from scipy.ndimage import find_objects

    keys = np.array(segment_ids, np.int32)
    number = _native.relabel(ids, keys, np.arange(1, len(keys) + 1, dtype=np.int32), VOID_ID)
    return {
        id: [box[1].start, box[0].start, box[1].stop - box[1].start, box[0].stop - box[0].start]
        for id, box in zip(segment_ids, find_objects(number), strict=True)
    }
