"""Average precision of instances as COCO defines it, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
import math
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from jaxtyping import Int32

from intarsia._check import fail
from intarsia.formats.run_lengths import run_length_codes
from intarsia.metrics.matching import SegmentTable
from intarsia.metrics.tally import AbstractReport, AbstractTally, Comparison, or_null, percent
from intarsia.panoptic import Categories


@dataclass(frozen=True, slots=True)
class CocoReport(AbstractReport):
    """AP over IoU 0.50 ... 0.95, at 0.50, at 0.75, and by category id; NaN where there is no truth."""

    ap: float
    ap50: float
    ap75: float
    per_category: dict[int, float]

    def to_json(self) -> dict[str, Any]:
        """AP, AP50, AP75 of all categories and AP of each."""
        means = {"ap": or_null(self.ap), "ap50": or_null(self.ap50), "ap75": or_null(self.ap75)}
        return {**means, "per_class": {str(id): {"ap": ap} for id, ap in self.per_category.items()}}

    def summary(self) -> dict[str, str]:
        """AP, AP50 and AP75."""
        return {"AP": percent(self.ap), "AP50": percent(self.ap50), "AP75": percent(self.ap75)}


_Instances = list[dict[str, Any]]


class CocoAP(AbstractTally):
    """Box or mask AP of the things of panoptic maps; `Segment.score` orders the predictions.

    Keeps every instance as a run-length code until `compute`. Of equal scores the one in the earlier image
    goes first, as in the reference, which takes images by id: give `update` the images' names, and the result
    is the same in whatever order and on however many processes they come.

    Source: pycocotools' COCOeval, which runs here.

    Example:
        >>> from intarsia.panoptic import PanopticMap, Segment
        >>> truth = PanopticMap(np.ones((40, 40), np.int32), [Segment(1, 1)])
        >>> precision = CocoAP(Categories.named("facades"), kind="box")
        >>> precision.update(truth, truth)
        >>> round(precision.compute().ap, 6)
        1.0
    """

    needs_maps = True

    def __init__(self, categories: Categories, *, kind: str = "mask") -> None:
        """Start with no image.

        Raises:
            ValueError: `kind` is neither "mask" nor "box".
        """
        if kind not in ("mask", "box"):
            fail("kind", '"mask" or "box"', repr(kind))
        self.categories = categories
        self.kind = kind
        self.images: list[tuple[tuple[int, str], _Instances, _Instances]] = []  # name, truth, prediction

    def add(self, image: Comparison) -> None:
        """Add one image whose maps were compared before; it has to have them."""
        assert image.maps is not None
        true = self._instances(image.overlap.truth, image.maps.truth)
        predicted = self._instances(image.overlap.prediction, image.maps.prediction)
        self.images.append((_natural(image.name), true, predicted))

    def merge(self, other: CocoAP) -> None:
        """Add the images of another process.

        Raises:
            ValueError: The other has other categories or another kind.
        """
        self.check_same(other, kind=self.kind)
        self.images += other.images

    def compute(self) -> CocoReport:
        """What the images so far amount to."""
        from pycocotools.cocoeval import COCOeval

        images = sorted(self.images, key=itemgetter(0))  # stable: as they were added if they have no names
        truth, prediction = [true for _, true, _ in images], [predicted for _, _, predicted in images]
        if not any(truth):
            return CocoReport(math.nan, math.nan, math.nan, {})
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = COCOeval(
                self._dataset(truth),
                self._dataset(prediction),
                "segm" if self.kind == "mask" else "bbox",
            )
            evaluation.evaluate()
            evaluation.accumulate()
            evaluation.summarize()
        precision = evaluation.eval["precision"][:, :, :, 0, -1]  # thresholds, recalls, categories
        by_category = zip(evaluation.params.catIds, np.moveaxis(precision, 2, 0), strict=True)
        per_category = {int(id): float(values.mean()) for id, values in by_category if (values > -1).all()}
        ap, ap50, ap75 = evaluation.stats[:3].tolist()
        return CocoReport(ap, ap50, ap75, per_category)

    def _instances(self, table: SegmentTable, ids: Int32[np.ndarray, "h w"]) -> _Instances:
        from pycocotools import mask

        table = table.where(self.categories.is_thing[table.category_index])
        codes = run_length_codes(ids) if len(table.ids) else {}
        rows = zip(*(column.tolist() for column in table.columns), strict=True)
        return [
            {
                "category_id": self.categories[index].id,
                "segmentation": codes[id],
                "bbox": mask.toBbox(codes[id]).tolist(),
                "area": int(mask.area(codes[id])),
                "iscrowd": int(crowd),
                "score": score,
            }
            for id, index, crowd, score in rows
            if id in codes  # a truth segment may have no pixel
        ]

    def _dataset(self, images: list[_Instances]) -> Any:
        from pycocotools.coco import COCO

        data: Any = COCO()
        rows = [(image_id, row) for image_id, image in enumerate(images, start=1) for row in image]
        data.dataset = {
            "images": [{"id": n, **_size(image)} for n, image in enumerate(images, start=1)],
            "categories": [{"id": category.id} for category in self.categories.things],
            "annotations": [{"id": n, "image_id": i, **row} for n, (i, row) in enumerate(rows, start=1)],
        }
        data.createIndex()
        return data


def _natural(name: str) -> tuple[int, str]:
    """Numbers by value, before all other names."""
    return (int(name), "") if name.isdecimal() else (1 << 62, name)


def _size(image: _Instances) -> dict[str, int]:
    height, width = image[0]["segmentation"]["size"] if image else (0, 0)
    return {"height": height, "width": width}
