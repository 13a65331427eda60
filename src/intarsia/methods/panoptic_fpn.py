"""Panoptic FPN, the baseline: Mask R-CNN and semantics on one pyramid, merged by rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia._check import check_least, fail
from intarsia.data.targets import PanopticTargets
from intarsia.decoding.detections import Detections
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.merge import MergeConfig, MergeDecoder
from intarsia.decoding.upsampling import grid_size
from intarsia.methods.method import AbstractMethod
from intarsia.methods.semantic import SemanticLossConfig, semantic_losses
from intarsia.nets import Backbone, BackboneConfig, DetectionConfig, Detector, FpnPyramid, arrays_of
from intarsia.nets.blocks import prediction
from intarsia.nets.detector import Proposals
from intarsia.nets.fpn_decoder import FpnClimbs
from intarsia.panoptic import Categories

__all__ = ["PanopticFpn", "PanopticFpnConfig", "PanopticFpnOutput"]


@dataclass(frozen=True, kw_only=True)
class PanopticFpnConfig:
    """Settings of `PanopticFpn`.

    Attributes:
        backbone: The network with pretrained weights.
        pyramid_width: Channels of each level of the feature pyramid; 256, the paper's.
        semantic_width: Channels of the semantic branch; 128, the paper's.
        semantic_loss: Loss of the semantic head.
        detection: Boxes and masks.
        merge: The rules by which masks and semantics become a map.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    pyramid_width: int = 256
    semantic_width: int = 128
    semantic_loss: SemanticLossConfig = field(
        default_factory=lambda: SemanticLossConfig(weight=0.5, small_thing_weight=1.0)
    )
    detection: DetectionConfig = field(default_factory=lambda: DetectionConfig(mask_loss="cross_entropy"))
    merge: MergeConfig = field(default_factory=MergeConfig)

    def __post_init__(self) -> None:
        for name in ("pyramid_width", "semantic_width"):
            check_least(name, getattr(self, name), 1)
        if not self.detection.masks:
            fail("detection.masks", "true for the merge by rules", "false")


@dataclass(frozen=True, eq=False)
class PanopticFpnOutput:
    """What the networks say: category logits on the grid, detections, and what their losses start from.

    In training no detections are looked for, since no loss needs them.
    """

    semantic_logits: Float[Tensor, "b k h w"]
    detections: tuple[Detections[Tensor], ...]
    pyramid: tuple[Tensor, ...]
    proposals: Proposals


class PanopticFpn(AbstractMethod):
    """Panoptic segmentation by masks over semantics, with rules for who wins.

    Source: Kirillov et al. 2019; weights and thresholds of detectron2's configuration.

    Example:
        >>> config = PanopticFpnConfig(backbone=BackboneConfig(name="lcnet_050"), pyramid_width=16)
        >>> method = PanopticFpn(config, Categories.named("facades"))
        >>> method.predict(torch.zeros(3, 9, 7)).size
        (9, 7)
    """

    needs_torch: ClassVar[str] = "boxes are chosen by torchvision's operators"
    config_type: ClassVar[type] = PanopticFpnConfig
    config: PanopticFpnConfig

    def __init__(self, config: PanopticFpnConfig, categories: Categories) -> None:
        """Build the networks; the backbone's weights are read here."""
        super().__init__(config, categories)
        self.backbone = Backbone(config.backbone)
        strides, width = self.backbone.strides, config.pyramid_width
        self.stride = strides[0]
        self.pyramid = FpnPyramid(self.backbone.channels, width=width)
        self.climbs = FpnClimbs(strides, width, width=config.semantic_width)
        self.semantic_head = prediction(config.semantic_width, len(categories))
        things = [index for index, category in enumerate(categories) if category.is_thing]
        self.detector = Detector(config.detection, strides, width, things=things)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> PanopticFpnOutput:
        """Semantics and detections."""
        height, width = grid_size(*images.shape[-2:], stride=self.stride)
        pyramid = self.pyramid(self.backbone(images))
        proposals = self.detector.propose(pyramid)
        logits = self.semantic_head(self.climbs(pyramid)).float()
        return PanopticFpnOutput(
            semantic_logits=logits[..., :height, :width],
            detections=() if self.training else self.detector.detect(pyramid, proposals),
            pyramid=tuple(pyramid),
            proposals=proposals,
        )

    def losses(self, output: PanopticFpnOutput, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The losses of semantics and of the detector."""
        semantic = semantic_losses(
            output.semantic_logits, targets, self.config.semantic_loss, stride=self.stride
        )
        return semantic | self.detector.losses(output.pyramid, output.proposals, targets)

    @property
    def map_decoder(self) -> MergeDecoder:
        """Masks by falling score, then stuff where nothing is yet."""
        return MergeDecoder(merge=self.config.merge)

    def views(self, output: PanopticFpnOutput, sizes: Sequence[tuple[int, int]]) -> list[ImageView]:
        """Semantics on the grid, and the detections of each image."""
        views = super().views(output, sizes)
        return [
            view.with_detections(arrays_of(detections))
            for view, detections in zip(views, output.detections, strict=True)
        ]
