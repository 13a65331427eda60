"""A table of segments: one row each, with size, place, box, perimeter and mean intensity; and its CSV."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import numpy as np
from jaxtyping import Float64, Int32, Int64

from intarsia._check import fail
from intarsia._files import KEEP_BYTES, AbstractWriter, whole
from intarsia.formats.resolution import Resolution
from intarsia.formats.segment_shapes import perimeters_of, row_runs
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["COLUMNS", "LENGTHS", "SegmentTable", "segment_table"]

COLUMNS = (
    "image",
    "segment_id",
    "category_id",
    "category",
    "score",
    "area",
    "centroid_row",
    "centroid_column",
    "box_top",
    "box_left",
    "box_bottom",
    "box_right",
    "perimeter",
)
"""What is known of every segment; `mean_1` ... `mean_C` follow where the picture is given."""
LENGTHS = (
    "area_um2",
    "centroid_row_um",
    "centroid_column_um",
    "perimeter_um",
    "pixel_height_um",
    "pixel_width_um",
)
"""The last columns of a run in which a file says how large its pixels are."""


def segment_table(
    panoptic_map: PanopticMap,
    categories: Categories,
    *,
    image: str = "",
    picture: np.ndarray | None = None,
    resolution: Resolution | None = None,
) -> dict[str, list[Any]]:
    """Measure all segments of a map: a column a measure, a row a segment in the order of the map.

    Centroids are means of pixel indices, boxes half open, the perimeter is that of 4-neighbours as
    `skimage.measure.regionprops` estimates it.

    Args:
        panoptic_map: Its category ids are those of `categories`.
        categories: What the category ids of the map mean.
        image: The name to put into the first column.
        picture: (h, w) or (h, w, c) pixels of any type, to take the mean intensities from.
        resolution: Adds the columns in micrometres, if it says the size of a pixel.

    Returns:
        Columns of equal length; empty ones for a map without segments.

    Raises:
        ValueError: The picture has another size than the map, or a category is not in the table.

    Source: perimeter after Benkrid and Crookes, Design and FPGA Implementation of a Perimeter Estimator.

    Example:
        >>> from intarsia.panoptic import Segment
        >>> panoptic_map = PanopticMap(np.array([[0, 5, 5], [0, 5, 5]]), [Segment(5, 1, score=0.5)])
        >>> table = segment_table(panoptic_map, Categories.named("facades"), image="a.png")
        >>> table["area"], table["centroid_column"], table["box_right"], table["perimeter"]
        ([4], [1.5], [3], [4.0])
    """
    rows, count = panoptic_map.renumbered().ids, len(panoptic_map.segments)
    segments = panoptic_map.segments
    names = [categories[categories.index_of(s.category_id)].name for s in segments]
    table: dict[str, list[Any]] = {
        "image": [image] * count,
        "segment_id": [s.id for s in segments],
        "category_id": [s.category_id for s in segments],
        "category": names,
        "score": [s.score for s in segments],
    }
    shapes = _areas_and_boxes(rows, count)
    table |= {name: column.tolist() for name, column in shapes.items()}
    table["perimeter"] = perimeters_of(rows, count).tolist()
    if picture is not None:
        means = _means(rows, np.asarray(picture), shapes["area"])
        table |= {f"mean_{n}": column.tolist() for n, column in enumerate(means, start=1)}
    if resolution is not None and resolution.pixel_size_um is not None:
        table |= _in_micrometres(table, resolution.pixel_size_um)
    return table


class SegmentTable(AbstractWriter):
    """The CSV of a run: one header, the rows of image after image; it appears whole when the block ends well.

    Images may have different numbers of channels, and only some of them a pixel size: what an image does not
    have is left empty in its rows. Rows wait on disk, not in memory.

    Example:
        >>> import tempfile; from intarsia.panoptic import Segment
        >>> path = Path(tempfile.mkdtemp()) / "segments.csv"
        >>> panoptic_map = PanopticMap(np.array([[0, 5, 5]]), [Segment(5, 1)])
        >>> with SegmentTable(path) as table:
        ...     table.add(segment_table(panoptic_map, Categories.named("facades"), image="a.png"))
        >>> print(path.read_text())
        image,segment_id,category_id,category,score,area,centroid_row,centroid_column,box_top,box_left,box_bottom,box_right,perimeter
        a.png,5,1,window,1.0,2,0.0,1.5,0,1,1,3,0.0
        <BLANKLINE>
    """

    def __init__(self, path: str | Path) -> None:
        """Remember where the table shall be; its folder exists."""
        self.path = Path(path)
        self._num_channels = 0
        self._lengths = False
        self._waiting = TemporaryFile(  # noqa: SIM115 - until close
            "w+", newline="", encoding="utf-8", errors=KEEP_BYTES
        )

    def add(self, table: dict[str, list[Any]]) -> None:
        """Add the rows of one image, as `segment_table` measured them.

        Raises:
            ValueError: A column that every table has is missing.
        """
        if missing := [name for name in COLUMNS if name not in table]:
            fail("table", "one of `segment_table`", f"one without {missing[0]}")
        means = [name for name in table if name.startswith("mean_")]
        lengths = LENGTHS if LENGTHS[0] in table else ()
        self._num_channels = max(self._num_channels, len(means))
        self._lengths = self._lengths or bool(lengths)
        rows = csv.writer(self._waiting)
        known = zip(*(table[name] for name in COLUMNS), strict=True)
        intensity = zip(*(table[name] for name in means), strict=True) if means else None
        measures = zip(*(table[name] for name in lengths), strict=True) if lengths else None
        for row in known:
            channel = next(intensity) if intensity else ()
            length = next(measures) if measures else ()
            rows.writerow([len(channel), *row, *channel, *length])

    def close(self) -> None:
        """Write the table: header, then all rows, padded to its width."""
        means = [f"mean_{n}" for n in range(1, self._num_channels + 1)]
        width = len(COLUMNS) + len(means) + (len(LENGTHS) if self._lengths else 0)
        with (
            whole(self.path) as partial,
            partial.open("w", newline="", encoding="utf-8", errors=KEEP_BYTES) as file,
        ):
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow([*COLUMNS, *means, *(LENGTHS if self._lengths else ())])
            self._waiting.seek(0)
            for channels, *row in csv.reader(self._waiting):
                end = len(COLUMNS) + int(channels)
                padded = [*row[:end], *[""] * (len(means) - int(channels)), *row[end:]]
                writer.writerow(padded + [""] * (width - len(padded)))

    def _forget(self) -> None:
        self._waiting.close()


def _areas_and_boxes(rows: Int32[np.ndarray, "h w"], count: int) -> dict[str, np.ndarray]:
    """Area, centroid and box of the segments 1 ... count, from the runs of their rows."""
    number, row, start, stop = row_runs(rows)
    length = stop - start
    area = np.bincount(number, length, count + 1)[1:].astype(np.int64)
    row_sum = np.bincount(number, row * length, count + 1)[1:]
    column_sum = np.bincount(number, (start + stop - 1) * length / 2, count + 1)[1:]
    top_left = np.full((2, count + 1), max(rows.shape), np.int64)
    bottom_right = np.zeros((2, count + 1), np.int64)
    for least, most, low, high in zip(top_left, bottom_right, (row, start), (row + 1, stop), strict=True):
        np.minimum.at(least, number, low)
        np.maximum.at(most, number, high)
    return {
        "area": area,
        "centroid_row": row_sum / area,
        "centroid_column": column_sum / area,
        "box_top": top_left[0, 1:],
        "box_left": top_left[1, 1:],
        "box_bottom": bottom_right[0, 1:],
        "box_right": bottom_right[1, 1:],
    }


def _means(
    rows: Int32[np.ndarray, "h w"], picture: np.ndarray, area: Int64[np.ndarray, " s"]
) -> list[Float64[np.ndarray, " s"]]:
    if picture.shape[:2] != rows.shape or picture.ndim not in (2, 3):
        fail(
            "picture", f"of the map's size {rows.shape[0]}x{rows.shape[1]}", "x".join(map(str, picture.shape))
        )
    flat, channels = rows.ravel(), np.atleast_3d(picture)
    sums = (np.bincount(flat, channels[..., c].ravel(), len(area) + 1) for c in range(channels.shape[2]))
    return [total[1:] / area for total in sums]


def _in_micrometres(table: dict[str, list[Any]], size_um: tuple[float, float]) -> dict[str, list[Any]]:
    """The same measures as lengths. A pixel may be higher than wide; then the perimeter is not known."""
    height, width = size_um
    square = math.isclose(height, width)
    return {
        "area_um2": [area * height * width for area in table["area"]],
        "centroid_row_um": [row * height for row in table["centroid_row"]],
        "centroid_column_um": [column * width for column in table["centroid_column"]],
        "perimeter_um": [length * height if square else None for length in table["perimeter"]],
        "pixel_height_um": [height] * len(table["area"]),
        "pixel_width_um": [width] * len(table["area"]),
    }
