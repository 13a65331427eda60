"""A folder of results: any of the outputs of panoptic maps, image after image, beside each other."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

import numpy as np

from intarsia._files import remove_partials
from intarsia.formats.category_map import FILE_NAME
from intarsia.formats.coco import CocoWriter, map_file_of, unused_name
from intarsia.formats.image_files import OUTPUTS, ImageFiles, ImageRows, Output
from intarsia.formats.instances_file import InstancesFile
from intarsia.formats.json_file import read_json, write_json
from intarsia.formats.resolution import Resolution
from intarsia.formats.segment_table import SegmentTable
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["OUTPUTS", "Output", "ResultFolder", "begin_results", "holds_labels_of_results"]

INDEX: dict[str, str] = {
    "coco": "panoptic.json",
    "table": "segments.csv",
    "instances": "instances.json",
}
"""Outputs with one file for all images, written last: where it is, the others are whole."""
MADE_BY = "intarsia predict"


class ResultFolder:
    """Writes `panoptic.json` and `panoptic/`, `labels/*.tif`, `segments.csv`, `geojson/`, `instances.json`.

    What is one file for all images is written when the block ends well. `category_map.json` goes with label
    images, so that our own reader knows what each label is.

    Example:
        >>> import tempfile; from intarsia.panoptic import Segment
        >>> folder, categories = Path(tempfile.mkdtemp()), Categories.named("facades")
        >>> panoptic_map = PanopticMap(np.array([[0, 5, 5]]), [Segment(5, 1)])
        >>> with ResultFolder(folder, categories, write=("labels", "table")) as results:
        ...     _ = results.add("a.jpg", panoptic_map)
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
        resolution = None if pixel_size_um is None else Resolution.of_pixel_size(pixel_size_um)
        self.files = ImageFiles(Path(folder), categories, frozenset(write), category, resolution, stacks)
        self.folder, self.categories, self.write = self.files.folder, categories, self.files.write
        self._map_files: set[str] = set()
        self._labels: dict[str, dict[str, int]] = {}
        self._pages: dict[str, list[str]] = {}
        self._closing = ExitStack()
        begin_results(self.files)
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
        if "coco" in self.write and image_id is not None:
            self._coco.check_id(image_id, name)
        stem = self._stem(name)
        rows = self.files.write_image(
            name,
            panoptic_map,
            stem=stem,
            image_id=image_id,
            source=source,
            values=values,
            time_s=time_s,
        )
        self.add_written(rows)
        return stem

    def add_written(self, rows: ImageRows) -> None:
        """Add an image whose own files are written already, perhaps by another process.

        Raises:
            ValueError: Another image has its id.
        """
        if "coco" in self.write:
            self._coco.add_written(rows.image, f"{rows.stem}.png", rows.segments, image_id=rows.image_id)
        if rows.table is not None:
            self._table.add(rows.table)
        if rows.things is not None:
            self._instances.add_written(rows.image, rows.things, image_id=rows.image_id)
        if rows.labels is not None:
            self._labels[rows.stem] = rows.labels
        self._map_files.add(f"{rows.stem}.png".casefold())

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
        if "labels" not in self.write or not self.files.stacks:
            return None
        stem = self._stem(name)
        path, rows = self.files.write_stack(name, list(maps.values()), stem=stem, source=source)
        self._pages[stem] = [map_file_of(page).removesuffix(".png") for page in maps]
        self._labels |= dict.fromkeys(self._pages[stem], rows)
        return path

    def _stem(self, name: str) -> str:
        """How the files of an image are called: as those of no other, in any folder."""
        taken = self._map_files.union(f"{stem}.png".casefold() for stem in self._pages)
        return unused_name(map_file_of(name), taken).removesuffix(".png")

    def map_file(self, stem: str) -> Path | None:
        """The PNG of an image by what `add` returned; None where maps are not written."""
        return self.files.map_file(stem)

    def __enter__(self) -> ResultFolder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closing.__exit__(kind, error, trace)
        if error is None and "labels" in self.write:
            _write_category_map(self.files, self._labels, self._pages)


def begin_results(files: ImageFiles, *, alone: bool = True) -> None:
    """Make the folders, and remove the files for all images of an earlier run: they speak of its maps.

    Args:
        files: Those of the run, whose folders are made.
        alone: Nobody on another machine writes here yet, so that what is half was left by somebody killed.

    Raises:
        ValueError: A folder is a link to another place.
        OSError: One cannot be made.
    """
    files.make_folders()
    for place in files.folders if alone else ():
        remove_partials(place, pattern=".*.partial*")
    for name in INDEX.keys() & set(files.write):
        (files.folder / INDEX[name]).unlink(missing_ok=True)
    if "labels" in files.write:
        _write_category_map(files, {}, {})  # of no image, so that nobody guesses


def _write_category_map(
    files: ImageFiles, labels: Mapping[str, dict[str, int]], pages: Mapping[str, list[str]]
) -> None:
    """What the labels of each image are."""
    content = {"made_by": MADE_BY, "categories": files.categories.to_coco(), "images": labels}
    content |= {"pages": pages} if pages else {}
    write_json(files.folder / FILE_NAME, content)


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
