"""Average precision of instances as COCO defines it, computed by pycocotools."""

from __future__ import annotations

import contextlib
import io
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from intarsia._check import fail
from intarsia.panoptic import Categories, PanopticMap


@dataclass(frozen=True, slots=True)
class CocoReport:
    """AP over IoU 0.50 ... 0.95, at 0.50, at 0.75, and by category id; NaN where there is no truth."""

    ap: float
    ap50: float
    ap75: float
    per_category: dict[int, float]


class CocoAP:
    """Box or mask AP of the things of panoptic maps; `Segment.score` orders the predictions.

    Keeps every instance as a run-length code until `compute`.

    Source: pycocotools' COCOeval; SPEC E.3.

    Example:
        >>> from intarsia.panoptic import Segment
        >>> truth = PanopticMap(np.ones((40, 40), np.int32), [Segment(1, 1)])
        >>> precision = CocoAP(Categories.named("facades"), kind="box")
        >>> precision.update(truth, truth)
        >>> round(precision.compute().ap, 6)
        1.0
    """

    def __init__(self, categories: Categories, *, kind: str = "mask") -> None:
        """Start with no image.

        Raises:
            ValueError: `kind` is neither "mask" nor "box".
        """
        if kind not in ("mask", "box"):
            fail("kind", '"mask" or "box"', repr(kind))
        self.categories = categories
        self.kind = kind
        self.truth: list[list[dict[str, Any]]] = []  # by image
        self.prediction: list[list[dict[str, Any]]] = []

    def update(self, prediction: PanopticMap, truth: PanopticMap) -> None:
        """Add one image.

        Raises:
            ValueError: The maps differ in size.
        """
        if prediction.size != truth.size:
            fail("prediction", f"as large as the truth, {truth.size}", prediction.size)
        self.truth.append(self._instances(truth))
        self.prediction.append(self._instances(prediction))

    def merge(self, other: CocoAP) -> None:
        """Add the images of another process.

        Raises:
            ValueError: The other has other categories or another kind.
        """
        if (other.categories, other.kind) != (self.categories, self.kind):
            fail(
                "other",
                "of the same categories and kind",
                f"{other.kind} of {len(other.categories)}",
            )
        self.truth += other.truth
        self.prediction += other.prediction

    def compute(self) -> CocoReport:
        """What the images so far amount to."""
        from pycocotools.cocoeval import COCOeval

        if not any(self.truth):
            return CocoReport(math.nan, math.nan, math.nan, {})
        with contextlib.redirect_stdout(io.StringIO()):
            evaluation = COCOeval(
                self._dataset(self.truth),
                self._dataset(self.prediction),
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

    def _instances(self, one: PanopticMap) -> list[dict[str, Any]]:
        things = {category.id for category in self.categories.things}
        return [
            {
                "category_id": segment.category_id,
                "segmentation": (code := _encoded(one.mask(segment.id))),
                "bbox": _box(code),
                "area": one.area(segment.id),
                "iscrowd": int(segment.is_crowd),
                "score": segment.score,
            }
            for segment in one.segments
            if segment.category_id in things
        ]

    def _dataset(self, images: list[list[dict[str, Any]]]) -> Any:
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


def _size(image: list[dict[str, Any]]) -> dict[str, int]:
    height, width = image[0]["segmentation"]["size"] if image else (0, 0)
    return {"height": height, "width": width}


def _encoded(mask: Bool[np.ndarray, "h w"]) -> Any:
    from pycocotools import mask as run_lengths

    return run_lengths.encode(np.asfortranarray(mask.astype(np.uint8)))


def _box(code: Any) -> list[float]:
    from pycocotools import mask as run_lengths

    return run_lengths.toBbox(code).tolist()
