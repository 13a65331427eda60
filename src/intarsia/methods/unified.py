"""Unified panoptic segmentation: one map with a channel for each segment, in training as in inference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia._check import fail
from intarsia.data.targets import PanopticTargets, at_grid
from intarsia.decoding.detections import Detections
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.merge import MergeDecoder
from intarsia.decoding.panoptic_logits import PanopticLogitsDecoder
from intarsia.decoding.pixel_field import PixelField
from intarsia.decoding.upsampling import grid_size
from intarsia.methods.method import AbstractMethod
from intarsia.methods.semantic import semantic_losses
from intarsia.methods.unified_config import UnifiedConfig
from intarsia.nets import (
    Backbone,
    Detector,
    FpnPyramid,
    SharedDecoder,
    arrays_of,
    true_detections,
)
from intarsia.nets.blocks import prediction
from intarsia.nets.detector import Proposals
from intarsia.nets.panoptic_head import PanopticHead
from intarsia.panoptic import Categories

__all__ = ["UnifiedOutput", "UnifiedPanoptic"]


@dataclass(frozen=True, eq=False)
class UnifiedOutput:
    """What the networks say: on the grid, for each image, and what the losses of the detector start from.

    Attributes:
        semantic_logits: On the grid.
        affinity_features: Q, on the grid; None without affinities.
        detections: Of each image. None are looked for in training without the panoptic matching loss.
        pyramid: The features that detection looks at, from fine to coarse.
        proposals: Where things may be.
    """

    semantic_logits: Float[Tensor, "b k h w"]
    affinity_features: Float[Tensor, "b c h w"] | None
    detections: tuple[Detections[Tensor], ...]
    pyramid: tuple[Tensor, ...]
    proposals: Proposals


class UnifiedPanoptic(AbstractMethod):
    """Panoptic segmentation whose output is trained as it is used: the argmax of panoptic logits.

    Every stuff category and every detection is a channel; affinities between pixels correct the channels
    beyond boxes and masks; a cross-entropy on them, after detections were matched with the true instances,
    trains everything at once. Works with boxes alone or with masks.

    Source: Li, Qi and Torr 2020. What the paper leaves open is a named setting: see the configs.

    Example:
        >>> from intarsia.methods.unified_config import PyramidConfig
        >>> from intarsia.nets import BackboneConfig
        >>> config = UnifiedConfig(backbone=BackboneConfig(name="lcnet_050"), pyramid=PyramidConfig(width=16))
        >>> method = UnifiedPanoptic(config, Categories.named("facades"))
        >>> method.predict(torch.zeros(3, 9, 7)).size
        (9, 7)
    """

    needs_torch: ClassVar[str] = "boxes are chosen by torchvision's operators"
    config_type: ClassVar[type] = UnifiedConfig
    config: UnifiedConfig

    def __init__(self, config: UnifiedConfig, categories: Categories) -> None:
        """Build the networks; the backbone's weights are read here."""
        super().__init__(config, categories)
        self.backbone = Backbone(config.backbone)
        self.stride = self.backbone.strides[0]
        strides, width = self.backbone.strides, config.pyramid.width
        self.pyramid = FpnPyramid(self.backbone.channels, width=width, top_context=config.pyramid.top_context)
        self.semantic_decoder = SharedDecoder(config.decoder, strides, width)
        self.semantic_head = prediction(self.semantic_decoder.channels, len(categories))
        affinities = bool(config.affinity.channels)
        self.affinity_decoder = SharedDecoder(config.decoder, strides, width) if affinities else None
        things = [index for index, category in enumerate(categories) if category.is_thing]
        self.detector = Detector(config.detection, strides, width, things=things)
        self.head = PanopticHead(
            config.potential,
            config.affinity,
            config.matching,
            channels_in=self.semantic_decoder.channels,
            stuff=tuple(index for index, category in enumerate(categories) if not category.is_thing),
            stride=self.stride,
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> UnifiedOutput:
        """Semantics, affinity features and detections."""
        height, width = grid_size(*images.shape[-2:], stride=self.stride)
        pyramid = self.pyramid(self.backbone(images))
        logits = self.semantic_head(self.semantic_decoder(pyramid)).float()
        features = None
        if self.affinity_decoder is not None:
            features = self.head.features(self.affinity_decoder(pyramid))[..., :height, :width]
        proposals = self.detector.propose(pyramid)
        needs_detections = not self.training or self._learns_from_detections
        limit = (self.config.matching if self.training else self.config.detection).max_detections
        return UnifiedOutput(
            semantic_logits=logits[..., :height, :width],
            affinity_features=features,
            detections=self.detector.detect(pyramid, proposals, limit=limit) if needs_detections else (),
            pyramid=tuple(pyramid),
            proposals=proposals,
        )

    def losses(self, output: UnifiedOutput, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The losses of semantics and of the detector, and the panoptic matching loss."""
        losses = semantic_losses(
            output.semantic_logits, targets, self.config.semantic_loss, stride=self.stride
        )
        losses |= self.detector.losses(output.pyramid, output.proposals, targets)
        if self.config.matching.weight:
            losses["panoptic"] = self.config.matching.weight * self._panoptic_loss(output, targets)
        return losses

    @property
    def map_decoder(self) -> PanopticLogitsDecoder | MergeDecoder:
        """The argmax of the panoptic logits at each pixel, or the merge by rules."""
        settings = self.config.inference
        if settings.rule == "argmax":
            return PanopticLogitsDecoder(min_stuff_px=settings.min_stuff_px)
        return MergeDecoder(merge=settings.rules)

    def views(self, output: UnifiedOutput, sizes: Sequence[tuple[int, int]]) -> list[ImageView]:
        """What is on the grid, and of each image its detections and panoptic logits.

        A pixel hears from all others of its image, so the logits are made of the image without its padding.
        """
        views = []
        for row, view in enumerate(super().views(output, sizes)):
            if self.config.inference.rule == "merge":
                views.append(view.with_detections(arrays_of(output.detections[row])))
                continue
            logits, detections = self.panoptic_logits(output, row, size=view.size)
            panoptic = logits.detach().float().cpu().numpy()
            views.append(
                view.with_detections(arrays_of(detections)).with_arrays({"panoptic_logits": panoptic})
            )
        return views

    @torch.no_grad()
    def panoptic_logits(
        self, output: UnifiedOutput, row: int, *, size: tuple[int, int]
    ) -> tuple[Float[Tensor, "s h w"], Detections[Tensor]]:
        """P of one image, and the detections that its channels after those of stuff stand for.

        Args:
            output: What `forward` returned.
            row: The image's number in the batch.
            size: Its height and width, without padding.
        """
        rows, columns = grid_size(*size, stride=self.stride)
        features = output.affinity_features
        detections = output.detections[row].above(self.config.inference.min_score).within(*size)
        panoptic = self.head(
            output.semantic_logits[row, :, :rows, :columns],
            None if features is None else features[row, :, :rows, :columns],
            detections,
        )
        return panoptic, detections

    @torch.no_grad()
    def affinity_map(
        self, output: UnifiedOutput, row: int, *, size: tuple[int, int], pixel: tuple[int, int]
    ) -> Float[Tensor, "h w"]:
        """How strongly one pixel listens to each point of the grid, as in Figure 6 of the paper.

        Args:
            output: What `forward` returned.
            row: The image's number in the batch.
            size: Its height and width, without padding.
            pixel: Row and column in the image.

        Raises:
            ValueError: The method has no affinities, or the pixel is not in the image.
        """
        if self.head.affinity is None or output.affinity_features is None:
            fail("affinity.channels", "above 0 where affinities are asked for", 0)
        if not (0 <= pixel[0] < size[0] and 0 <= pixel[1] < size[1]):
            fail("pixel", f"in the image of {size[0]}x{size[1]}", pixel)
        rows, columns = grid_size(*size, stride=self.stride)
        at = (pixel[0] // self.stride, pixel[1] // self.stride)
        return self.head.affinity.affinity_map(output.affinity_features[row, :, :rows, :columns].float(), at)

    def pixel_field(self, view: ImageView, pixel: tuple[int, int]) -> PixelField:
        """How strongly one pixel listens to each point of the grid, as in Figure 6 of the paper.

        Raises:
            ValueError: As `affinity_map`.
        """
        if self.head.affinity is None:
            fail("affinity.channels", "above 0 where affinities are asked for", 0)
        features, at = view["affinity_features"], (pixel[0] // self.stride, pixel[1] // self.stride)
        with torch.no_grad():
            affinities = self.head.affinity.affinity_map(torch.from_numpy(features).to(self.device), at)
        return PixelField("affinity", affinities.cpu().numpy(), features)

    @property
    def _learns_from_detections(self) -> bool:
        return self.config.matching.weight > 0 and self.config.matching.detections == "predicted"

    def _panoptic_loss(self, output: UnifiedOutput, targets: PanopticTargets) -> Float[Tensor, ""]:
        grid = at_grid(targets, stride=self.stride)
        truth = [true_detections(*pair) for pair in zip(grid.boxes, grid.categories, strict=True)]
        if self._learns_from_detections:
            predictions = output.detections
        else:
            samples = [self.head.sample_truth(true) for true in truth]
            predictions = self.detector.with_masks(output.pyramid, samples)
        features = output.affinity_features
        panoptic = [
            self.head(output.semantic_logits[row], None if features is None else features[row], detections)
            for row, detections in enumerate(predictions)
        ]
        loss = self.head.loss(panoptic, grid.semantic, grid.instances, detections=predictions, truth=truth)
        return loss.mean()
