"""Every number of a trained method: the panoptic map's, the semantic branch's, the detector's, its cost."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from itertools import repeat
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, UInt
from scipy.special import expit
from torch import Tensor

from intarsia._check import fail
from intarsia.data.dataset import PanopticDataset
from intarsia.data.loader import EvaluationBatch, evaluation_loader
from intarsia.data.sample import Sample
from intarsia.data.targets import collate
from intarsia.decoding.detections import Detections
from intarsia.decoding.merge import masks_in_boxes
from intarsia.decoding.upsampling import grid_size, upsampled_argmax
from intarsia.methods.method import AbstractMethod
from intarsia.metrics import CityscapesAP, CocoAP, PanopticQuality, RecallByCrowding, SemanticIoU
from intarsia.metrics.detection_ap import FoundInstance, add_detections
from intarsia.nets import arrays_of
from intarsia.panoptic import VOID_ID, VOID_INDEX, Categories, PanopticMap, Segment
from intarsia.recipes.study import CROWDING, Oracle

__all__ = ["measure"]


@torch.inference_mode()
def measure(
    method: AbstractMethod,
    data: PanopticDataset,
    *,
    size: str = "",
    oracle: Oracle = "",
    category: str = "",
) -> dict[str, float]:
    """What tables show, by the names of `intarsia.recipes.study.COLUMNS`; NaN where there is nothing.

    The network is run here and not by a `Model`, as validation and prediction run it: a table also shows what
    a view no longer has, the detections before any is left out, the time of the forward pass alone, and maps
    for which an oracle changes the output.

    All in percent but `params`, in millions, `ms`, the fastest forward pass of one image, and `MB`, the most
    memory that passes took on a GPU.

    Args:
        method: Any; what it has no part for, such as a detector, stays NaN.
        data: What to measure on.
        size: In which the network sees the images, as in `InputSize`.
        oracle: What decoding takes from the truth.
        category: The name of the category that AP is of; empty: the mean over all.

    Raises:
        ValueError: The method cannot be told that, or the data have no such category.
    """
    method.eval()
    if category and category not in data.categories.names:
        fail("category", f"one of {', '.join(data.categories.names)}", repr(category))
    # peak memory is that of this pass alone
    tally = _Tally(data.categories, category)
    device = next(method.parameters()).device
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    for batch in evaluation_loader(data, size=size):
        # the network, timed without loading and decoding
        start = time.perf_counter()
        output = method(method.as_seen(batch.images.to(device)))
        if device.type == "cuda":
            torch.cuda.synchronize()
        tally.seconds.append(time.perf_counter() - start)
        # its maps, and beside them what the branches say by themselves
        for row, prediction in enumerate(_maps(method, output, batch, data.categories, oracle)):
            truth = batch.truths[row]
            tally.add_map(prediction.resized(*truth.size), truth)
            if hasattr(output, "semantic_logits"):
                tally.add_branch(output.semantic_logits[row], batch.sizes[row], truth, method.stride)
            if getattr(output, "detections", ()):
                tally.add_detections(arrays_of(output.detections[row]), batch.sizes[row], truth)
    # size and memory
    numbers = tally.numbers()
    numbers["params"] = sum(p.numel() for p in method.parameters()) / 1e6
    is_gpu = device.type == "cuda"
    numbers["MB"] = torch.cuda.max_memory_allocated(device) / 1e6 if is_gpu else math.nan
    return numbers


class _Tally:
    """All measures of one pass over a data set."""

    def __init__(self, categories: Categories, category: str) -> None:
        self.categories, self.category = categories, category
        self.quality, self.final = PanopticQuality(categories), SemanticIoU(categories)
        self.precision, self.city = CocoAP(categories), CityscapesAP(categories)
        self.crowding = RecallByCrowding(categories)
        self.branch: SemanticIoU | None = None
        self.confusion = np.zeros((2, 3), np.int64)  # truth: stuff, things; branch: stuff, things, void
        self.kind = np.full(VOID_INDEX + 1, 2)  # of a category index: the column of `confusion`
        self.kind[: len(categories)] = categories.is_thing
        self.detections: dict[str, CocoAP] = {}
        self.seconds: list[float] = []

    def add_map(self, prediction: PanopticMap, truth: PanopticMap) -> None:
        """One image's panoptic map, in the size of its truth."""
        for tally in (self.quality, self.final, self.precision, self.city, self.crowding):
            tally.update(prediction, truth)

    def add_branch(self, logits: Tensor, size: tuple[int, int], truth: PanopticMap, stride: int) -> None:
        """What the semantic branch says by itself, before anything is grouped."""
        self.branch = self.branch or SemanticIoU(self.categories)
        rows, columns = grid_size(*size, stride=stride)
        values = logits[:, :rows, :columns].float().cpu().numpy()
        winners = upsampled_argmax(values, *size, stride=stride)
        semantic = _map_of(winners, self.categories).resized(*truth.size)
        self.branch.update(semantic, truth)
        true, answer = truth.semantic(self.categories), semantic.semantic(self.categories)
        counts = true != VOID_INDEX
        pairs = 3 * self.kind[true[counts]] + self.kind[answer[counts]]
        self.confusion += np.bincount(pairs, minlength=6).reshape(2, 3)

    def add_detections(
        self, detections: Detections[np.ndarray], size: tuple[int, int], truth: PanopticMap
    ) -> None:
        """All detections of an image, before any map is made of them."""
        kinds = ["APbox"] + ["APmask"] * (detections.mask_logits is not None)
        inside = detections.within(*size)
        rows = list(_instances(inside, size, self.categories))
        truth = truth.resized(*size)
        for name in kinds:
            kind = name.removeprefix("AP")
            precision = self.detections.setdefault(name, CocoAP(self.categories, kind=kind))
            add_detections(precision, rows, truth)

    def numbers(self) -> dict[str, float]:
        report, final = self.quality.compute(), self.final.compute()
        shares: dict[str, float | None] = {
            f"{part}{suffix}": getattr(group, part.lower())
            for suffix, group in (("", report.all), ("th", report.things), ("st", report.stuff))
            for part in ("PQ", "SQ", "RQ")
        }
        shares |= {"mIoU": final.miou, "IoUst": final.stuff}
        shares |= {"AP": self._ap(), "APcity": self.city.compute().ap}
        recall = zip(CROWDING, self.crowding.compute().recall, strict=True)
        shares |= dict(recall)
        shares |= {name: tally.compute().ap for name, tally in self.detections.items()}
        if self.branch is not None:
            stuff, things = self.confusion / np.maximum(self.confusion.sum(axis=1, keepdims=True), 1)
            shares |= {"IoU": self.branch.compute().miou, "th as st": things[0], "st as th": stuff[1]}
        numbers = {name: 100 * float(x) if x is not None else math.nan for name, x in shares.items()}
        return numbers | {"ms": 1000 * min(self.seconds, default=math.nan)}

    def _ap(self) -> float:
        report = self.precision.compute()
        ids = {category.name: category.id for category in self.categories}
        return report.per_category[ids[self.category]] if self.category else report.ap


def _maps(
    method: AbstractMethod, output: Any, batch: EvaluationBatch, categories: Categories, oracle: Oracle
) -> list[PanopticMap]:
    """The maps of a batch, with the truth for what the oracle tells."""
    if not oracle:
        return method.decode(output, batch.sizes)
    decode = getattr(method, "decode_with_oracle", None)
    if decode is None:
        fail("oracle", "asked of a method that can be told a part of the truth", type(method).__name__)
    samples = [_sample(truth.resized(*size)) for truth, size in zip(batch.truths, batch.sizes, strict=True)]
    targets = collate(samples, categories).targets
    return decode(output, batch.sizes, targets, **{oracle: True})


def _sample(truth: PanopticMap) -> Sample:
    height, width = truth.size
    image = torch.zeros(3, height, width, dtype=torch.uint8)
    return Sample(image, torch.from_numpy(np.array(truth.ids, np.int32)), truth.segments, "")


def _map_of(winners: UInt[np.ndarray, "h w"], categories: Categories) -> PanopticMap:
    """Categories as a map, one segment each; a class beyond them is void."""
    ids = np.where(winners < len(categories), winners.astype(np.int32) + 1, VOID_ID)
    shown = np.setdiff1d(ids, [VOID_ID])
    return PanopticMap(ids, [Segment(int(n), categories[int(n) - 1].id) for n in shown])


def _instances(
    detections: Detections[np.ndarray], size: tuple[int, int], categories: Categories
) -> Iterator[FoundInstance]:
    boxes, masks = detections.boxes, _whole_masks(detections, size)
    for n, (box, mask) in enumerate(zip(boxes, masks, strict=True)):
        left, top, right, bottom = (float(x) for x in box)
        category = categories[int(detections.categories[n])].id
        yield FoundInstance((left, top, right, bottom), category, float(detections.scores[n]), mask)


def _whole_masks(
    detections: Detections[np.ndarray], size: tuple[int, int]
) -> Iterator[Bool[np.ndarray, "h w"] | None]:
    """The mask of each detection on the whole image, None where there are boxes alone."""
    if detections.mask_logits is None:
        yield from repeat(None, len(detections))
        return
    masks, boxes = expit(detections.mask_logits), detections.boxes
    for rows, columns, mask in masks_in_boxes(masks, boxes, size):
        whole = np.zeros(size, bool)
        whole[rows, columns] = mask
        yield whole
