"""What results have of one image: its own files, and what it adds to the files of the whole run."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeAlias, get_args

import numpy as np

from intarsia._check import fail, nearest
from intarsia._id_map import relabel
from intarsia.formats.coco import image_to_coco, map_file_of, refuse_link, segments_to_coco, unused_name
from intarsia.formats.geojson import write_geojson
from intarsia.formats.instances_file import annotations_of
from intarsia.formats.label_tiff import things_of, write_label_tiff, write_labels
from intarsia.formats.png import write_ids
from intarsia.formats.resolution import Resolution, resolution_of
from intarsia.formats.segment_table import segment_table
from intarsia.panoptic import Categories, PanopticMap, Segment

__all__ = ["OUTPUTS", "ImageFiles", "ImageRows", "Output", "stems_of"]

Output: TypeAlias = Literal["coco", "labels", "table", "geojson", "instances"]
OUTPUTS: tuple[Output, ...] = get_args(Output)
FOLDERS: dict[Output, tuple[str, str]] = {
    "coco": ("panoptic", ".png"),
    "labels": ("labels", ".tif"),
    "geojson": ("geojson", ".geojson"),
}
"""Outputs of one file an image: their folders and suffixes."""
MAX_NAME = 255
"""Bytes of a file's name on every common system."""


@dataclass(frozen=True, kw_only=True)
class ImageRows:
    """What one image adds to the files of its run, as JSON values: another process may have written it.

    Attributes:
        name: Of the image, perhaps with folders.
        stem: How its files are called, without suffix.
        image_id: For the JSONs; None for the next number.
        image: Its entry in the JSONs, without the id.
        segments: As `intarsia.formats.coco.segments_to_coco` says; empty where neither map nor instances
            are written.
        things: As `intarsia.formats.instances_file.annotations_of` says; None where they are not written.
        table: As `intarsia.formats.segment_table.segment_table` says; None where it is not written.
        labels: The category of each label; None where label images are not written.
    """

    name: str
    stem: str
    image_id: int | str | None
    image: dict[str, Any]
    segments: list[dict[str, Any]]
    things: list[dict[str, Any]] | None = None
    table: dict[str, list[Any]] | None = None
    labels: dict[str, int] | None = None

    def to_json(self) -> str:
        """One line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, line: str) -> ImageRows:
        """Back from the line."""
        return cls(**json.loads(line))

    def without_measures(self) -> ImageRows:
        """What is kept in memory once the files of the run have it all."""
        return replace(self, things=None, table=None, labels=None)

    def to_segments(self) -> tuple[Segment, ...]:
        """The segments of the map."""
        return tuple(
            Segment(row["id"], row["category_id"], row["score"], bool(row["iscrowd"]))
            for row in self.segments
        )


@dataclass(frozen=True)
class ImageFiles:
    """Writes the files of single images, in any order, by any number of processes.

    Attributes:
        folder: Of the results.
        categories: The table of all maps.
        write: Which of `OUTPUTS`.
        category: Label images number the things of this name only.
        resolution: Of all images, whatever their files say; None for as they say.
        stacks: Images are pages, and label images are those of whole stacks.

    Raises:
        ValueError: There is no such output or thing category.
    """

    folder: Path
    categories: Categories
    write: Collection[str] = ("coco",)
    category: str | None = None
    resolution: Resolution | None = None
    stacks: bool = False

    def __post_init__(self) -> None:
        for name in self.write:
            if name not in OUTPUTS:
                fail("write", f"made of {', '.join(OUTPUTS)}", repr(name), hint=nearest(name, OUTPUTS))
        things_of(self.categories, self.category)

    @property
    def folders(self) -> list[Path]:
        """The folder of the results, and those of what is one file an image."""
        return [self.folder, *(self.folder / FOLDERS[name][0] for name in FOLDERS if name in self.write)]

    def make_folders(self) -> None:
        """Make the folders.

        Raises:
            ValueError: One of them is a link to another place.
            OSError: One cannot be made.
        """
        for place in self.folders:
            refuse_link(place)
            place.mkdir(parents=True, exist_ok=True)

    def write_image(
        self,
        name: str,
        panoptic_map: PanopticMap,
        *,
        stem: str,
        image_id: int | str | None = None,
        source: str | Path | None = None,
        values: np.ndarray | None = None,
        time_s: float | None = None,
    ) -> ImageRows:
        """Write the files of one image, each whole.

        Args:
            name: Of the image, perhaps with folders.
            panoptic_map: Its category ids are the table's.
            stem: How its files are called, without suffix; see `stems_of`.
            image_id: For the JSONs.
            source: The image's file, for the size of its pixels.
            values: (h, w, c) pixels to take the means of the table from.
            time_s: When a frame of a video is shown.

        Raises:
            ValueError: The files cannot be written under this name; none is.
        """
        self._check_length(name, stem)
        resolution = self.resolution or (None if source is None else resolution_of(source))
        # its own files
        try:
            self._write_files(stem, panoptic_map, resolution)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            fail(name, "a name short enough for its files to be written", f"{len(name)} letters")
        table = None
        if "table" in self.write:
            table = segment_table(
                panoptic_map,
                self.categories,
                image=name,
                picture=values,
                resolution=resolution,
            )
        # what the image adds to the files of the run; None where those are not written
        return ImageRows(
            name=name,
            stem=stem,
            image_id=image_id,
            image=image_to_coco(name, panoptic_map.size, time_s=time_s),
            segments=segments_to_coco(panoptic_map),
            things=annotations_of(panoptic_map) if "instances" in self.write else None,
            table=table,
            labels=self._labels_of(panoptic_map) if self._has_labels else None,
        )

    def write_stack(
        self, name: str, maps: Sequence[PanopticMap], *, stem: str, source: str | Path | None = None
    ) -> tuple[Path, dict[str, int]]:
        """Write the label image of a stack, a page a map.

        Args:
            name: Of the stack, perhaps with folders.
            maps: Of its pages; a thing has one id in all.
            stem: How the file is called, without suffix.
            source: The stack's file, for the size of its pixels.

        Returns:
            The TIFF, and the category of each label.

        Raises:
            ValueError: The file cannot be written under this name.
        """
        self._check_length(name, stem)
        resolution = self.resolution or (None if source is None else resolution_of(source))
        things = {row.id for row in things_of(self.categories, self.category)}
        segments = [s for page in maps for s in page.segments if s.category_id in things]
        number = {id: n for n, id in enumerate(sorted({segment.id for segment in segments}), start=1)}
        labels = np.stack([relabel(page.ids, number, other=0) for page in maps])
        path = write_labels(self.folder / "labels" / f"{stem}.tif", labels, resolution=resolution)
        return path, {str(number[segment.id]): segment.category_id for segment in segments}

    @property
    def _has_labels(self) -> bool:
        """Whether each image has a label image of its own."""
        return "labels" in self.write and not self.stacks

    def map_file(self, stem: str) -> Path | None:
        """The PNG of an image; None where maps are not written."""
        return self.folder / "panoptic" / f"{stem}.png" if "coco" in self.write else None

    def _write_files(self, stem: str, panoptic_map: PanopticMap, resolution: Resolution | None) -> None:
        if (map_file := self.map_file(stem)) is not None:
            write_ids(map_file, panoptic_map.ids)
        if self._has_labels:
            write_label_tiff(
                self.folder / "labels" / f"{stem}.tif",
                panoptic_map,
                self.categories,
                category=self.category,
                resolution=resolution,
            )
        if "geojson" in self.write:
            write_geojson(self.folder / "geojson" / f"{stem}.geojson", panoptic_map, self.categories)

    def _labels_of(self, panoptic_map: PanopticMap) -> dict[str, int]:
        """The category of each label of an image, as a category map has it."""
        things = {row.id for row in things_of(self.categories, self.category)}
        counted = [s for s in panoptic_map.segments if s.category_id in things and not s.is_crowd]
        return {str(number): segment.category_id for number, segment in enumerate(counted, start=1)}

    def _check_length(self, name: str, stem: str) -> None:
        suffixes = [".jpg", *(suffix for output, (_, suffix) in FOLDERS.items() if output in self.write)]
        if any(len(os.fsencode(stem + suffix)) > MAX_NAME for suffix in suffixes):
            fail(name, "a name short enough for its files to be written", f"{len(name)} letters")


def stems_of(names: Iterable[str]) -> list[str]:
    """How the files of images are called, without suffix: each as no other is.

    Example:
        >>> stems_of(["a.jpg", "a.png", "x/a.jpg"])
        ['a', 'a-2', 'x_a']
    """
    taken: set[str] = set()
    stems = []
    for name in names:
        file = unused_name(map_file_of(name), taken)
        taken.add(file.casefold())
        stems.append(file.removesuffix(".png"))
    return stems
