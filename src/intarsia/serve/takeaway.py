"""What is downloaded: the outputs of a panoptic map, each as a name, a kind and bytes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

from intarsia import draw
from intarsia._check import fail, nearest
from intarsia.formats.coco import CocoWriter
from intarsia.formats.geojson import write_geojson
from intarsia.formats.instances_file import InstancesFile
from intarsia.formats.label_tiff import write_label_tiff
from intarsia.formats.segment_table import SegmentTable, segment_table
from intarsia.panoptic import Categories, PanopticMap
from intarsia.serve.uploads import Picture

__all__ = ["KINDS", "Takeaway", "takeaway"]


@dataclass(frozen=True, slots=True)
class Takeaway:
    """A file to download."""

    file_name: str
    media_type: str
    content: bytes


def takeaway(picture: Picture, panoptic_map: PanopticMap, categories: Categories, *, kind: str) -> Takeaway:
    """One of the outputs of a result, or "all" of them in a ZIP.

    Raises:
        ValueError: There is no output of this kind.
    """
    if kind != "all" and kind not in KINDS:
        fail("kind", "a kind of output", repr(kind), hint=nearest(kind, [*KINDS, "all"]))
    with TemporaryDirectory() as folder:
        root = Path(folder)
        for write in KINDS.values() if kind == "all" else (KINDS[kind],):
            write(root, picture, panoptic_map, categories)
        files = sorted(path for path in root.rglob("*") if path.is_file())
        if len(files) == 1:
            suffix = files[0].suffix
            return Takeaway(files[0].name, MEDIA_TYPES[suffix], files[0].read_bytes())
        name = f"{picture.stem}.zip" if kind == "all" else f"{picture.stem}.{kind}.zip"
        return Takeaway(name, "application/zip", _zip(root, files))


MEDIA_TYPES = {
    ".tif": "image/tiff",
    ".csv": "text/csv; charset=utf-8",
    ".geojson": "application/geo+json",
    ".json": "application/json",
    ".png": "image/png",
}


def _coco(root: Path, picture: Picture, panoptic_map: PanopticMap, categories: Categories) -> None:
    with CocoWriter(root / "panoptic.json", categories) as writer:
        writer.add(picture.name, panoptic_map)


def _labels(root: Path, picture: Picture, panoptic_map: PanopticMap, categories: Categories) -> None:
    path = root / f"{picture.stem}_labels.tif"
    write_label_tiff(path, panoptic_map, categories, resolution=picture.resolution)


def _table(root: Path, picture: Picture, panoptic_map: PanopticMap, categories: Categories) -> None:
    measures = segment_table(
        panoptic_map,
        categories,
        image=picture.name,
        picture=picture.values,
        resolution=picture.resolution,
    )
    with SegmentTable(root / f"{picture.stem}_segments.csv") as table:
        table.add(measures)


def _geojson(root: Path, picture: Picture, panoptic_map: PanopticMap, categories: Categories) -> None:
    write_geojson(root / f"{picture.stem}.geojson", panoptic_map, categories)


def _instances(root: Path, picture: Picture, panoptic_map: PanopticMap, categories: Categories) -> None:
    with InstancesFile(root / f"{picture.stem}_instances.json", categories) as file:
        file.add(picture.name, panoptic_map)


def _overlay(root: Path, picture: Picture, panoptic_map: PanopticMap, categories: Categories) -> None:
    drawn = draw.overlay(picture.pixels, panoptic_map, categories)
    Image.fromarray(drawn).save(root / f"{picture.stem}_overlay.png", compress_level=1)


Write = Callable[[Path, Picture, PanopticMap, Categories], None]
KINDS: dict[str, Write] = {
    "overlay": _overlay,
    "coco": _coco,
    "labels": _labels,
    "table": _table,
    "geojson": _geojson,
    "instances": _instances,
}
"""The outputs by name."""


def _zip(root: Path, files: list[Path]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(root).as_posix())
    return content.getvalue()
