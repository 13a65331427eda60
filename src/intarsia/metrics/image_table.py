"""One row an image: its own panoptic quality and what became of its segments."""

from __future__ import annotations

import csv
import io
import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from intarsia.metrics.error_breakdown import FATES, fates
from intarsia.metrics.matching import match
from intarsia.metrics.tally import AbstractReport, AbstractTally, Comparison, or_null, percent
from intarsia.panoptic import Categories


@dataclass(frozen=True, slots=True)
class ImageRow:
    """One image. Its PQ, SQ and RQ take all segments of all categories as one pool (ours): NaN without any.

    The fates are those of `ErrorBreakdown`.
    """

    image: str
    pq: float
    sq: float
    rq: float
    tp: int
    fp: int
    fn: int
    matched: int
    missed: int
    merged: int
    split: int
    wrong_category: int
    spurious: int


@dataclass(frozen=True)
class ImageReport(AbstractReport):
    """The rows in the order in which the images were added."""

    rows: tuple[ImageRow, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """One object an image."""
        return [{key: _plain(value) for key, value in asdict(row).items()} for row in self.rows]

    def to_csv(self) -> str:
        """A line of names and one line an image; empty where there is no quality."""
        out = io.StringIO()
        writer = csv.DictWriter(out, ImageRow.__dataclass_fields__, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.to_json())
        return out.getvalue()

    def summary(self) -> dict[str, str]:
        """The mean PQ of the images that have one."""
        values = [row.pq for row in self.rows if not math.isnan(row.pq)]
        return {"mean PQ of an image": percent(float(np.mean(values)) if values else math.nan)}

    def worst(self, count: int) -> tuple[ImageRow, ...]:
        """The images of lowest PQ that have a segment missed or spurious; of equal ones those with more."""
        wrong = [row for row in self.rows if row.fp + row.fn]
        return tuple(sorted(wrong, key=lambda row: (row.pq, -row.fp - row.fn))[:count])


class ImageTable(AbstractTally):
    """Keeps a row for each image, named by `update`'s `name`.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.array([[1, 1, 2, 2]]), [Segment(1, 1), Segment(2, 1)])
        >>> prediction = PanopticMap(np.array([[5, 5, 5, 5]]), [Segment(5, 1)])
        >>> table = ImageTable(Categories.named("facades"))
        >>> table.update(prediction, truth, name="a.jpg")
        >>> print(table.compute().to_csv())
        image,pq,sq,rq,tp,fp,fn,matched,missed,merged,split,wrong_category,spurious
        a.jpg,0.0,0.0,0.0,0,1,2,0,0,2,0,0,0
        <BLANKLINE>
    """

    def __init__(self, categories: Categories) -> None:
        """Start with no image."""
        self.categories = categories
        self.rows: list[ImageRow] = []

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before."""
        self.rows.append(_row(image))

    def merge(self, other: ImageTable) -> None:
        """Add the images of another tally behind these.

        Raises:
            ValueError: The other tally has other categories.
        """
        self.check_same(other)
        self.rows += other.rows

    def compute(self) -> ImageReport:
        """The rows so far."""
        return ImageReport(tuple(self.rows))


def _row(image: Comparison) -> ImageRow:
    matching = match(image.overlap)
    iou, tp, fp, fn = matching.iou.sum(), len(matching.iou), len(matching.spurious), len(matching.missed)
    total = tp + fp / 2 + fn / 2
    sq, rq = (float(iou) / tp if tp else 0.0), (tp / total if total else math.nan)
    pq = float(iou) / total if total else math.nan
    fate_rows = np.concatenate(fates(image.overlap, matching))
    counts = np.bincount(fate_rows[fate_rows >= 0], minlength=len(FATES)).tolist()
    by_fate = {fate.replace(" ", "_"): count for fate, count in zip(FATES, counts, strict=True)}
    return ImageRow(image.name, pq, sq if total else math.nan, rq, tp, fp, fn, **by_fate)


def _plain(value: str | float | int) -> str | float | int | None:
    return or_null(value) if isinstance(value, float) else value
