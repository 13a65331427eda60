"""torchvision's heads for detection on a feature pyramid, with the settings that they are built from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from torch import nn
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.roi_heads import RoIHeads
from torchvision.models.detection.rpn import AnchorGenerator, RegionProposalNetwork, RPNHead
from torchvision.ops import MultiScaleRoIAlign

from intarsia._check import check_least, fail

__all__ = ["MASK_CELLS", "DetectionConfig", "proposal_network", "roi_heads"]

MASK_CELLS = 28
"""Rows and columns of a mask."""


@dataclass(frozen=True, kw_only=True)
class DetectionConfig:
    """Settings of `Detector`; the defaults are those of detectron2's Faster and Mask R-CNN.

    Attributes:
        masks: A mask head beside the box head.
        weight: Of all its losses together, beside the other terms of a method.
        anchor_scale: Side of the anchors of a level, in strides of the level; 8 is that of feature pyramids.
        anchor_ratios: Heights of anchors over their widths.
        candidates: Boxes of each level that enter the suppression of proposals; 1000, as detectron2 has in
            prediction.
        proposals: Boxes that come out of it in training; 1000, detectron2's.
        test_proposals: Boxes that come out of it in prediction; 1000, detectron2's.
        rpn_samples: Anchors of an image that train the proposals, at most half of them on instances; 256,
            Faster R-CNN's.
        roi_samples: Proposals of an image that train the heads, at most a quarter of them on instances; 512,
            Mask R-CNN's with a pyramid.
        canonical_px: Side of the boxes that are looked at on the level of stride 16; 224, FPN's, ImageNet's
            size of images.
        box_width: Channels of the two layers of the box head; 1024, FPN's.
        mask_width: Channels of the mask head; 256, Mask R-CNN's.
        mask_depth: Convolutions of the mask head; 4, Mask R-CNN's.
        mask_loss: "lovasz" (hinge, as in Li et al. 2020) or "cross_entropy".
        mask_average: "rois": every box counts the same; "images": every image does. Li et al. do not tell;
            the first is what cross-entropy over all boxes does too.
        min_score: Least score of a detection, in [0, 1]: low, since what decodes asks for more.
        nms_iou: Boxes of one category that overlap a surer one by more are dropped; one half, Mask R-CNN's.
        max_detections: The surest ones of an image; 100, Mask R-CNN's.
    """

    masks: bool = True
    weight: float = 1.0
    anchor_scale: float = 8.0
    anchor_ratios: tuple[float, ...] = (0.5, 1.0, 2.0)
    candidates: int = 1000
    proposals: int = 1000
    test_proposals: int = 1000
    rpn_samples: int = 256
    roi_samples: int = 512
    canonical_px: int = 224
    box_width: int = 1024
    mask_width: int = 256
    mask_depth: int = 4
    mask_loss: Literal["lovasz", "cross_entropy"] = "lovasz"
    mask_average: Literal["rois", "images"] = "rois"
    min_score: float = 0.05
    nms_iou: float = 0.5
    max_detections: int = 100

    def __post_init__(self) -> None:
        counts = ("candidates", "proposals", "test_proposals", "rpn_samples", "roi_samples", "max_detections")
        for name in (*counts, "box_width", "mask_width", "mask_depth", "canonical_px"):
            check_least(f"detection.{name}", getattr(self, name), 1)
        if self.anchor_scale <= 0:
            fail("detection.anchor_scale", "above 0", self.anchor_scale)
        if not self.anchor_ratios or min(self.anchor_ratios) <= 0:
            fail("detection.anchor_ratios", "one or more above 0", self.anchor_ratios)
        check_least("detection.weight", self.weight, 0)


def proposal_network(config: DetectionConfig, strides: Sequence[int], channels: int) -> RegionProposalNetwork:
    """The network that proposes boxes, on levels of these strides and one more above them."""
    sides = [config.anchor_scale * stride for stride in (*strides, 2 * strides[-1])]
    anchors = AnchorGenerator(
        tuple((side,) for side in sides),
        (config.anchor_ratios,) * len(sides),  # type: ignore[arg-type]
    )
    both = {"training": config.candidates, "testing": config.candidates}
    kept = {"training": config.proposals, "testing": config.test_proposals}
    head = RPNHead(channels, len(config.anchor_ratios))
    return RegionProposalNetwork(anchors, head, 0.7, 0.3, config.rpn_samples, 0.5, both, kept, 0.7)


def roi_heads(config: DetectionConfig, num_levels: int, channels: int, *, num_labels: int) -> RoIHeads:
    """Box head and, if `config` has masks, mask head; label 0 is none of the categories."""
    levels = [str(n) for n in range(num_levels)]

    def pool(cells: int) -> MultiScaleRoIAlign:
        return MultiScaleRoIAlign(levels, cells, 2, canonical_scale=config.canonical_px)

    # boxes: two layers, then a category and a correction of each proposal
    heads = RoIHeads(
        pool(7),
        TwoMLPHead(channels * 49, config.box_width),
        FastRCNNPredictor(config.box_width, num_labels),
        fg_iou_thresh=0.5,
        bg_iou_thresh=0.5,
        batch_size_per_image=config.roi_samples,
        positive_fraction=0.25,
        bbox_reg_weights=None,
        score_thresh=config.min_score,
        nms_thresh=config.nms_iou,
        detections_per_img=config.max_detections,
    )
    # masks: convolutions on the cells of the box
    if config.masks:
        heads.mask_roi_pool = pool(MASK_CELLS // 2)
        heads.mask_head = MaskRCNNHeads(channels, (config.mask_width,) * config.mask_depth, 1)
        heads.mask_predictor = MaskRCNNPredictor(config.mask_width, config.mask_width, num_labels)
    _start_unsure(heads)
    return heads


def _start_unsure(heads: Any) -> None:
    """Small last weights: a hinge on torchvision's first mask logits costs some 30.

    Not as small as detectron2's 0.001, which AdamW answers with steps that spoil the pretrained layers.
    """
    last = [heads.box_predictor.cls_score, heads.box_predictor.bbox_pred]
    if heads.mask_predictor is not None:
        last.append(heads.mask_predictor.mask_fcn_logits)
    for layer in last:
        nn.init.normal_(layer.weight, std=0.02)
        nn.init.zeros_(layer.bias)
