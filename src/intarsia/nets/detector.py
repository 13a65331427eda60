"""Detection on a feature pyramid: torchvision's region proposals, box head and mask head."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import fastrcnn_loss
from torchvision.models.detection.rpn import concat_box_prediction_layers

from intarsia.data.targets import PanopticTargets
from intarsia.decoding.detections import Detections
from intarsia.losses import lovasz_hinge
from intarsia.nets.detection_heads import MASK_CELLS, DetectionConfig, proposal_network, roi_heads

__all__ = ["Detector", "Proposals"]


@dataclass(frozen=True, eq=False)
class Proposals:
    """Where things may be, of a batch: what the proposal network said of each anchor, and its best boxes."""

    objectness: Float[Tensor, "n 1"]
    deltas: Float[Tensor, "n 4"]
    anchors: tuple[Float[Tensor, "_ 4"], ...]
    boxes: tuple[Float[Tensor, "_ 4"], ...]


class Detector(nn.Module):
    """Boxes, scores and categories of things on a feature pyramid, with masks or without.

    What is sampled for the losses is apart from what is found, so that it detects in training as well. Scores
    and masks are differentiable, so that a loss on what is made of them trains the detector. Computes in
    float32 also under autocast.

    Source: Ren et al. 2015, He et al. 2017, in torchvision's form; Li, Qi and Torr 2020, appendix A.2, for
    the Lovász hinge on masks. True masks are looked up at the middles of the cells.

    Example:
        >>> config = DetectionConfig(box_width=16, mask_width=8)
        >>> detector = Detector(config, (4, 8), 8, things=(0, 2))
        >>> pyramid = [torch.zeros(1, 8, 8, 8), torch.zeros(1, 8, 4, 4)]
        >>> [detections] = detector.detect(pyramid, detector.propose(pyramid))
        >>> detections.mask_logits.shape[1:]
        torch.Size([28, 28])
    """

    category_of_label: Tensor

    def __init__(
        self, config: DetectionConfig, strides: Sequence[int], channels: int, *, things: Sequence[int]
    ) -> None:
        """Build the heads for levels of these strides; `things` are the category indices to detect."""
        super().__init__()
        self.config = config
        self.stride = strides[0]
        self.rpn = proposal_network(config, strides, channels)
        self.heads = roi_heads(config, len(strides), channels, num_labels=len(things) + 1)
        self.register_buffer("category_of_label", torch.tensor([-1, *things]), persistent=False)

    def propose(self, pyramid: Sequence[Float[Tensor, "b p _ _"]]) -> Proposals:
        """The boxes of a batch where things may be."""
        with torch.autocast(pyramid[0].device.type, enabled=False):
            levels = [x.float() for x in pyramid]
            levels.append(F.max_pool2d(levels[-1], 1, stride=2))
            objectness, deltas = self.rpn.head(levels)
            counts = [x[0].numel() for x in objectness]
            height, width = self._size(pyramid)
            canvas = levels[0].new_zeros(1).expand(len(levels[0]), 3, height, width)
            sizes = [(height, width)] * len(canvas)
            anchors = self.rpn.anchor_generator(ImageList(canvas, sizes), levels)
            scores, changes = concat_box_prediction_layers(objectness, deltas)
            moved = self.rpn.box_coder.decode(changes.detach(), anchors).view(len(canvas), -1, 4)
            boxes, _ = self.rpn.filter_proposals(moved, scores.detach(), sizes, counts)
        return Proposals(scores, changes, tuple(anchors), tuple(boxes))

    def detect(
        self, pyramid: Sequence[Float[Tensor, "b p _ _"]], proposals: Proposals, *, limit: int = 1 << 30
    ) -> tuple[Detections[Tensor], ...]:
        """The detections of each image, at most `limit` and `max_detections`."""
        with torch.autocast(pyramid[0].device.type, enabled=False):
            boxes = list(proposals.boxes)
            logits, deltas = self._box_head(pyramid, boxes)
            sizes = [self._size(pyramid)] * len(boxes)
            rows = self.heads.postprocess_detections(logits, deltas, boxes, sizes)
        plain = [
            Detections(box[:limit].detach(), score[:limit], self.category_of_label[label[:limit]], None)
            for box, score, label in zip(*rows, strict=True)
        ]
        return self.with_masks(pyramid, plain)

    def with_masks(
        self, pyramid: Sequence[Float[Tensor, "b p _ _"]], detections: Sequence[Detections[Tensor]]
    ) -> tuple[Detections[Tensor], ...]:
        """The same boxes with their masks; as they are where the detector has none."""
        if not self.config.masks:
            return tuple(detections)
        labels = torch.cat([self._label_of(image.categories) for image in detections])
        logits = self._mask_head(pyramid, [image.boxes for image in detections], labels)
        masks = logits.split([len(image) for image in detections])
        return tuple(
            Detections(image.boxes, image.scores, image.categories, mask)
            for image, mask in zip(detections, masks, strict=True)
        )

    def losses(
        self, pyramid: Sequence[Float[Tensor, "b p _ _"]], proposals: Proposals, targets: PanopticTargets
    ) -> dict[str, Float[Tensor, ""]]:
        """The weighted losses: two of the proposals, two of the boxes, and one of the masks."""
        truth = [
            {"boxes": boxes.float(), "labels": self._label_of(categories)}
            for boxes, categories in zip(targets.boxes, targets.categories, strict=True)
        ]
        with torch.autocast(pyramid[0].device.type, enabled=False):
            terms = self._proposal_losses(proposals, truth) | self._head_losses(
                pyramid, proposals, truth, targets
            )
        return {name: self.config.weight * value for name, value in terms.items()}

    def _proposal_losses(self, proposals: Proposals, truth: list[dict[str, Tensor]]) -> dict[str, Tensor]:
        anchors = list(proposals.anchors)
        labels, matched = self.rpn.assign_targets_to_anchors(anchors, truth)
        true_deltas = self.rpn.box_coder.encode(matched, anchors)
        objectness, box = self.rpn.compute_loss(proposals.objectness, proposals.deltas, labels, true_deltas)
        return {"proposal_score": objectness, "proposal_box": box}

    def _head_losses(
        self,
        pyramid: Sequence[Tensor],
        proposals: Proposals,
        truth: list[dict[str, Tensor]],
        targets: PanopticTargets,
    ) -> dict[str, Tensor]:
        heads = self.heads
        truth = [image | {"masks": image["boxes"]} for image in truth]  # only asked for, never looked at
        samples, matches, labels, true_deltas = heads.select_training_samples(list(proposals.boxes), truth)
        logits, deltas = self._box_head(pyramid, samples)
        category, box = fastrcnn_loss(logits, deltas, labels, true_deltas)
        terms = {"box_category": category, "box": box}
        if self.config.masks:
            rows = [label > 0 for label in labels]
            boxes = [box[row] for box, row in zip(samples, rows, strict=True)]
            numbers = [number[row] + 1 for number, row in zip(matches, rows, strict=True)]
            positive = torch.cat([label[row] for label, row in zip(labels, rows, strict=True)])
            true = true_masks(targets.instances, boxes, numbers)
            terms["mask"] = self._mask_loss(self._mask_head(pyramid, boxes, positive), true, boxes)
        return terms

    def _mask_loss(
        self, logits: Float[Tensor, "r m m"], true: Bool[Tensor, "r m m"], boxes: list[Tensor]
    ) -> Float[Tensor, ""]:
        if not len(logits):
            return logits.sum() * 0
        logits, true = logits.flatten(1), true.flatten(1)
        if self.config.mask_loss == "lovasz":
            costs = lovasz_hinge(logits, true)
        else:
            costs = F.binary_cross_entropy_with_logits(logits, true.float(), reduction="none").mean(dim=1)
        if self.config.mask_average == "rois":
            return costs.mean()
        means = [
            costs_of_image.mean()
            for costs_of_image in costs.split([len(box) for box in boxes])
            if len(costs_of_image)
        ]
        return torch.stack(means).mean()

    def _box_head(self, pyramid: Sequence[Tensor], boxes: list[Tensor]) -> tuple[Tensor, Tensor]:
        pooled = self._pool(self.heads.box_roi_pool, pyramid, boxes)
        return self.heads.box_predictor(self.heads.box_head(pooled))

    def _mask_head(
        self, pyramid: Sequence[Tensor], boxes: Sequence[Tensor], labels: Int64[Tensor, " r"]
    ) -> Float[Tensor, "r m m"]:
        with torch.autocast(pyramid[0].device.type, enabled=False):
            heads: Any = self.heads  # torchvision's types have no mask head
            pooled = self._pool(heads.mask_roi_pool, pyramid, list(boxes))
            logits = heads.mask_predictor(heads.mask_head(pooled))  # r labels m m
        return logits[torch.arange(len(labels), device=labels.device), labels]

    def _pool(self, pool: nn.Module, pyramid: Sequence[Tensor], boxes: list[Tensor]) -> Tensor:
        levels = {str(n): x.float() for n, x in enumerate(pyramid)}
        return pool(levels, boxes, [self._size(pyramid)] * len(boxes))

    def _label_of(self, categories: Int64[Tensor, " q"]) -> Int64[Tensor, " q"]:
        return (categories[:, None] == self.category_of_label).int().argmax(dim=1)

    def _size(self, pyramid: Sequence[Tensor]) -> tuple[int, int]:
        height, width = pyramid[0].shape[-2:]
        return height * self.stride, width * self.stride


def true_masks(
    instances: Int64[Tensor, "b h w"], boxes: Sequence[Float[Tensor, "_ 4"]], numbers: Sequence[Tensor]
) -> Bool[Tensor, "r m m"]:
    """Whether the middle of each cell of each box lies on the box's instance.

    Example:
        >>> instances = torch.tensor([[[1, 2], [1, 2]]])
        >>> masks = true_masks(instances, [torch.tensor([[0.0, 0, 2, 2]])], [torch.tensor([2])])
        >>> masks[0, 0, 13:15].tolist()
        [False, True]
    """
    masks = []
    for ids, box, number in zip(instances, boxes, numbers, strict=True):
        steps = (torch.arange(MASK_CELLS, device=box.device) + 0.5) / MASK_CELLS
        rows = (box[:, 1:2] + steps * (box[:, 3:] - box[:, 1:2])).long().clamp(0, ids.shape[0] - 1)
        columns = (box[:, :1] + steps * (box[:, 2:3] - box[:, :1])).long().clamp(0, ids.shape[1] - 1)
        masks.append(ids[rows[:, :, None], columns[:, None]] == number[:, None, None])
    return torch.cat(masks)
