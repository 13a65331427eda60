"""Every number of a method with detections: the panoptic map's, the semantic branch's, the detector's."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool
from scipy.special import expit

from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import evaluation_loader
from intarsia.decoding.detections import Detections
from intarsia.decoding.merge import masks_in_boxes
from intarsia.decoding.upsampling import grid_size, upsampled_argmax
from intarsia.methods.method import AbstractMethod
from intarsia.metrics import CocoAP, PanopticQuality, SemanticIoU
from intarsia.metrics.detection_ap import FoundInstance, add_detections
from intarsia.panoptic import Categories, PanopticMap, Segment

__all__ = ["measured"]


@torch.inference_mode()
def measured(method: AbstractMethod, data: PanopticDataset) -> dict[str, float]:
    """The columns of Li, Qi and Torr's tables in percent, NaN where there is nothing to measure.

    PQ, SQ, RQ and IoUst are those of the panoptic map, IoU that of the semantic branch (argmax of its
    logits), APbox and APmask those of the detections, all of them and before any map is made.

    Args:
        method: `UnifiedPanoptic` or `PanopticFpn`.
        data: What to measure on.
    """
    method.eval()
    categories = data.categories
    quality, final, branch = PanopticQuality(categories), SemanticIoU(categories), SemanticIoU(categories)
    precisions = {"APbox": CocoAP(categories, kind="box"), "APmask": CocoAP(categories, kind="mask")}
    device = next(method.parameters()).device
    for batch in evaluation_loader(data):
        output = method(batch.images.to(device))
        maps = method.decode(output, batch.sizes)
        for row, (size, result, truth) in enumerate(zip(batch.sizes, maps, batch.truths, strict=True)):
            quality.update(result, truth)
            final.update(result, truth)
            branch.update(_semantic_map(output.semantic_logits[row], size, method), truth)
            detections = output.detections[row].numpy().within(*size)
            found = list(_found(detections, size, categories))
            for precision in precisions.values():
                add_detections(precision, found, truth)
    if not method.config.detection.masks:
        del precisions["APmask"]
    report = quality.compute()
    numbers = {
        f"{part}{suffix}": getattr(group, part.lower())
        for suffix, group in (("", report.all), ("th", report.things), ("st", report.stuff))
        for part in ("PQ", "SQ", "RQ")
    }
    numbers |= {"IoU": branch.compute().miou, "IoUst": final.compute().stuff, "APmask": math.nan}
    numbers |= {name: precision.compute().ap for name, precision in precisions.items()}
    return {name: 100 * value if value is not None else math.nan for name, value in numbers.items()}


def _semantic_map(logits: Any, size: tuple[int, int], method: AbstractMethod) -> PanopticMap:
    """The most likely category at each pixel, as one segment each."""
    rows, columns = grid_size(*size, stride=method.stride)
    grid = logits[:, :rows, :columns].detach().float().cpu().numpy()
    ids = upsampled_argmax(grid, *size, stride=method.stride).astype(np.int32) + 1
    return PanopticMap(ids, [Segment(int(n), method.categories[int(n) - 1].id) for n in np.unique(ids)])


def _found(detections: Detections, size: tuple[int, int], categories: Categories) -> Iterator[FoundInstance]:
    boxes, masks = detections.boxes, _whole_masks(detections, size)
    for n, (box, mask) in enumerate(zip(boxes, masks, strict=True)):
        left, top, right, bottom = (float(x) for x in box)
        category = categories[int(detections.categories[n])].id
        yield FoundInstance((left, top, right, bottom), category, float(detections.scores[n]), mask)


def _whole_masks(detections: Detections, size: tuple[int, int]) -> Iterator[Bool[np.ndarray, "h w"] | None]:
    """The mask of each detection on the whole image, None where there are boxes alone."""
    if detections.mask_logits is None:
        yield from repeat(None, len(detections))
        return
    masks, boxes = expit(detections.mask_logits), detections.boxes
    for rows, columns, mask in masks_in_boxes(masks, boxes, size):
        whole = np.zeros(size, bool)
        whole[rows, columns] = mask
        yield whole
