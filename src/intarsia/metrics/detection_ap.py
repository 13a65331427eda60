"""AP of what a detector says, before anything is made of it: boxes and masks that may overlap."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool

from intarsia.metrics.coco_ap import CocoAP
from intarsia.panoptic import PanopticMap

__all__ = ["FoundInstance", "add_detections"]


@dataclass(frozen=True, eq=False)
class FoundInstance:
    """One detection: box x, y, x, y in pixels, category, score, and perhaps its mask in the whole image."""

    box: tuple[float, float, float, float]
    category_id: int
    score: float
    mask: Bool[np.ndarray, "h w"] | None = None


def add_detections(precision: CocoAP, detections: Iterable[FoundInstance], truth: PanopticMap) -> None:
    """Add one image to an AP: detections, which overlap, against the instances of a true map.

    Use `CocoAP.update` for panoptic maps, where no two instances share a pixel.

    Args:
        precision: Of boxes or of masks.
        detections: Of the image; with masks where masks are measured.
        truth: The true map.

    Example:
        >>> from intarsia.panoptic import Categories, Segment
        >>> truth = PanopticMap(np.ones((40, 40), np.int32), [Segment(1, 1)])
        >>> precision = CocoAP(Categories.named("facades"), kind="box")
        >>> predictions = [FoundInstance((0.0, 0.0, 40.0, 40.0), 1, 0.9)] * 2
        >>> add_detections(precision, predictions, truth)
        >>> round(precision.compute().ap, 6)  # the second is false, behind the first
        1.0
    """
    precision.update(truth, truth)
    name, true, _ = precision.images.pop()
    precision.images.append((name, true, [_row(detection, truth.size) for detection in detections]))


def _row(detection: FoundInstance, size: tuple[int, int]) -> dict[str, Any]:
    from pycocotools import mask as run_lengths

    left, top, right, bottom = detection.box
    mask = np.zeros(size, np.uint8) if detection.mask is None else detection.mask.astype(np.uint8)
    return {
        "category_id": detection.category_id,
        "segmentation": run_lengths.encode(np.asfortranarray(mask)),
        "bbox": [left, top, right - left, bottom - top],
        "area": float(mask.sum()) if detection.mask is not None else (right - left) * (bottom - top),
        "iscrowd": 0,
        "score": detection.score,
    }
