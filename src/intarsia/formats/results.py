"""A folder of results: any of the outputs of panoptic maps, image after image, beside each other."""

from __future__ import annotations

import errno
import os
from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeAlias, get_args

import numpy as np

from intarsia._check import fail, nearest
from intarsia._files import remove_partials
from intarsia._id_map import relabel
from intarsia.formats.category_map import FILE_NAME
from intarsia.formats.coco import CocoWriter, map_file_of, refuse_link, unused_name
from intarsia.formats.geojson import write_geojson
from intarsia.formats.instances_file import InstancesFile
from intarsia.formats.json_file import read_json, write_json
from intarsia.formats.label_tiff import things_of, write_label_tiff, write_labels
from intarsia.formats.resolution import Resolution, resolution_of
from intarsia.formats.segment_table import SegmentTable, segment_table
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["OUTPUTS", "Output", "ResultFolder", "holds_labels_of_results"]

Output: TypeAlias = Literal["coco", "labels", "table", "geojson", "instances"]
OUTPUTS: tuple[Output, ...] = get_args(Output)
FOLDERS: dict[Output, tuple[str, str]] = {
    "coco": ("panoptic", ".png"),
    "labels": ("labels", ".tif"),
    "geojson": ("geojson", ".geojson"),
}
"""Outputs of one file an image: their folders and suffixes."""
INDEX: dict[str, str] = {
    "coco": "panoptic.json",
    "table": "segments.csv",
    "instances": "instances.json",
}
"""Outputs with one file for all images, written last: where it is, the others are whole."""
MADE_BY = "intarsia predict"
MAX_NAME = 255
"""Bytes of a file's name on every common system."""


class ResultFolder:
    """Writes `panoptic.json` and `panoptic/`, `labels/*.tif`, `segments.csv`, `geojson/`, `instances.json`.

    What is one file for all images is written when the block ends well. `category_map.json` goes with label
    images, so that our own reader knows what each label is.

    Example:
        >>> import tempfile; from intarsia.panoptic import Segment
        >>> folder, categories = Path(tempfile.mkdtemp()), Categories.named("facades")
        >>> one = PanopticMap(np.array([[0, 5, 5]]), [Segment(5, 1)])
        >>> with ResultFolder(folder, categories, write=("labels", "table")) as results:
        ...     _ = results.add("a.jpg", one)
        >>> sorted(path.name for path in folder.iterdir())
        ['category_map.json', 'labels', 'segments.csv']
    """

    def __init__(
        self,
        folder: str | Path,
        categories: Categories,
        *,
        write: Collection[str] = ("coco",),
        category: str | None = None,
        pixel_size_um: float | tuple[float, float] | None = None,
        stacks: bool = False,
    ) -> None:
        """Make the folders.

        Args:
            folder: Of the results.
            categories: The table of all maps.
            write: Which of `OUTPUTS`.
            category: Label images number the things of this name only.
            pixel_size_um: Height and width of a pixel in micrometres, whatever the files say.
            stacks: Images are pages, and label images are those of whole stacks, by `add_stack`.

        Raises:
            ValueError: There is no such output or thing category, the size is no length, or one of the
                folders is a link to another place.
            OSError: A folder cannot be made.
        """
        for name in write:
            if name not in OUTPUTS:
                fail("write", f"made of {', '.join(OUTPUTS)}", repr(name), hint=nearest(name, OUTPUTS))
        things_of(categories, category)
        self.folder = Path(folder)
        self.categories = categories
        self.write = frozenset(write)
        self.category = category
        self.resolution = None if pixel_size_um is None else Resolution.of_pixel_size(pixel_size_um)
        self._stems: set[str] = set()
        self._label_rows: dict[str, dict[str, int]] = {}
        self._pages: dict[str, list[str]] | None = {} if stacks else None
        self._closing = ExitStack()
        # folders, then the files that all images share
        for place in self._folders():
            refuse_link(place)
            place.mkdir(parents=True, exist_ok=True)
            remove_partials(place, pattern=".*.partial*")
        for name in INDEX.keys() & self.write:  # of an earlier run: it speaks of maps that this one replaces
            (self.folder / INDEX[name]).unlink(missing_ok=True)
        if "labels" in self.write:
            self._write_category_map()
        if "coco" in self.write:
            self._coco = self._closing.enter_context(CocoWriter(self.folder / INDEX["coco"], categories))
        if "table" in self.write:
            self._table = self._closing.enter_context(SegmentTable(self.folder / INDEX["table"]))
        if "instances" in self.write:
            file = InstancesFile(self.folder / INDEX["instances"], categories)
            self._instances = self._closing.enter_context(file)

    def add(
        self,
        name: str,
        panoptic_map: PanopticMap,
        *,
        image_id: int | str | None = None,
        source: str | Path | None = None,
        values: np.ndarray | None = None,
        time_s: float | None = None,
    ) -> str:
        """Write the outputs of one image.

        Args:
            name: Of the image, perhaps with folders.
            panoptic_map: Its category ids are the table's.
            image_id: For the JSONs; by default 1, 2, ...
            source: The image's file, for the size of its pixels.
            values: (h, w, c) pixels to take the means of the table from.
            time_s: When a frame of a video is shown.

        Returns:
            How the image's files are called, without suffix: no other image's are.

        Raises:
            ValueError: The files cannot be written under this name, or another image has this id. Nothing is
                written, and what was added before is kept.
        """
        stem = self._stem(name)
        resolution = self.resolution or (None if source is None else resolution_of(source))
        try:
            # one file an image
            if "coco" in self.write:
                self._coco.add(name, panoptic_map, image_id=image_id, time_s=time_s)
            if "labels" in self.write and self._pages is None:
                path = self.folder / "labels" / f"{stem}.tif"
                options = {"category": self.category, "resolution": resolution}
                write_label_tiff(path, panoptic_map, self.categories, **options)
                self._label_rows[stem] = self._row_of(panoptic_map)
            if "geojson" in self.write:
                write_geojson(self.folder / "geojson" / f"{stem}.geojson", panoptic_map, self.categories)
        except OSError as error:
            if error.errno != errno.ENAMETOOLONG:
                raise
            fail(name, "a name short enough for its files to be written", f"{len(name)} letters")
        self._stems.add(stem.casefold())
        # rows of the files that all images share
        if "table" in self.write:
            options = {"image": name, "picture": values, "resolution": resolution}
            self._table.add(segment_table(panoptic_map, self.categories, **options))
        if "instances" in self.write:
            self._instances.add(name, panoptic_map, image_id=image_id)
        return stem

    def add_stack(
        self, name: str, maps: Mapping[str, PanopticMap], *, source: str | Path | None = None
    ) -> Path | None:
        """Write the label image of a stack, whose pages are images of their own for all other outputs.

        Args:
            name: Of the stack, perhaps with folders.
            maps: By the names of the pages, in order; a thing has one id in all.
            source: The stack's file, for the size of its pixels.

        Returns:
            The TIFF of as many pages; None where no labels are written.

        Raises:
            ValueError: The file cannot be written under this name.
        """
        if "labels" not in self.write or self._pages is None:
            return None
        stem = self._stem(name)
        resolution = self.resolution or (None if source is None else resolution_of(source))
        things = {row.id for row in things_of(self.categories, self.category)}
        segments = [s for page_map in maps.values() for s in page_map.segments if s.category_id in things]
        number = {id: n for n, id in enumerate(sorted({segment.id for segment in segments}), start=1)}
        labels = np.stack([relabel(page_map.ids, number, other=0) for page_map in maps.values()])
        path = self.folder / "labels" / f"{stem}.tif"
        write_labels(path, labels, resolution=resolution)
        self._pages[stem] = [map_file_of(page).removesuffix(".png") for page in maps]
        rows = {str(number[segment.id]): segment.category_id for segment in segments}
        self._label_rows |= dict.fromkeys(self._pages[stem], rows)
        return path

    def map_file(self, stem: str) -> Path | None:
        """The PNG of an image by what `add` returned; None where maps are not written."""
        return self.folder / "panoptic" / f"{stem}.png" if "coco" in self.write else None

    def _stem(self, name: str) -> str:
        """As `CocoWriter` calls the PNG, so that the files of an image are called alike in all folders."""
        taken = {f"{stem}.png" for stem in self._stems.union(self._pages or ())}
        stem = unused_name(map_file_of(name), taken).removesuffix(".png")
        suffixes = [".jpg", *(suffix for output, (_, suffix) in FOLDERS.items() if output in self.write)]
        if any(len(os.fsencode(stem + suffix)) > MAX_NAME for suffix in suffixes):
            fail(name, "a name short enough for its files to be written", f"{len(name)} letters")
        return stem

    def _row_of(self, panoptic_map: PanopticMap) -> dict[str, int]:
        """The category of each label of an image, as a category map has it."""
        things = {row.id for row in things_of(self.categories, self.category)}
        counted = [s for s in panoptic_map.segments if s.category_id in things and not s.is_crowd]
        return {str(number): segment.category_id for number, segment in enumerate(counted, start=1)}

    def _folders(self) -> list[Path]:
        return [self.folder, *(self.folder / FOLDERS[name][0] for name in FOLDERS if name in self.write)]

    def __enter__(self) -> ResultFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.__exit__(kind, error, trace)
        if error is None and "labels" in self.write:
            self._write_category_map()

    def _write_category_map(self) -> None:
        """What the labels of each image are: of none at the beginning, so that nobody guesses."""
        content = {"made_by": MADE_BY, "categories": self.categories.to_coco(), "images": self._label_rows}
        content |= {"pages": self._pages} if self._pages else {}
        write_json(self.folder / FILE_NAME, content)


def holds_labels_of_results(folder: str | Path) -> bool:
    """Whether the label images of a folder are results, which another run may replace.

    Example:
        >>> holds_labels_of_results("no-such-folder")
        False
    """
    path = Path(folder) / FILE_NAME
    if not path.is_file():
        return False
    content = read_json(path, "category map")
    return isinstance(content, dict) and content.get("made_by") == MADE_BY
