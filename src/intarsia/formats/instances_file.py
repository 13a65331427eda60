"""Things of many images as COCO instances with run-length codes, for pycocotools, CVAT and FiftyOne."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from intarsia._files import AbstractWriter
from intarsia.formats.coco import image_to_coco, segments_to_coco
from intarsia.formats.json_rows import JsonRows, write_json_lists
from intarsia.formats.run_lengths import run_length_codes
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["InstancesFile", "annotations_of"]


def annotations_of(panoptic_map: PanopticMap) -> list[dict[str, Any]]:
    """The annotations of a map's segments: category, area, box, score, crowd, and the mask's compressed code.

    Example:
        >>> import numpy as np; from intarsia.panoptic import Segment
        >>> panoptic_map = PanopticMap(np.array([[0, 7], [7, 7]]), [Segment(7, 1)])
        >>> annotations_of(panoptic_map)[0]["segmentation"], annotations_of(panoptic_map)[0]["bbox"]
        ({'size': [2, 2], 'counts': '13'}, [0, 0, 2, 2])
    """
    codes = run_length_codes(panoptic_map.ids)
    rows = segments_to_coco(panoptic_map)
    for row in rows:
        code = codes[row.pop("id")]
        row["segmentation"] = {"size": code["size"], "counts": code["counts"].decode()}
    return rows


class InstancesFile(AbstractWriter):
    """One `instances.json` for a run; it is written when the block ends well.

    Example:
        >>> import tempfile, numpy as np; from intarsia.panoptic import Segment
        >>> path = Path(tempfile.mkdtemp()) / "instances.json"
        >>> panoptic_map = PanopticMap(np.array([[0, 7], [7, 7]]), [Segment(7, 1)])
        >>> with InstancesFile(path, Categories.named("facades")) as file:
        ...     file.add("a.jpg", panoptic_map)
        >>> import json; json.loads(path.read_text())["annotations"][0]["area"]
        3
    """

    def __init__(self, path: str | Path, categories: Categories) -> None:
        """Remember where the file shall be; only things of the table are written."""
        self.path = Path(path)
        self.categories = categories
        self._images, self._annotations = JsonRows(), JsonRows()

    def add(self, file_name: str, panoptic_map: PanopticMap, *, image_id: int | str | None = None) -> None:
        """Add the things of one image.

        Args:
            file_name: The name of the image's file.
            panoptic_map: Its category ids are the table's.
            image_id: By default 1, 2, ... in the order of calls.
        """
        image = image_to_coco(file_name, panoptic_map.size)
        self.add_written(image, annotations_of(panoptic_map), image_id=image_id)

    def add_written(
        self, image: dict[str, Any], rows: list[dict[str, Any]], *, image_id: int | str | None = None
    ) -> None:
        """Add an image whose annotations were made before, perhaps by another process.

        Args:
            image: As `intarsia.formats.coco.image_to_coco` says.
            rows: As `annotations_of` says; stuff is left out.
            image_id: As in `add`.
        """
        image_id = len(self._images) + 1 if image_id is None else image_id
        self._images.add({"id": image_id, **image})
        things = {row.id for row in self.categories.things}
        for row in rows:
            if row["category_id"] in things:
                self._annotations.add({"id": len(self._annotations) + 1, "image_id": image_id, **row})

    def close(self) -> None:
        """Write the JSON."""
        rows = [row for row in self.categories.to_coco() if row["isthing"]]
        categories = [{"supercategory": "", **row} for row in rows]
        lists = {"images": self._images, "annotations": self._annotations}
        write_json_lists(self.path, {**lists, "categories": categories})

    def _forget(self) -> None:
        self._images.close()
        self._annotations.close()
