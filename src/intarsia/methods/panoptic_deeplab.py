"""Panoptic-DeepLab, the baseline: semantics, a heat map of centres, and each pixel's way to its centre."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia._check import fail
from intarsia.data.targets import PanopticTargets, at_grid
from intarsia.decoding.centers import CenterDecoder, CenterGroupingConfig
from intarsia.decoding.upsampling import grid_size
from intarsia.methods.method import AbstractMethod
from intarsia.methods.semantic import semantic_losses
from intarsia.methods.trunk import TrunkConfig
from intarsia.nets import Backbone, ConvHead, build_decoder
from intarsia.nets.heads import position_grid
from intarsia.panoptic import Categories
from intarsia.runtime.tiles import TilingConfig

__all__ = [
    "CenterLossConfig",
    "PanopticDeepLab",
    "PanopticDeepLabConfig",
    "PanopticDeepLabOutput",
]


@dataclass(frozen=True, kw_only=True)
class CenterLossConfig:
    """Settings of the losses of centres and offsets.

    Attributes:
        center_weight: Of the squared error of the heat map; 200, the paper's.
        offset_weight: Of the absolute error of the offsets, in pixels of the image.
        sigma_px: Width of the Gaussian around a centre, in pixels of the image; 8, the paper's.
    """

    center_weight: float = 200.0
    offset_weight: float = 0.01
    sigma_px: float = 8.0

    def __post_init__(self) -> None:
        if self.sigma_px <= 0:
            fail("center_loss.sigma_px", "above 0", self.sigma_px)


@dataclass(frozen=True, kw_only=True)
class PanopticDeepLabConfig(TrunkConfig):
    """Settings of `PanopticDeepLab`, beside those of its trunk.

    Attributes:
        semantic_width: Channels inside the semantic head; by default 128, as a decoder has.
        instance_width: Channels inside the heads of centres and offsets.
        center_loss: Losses of centres and offsets.
        grouping: How centres and offsets become instances.
    """

    semantic_width: int = 128
    instance_width: int = 32
    center_loss: CenterLossConfig = field(default_factory=CenterLossConfig)
    grouping: CenterGroupingConfig = field(default_factory=CenterGroupingConfig)


@dataclass(frozen=True, eq=False)
class PanopticDeepLabOutput:
    """What the network says on the grid: category logits, heat of centres, steps to them in pixels."""

    semantic_logits: Float[Tensor, "b k h w"]
    heat: Float[Tensor, "b h w"]
    center_steps: Float[Tensor, "b 2 h w"]


class PanopticDeepLab(AbstractMethod):
    """Panoptic segmentation by centres: each thing pixel goes to the centre that it points at.

    Source: Cheng et al. 2020; weights, widths and thresholds of detectron2's configuration. One decoder for
    all heads by default, losses of centres and offsets on the grid, and no limit to the number of centres are
    ours.

    Example:
        >>> from intarsia.nets.backbone import BackboneConfig
        >>> config = PanopticDeepLabConfig(backbone=BackboneConfig(name="lcnet_050"))
        >>> method = PanopticDeepLab(config, Categories.named("facades"))
        >>> method.predict(torch.zeros(3, 9, 7)).size
        (9, 7)
    """

    config_type: ClassVar[type] = PanopticDeepLabConfig
    config: PanopticDeepLabConfig

    def __init__(self, config: PanopticDeepLabConfig, categories: Categories) -> None:
        """Build the networks; the backbone's weights are read here."""
        super().__init__(config, categories)
        self.backbone = Backbone(config.backbone)
        self.stride = self.backbone.strides[0]
        self.decoder = build_decoder(config.decoder, self.backbone)
        separate = config.separate_decoders
        self.instance_decoder = build_decoder(config.decoder, self.backbone) if separate else None
        self.semantic_head = self._head(len(categories), config.semantic_width, config.semantic_depth)
        self.center_head = self._head(1, config.instance_width)
        self.offset_head = self._head(2, config.instance_width)
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> PanopticDeepLabOutput:
        """Logits, heat and offsets on the grid."""
        height, width = grid_size(*images.shape[-2:], stride=self.stride)
        features = self.backbone(images)
        shared = self.decoder(features)
        other = shared if self.instance_decoder is None else self.instance_decoder(features)
        return PanopticDeepLabOutput(
            semantic_logits=self.semantic_head(shared)[..., :height, :width],
            heat=self.center_head(other)[:, 0, :height, :width],
            center_steps=self.offset_head(other)[..., :height, :width] * self.stride,
        )

    def losses(self, output: PanopticDeepLabOutput, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The semantic losses, the squared error of the heat, the absolute error of the offsets."""
        settings = self.config.center_loss
        grid = at_grid(targets, stride=self.stride)
        heat, offsets = center_targets(grid, sigma_px=settings.sigma_px, stride=self.stride)
        distinct = ~grid.crowd
        inside = (grid.instances > 0)[:, None]
        heat_error = (output.heat.float() - heat).square() * distinct
        offset_error = (output.center_steps.float() - offsets).abs() * inside
        return semantic_losses(
            output.semantic_logits, targets, self.config.semantic_loss, stride=self.stride
        ) | {
            "center": settings.center_weight * heat_error.sum() / distinct.sum().clamp(min=1),
            "offset": settings.offset_weight * offset_error.sum() / inside.sum().clamp(min=1),
        }

    @property
    def map_decoder(self) -> CenterDecoder:
        """Centres are peaks of the heat; each thing pixel goes to the one that it points at."""
        return CenterDecoder(grouping=self.config.grouping, sigma_px=self.config.center_loss.sigma_px)

    @property
    def tiling(self) -> TilingConfig:
        """Steps to centres are counted from the pixel, so tiles are joined as they are."""
        return TilingConfig()

    def _head(self, channels: int, width: int, depth: int = 1) -> ConvHead:
        decoder = self.config.decoder
        return ConvHead(decoder.width, channels, width=width, depth=depth, style=decoder)


def center_targets(
    grid: PanopticTargets, *, sigma_px: float, stride: int = 4
) -> tuple[Float[Tensor, "b h w"], Float[Tensor, "b 2 h w"]]:
    """The heat around each instance's centre, the largest where several meet, and the way to the own centre.

    Source: Cheng et al. 2020, section 3.2: exp(-d^2 / (2 sigma^2)); on the grid, with distances in pixels.

    Args:
        grid: Targets on the grid, with centres in pixels.
        sigma_px: Width of the Gaussian.
        stride: Pixels between neighbours on the grid; 4, the paper's.

    Returns:
        Heat in [0, 1], 0 where an image has no instance; offsets in pixels, 0 outside of instances.
    """
    b, height, width = grid.instances.shape
    position = position_grid(height, width, stride=stride, device=grid.instances.device)  # 2 h w
    heat = position.new_zeros(b, height, width)
    offsets = position.new_zeros(b, 2, height, width)
    for image, (centers, instances) in enumerate(zip(grid.centers, grid.instances, strict=True)):
        for chunk in centers.split(64):  # separable Gaussians, never a map of all instances at once
            down = torch.exp(-(position[0, :, 0] - chunk[:, :1]).square() / (2 * sigma_px**2))  # n h
            right = torch.exp(-(position[1, 0] - chunk[:, 1:]).square() / (2 * sigma_px**2))  # n w
            around = down[:, :, None] * right[:, None]  # n h w
            heat[image] = torch.cat([heat[image, None], around]).amax(dim=0)
        own = torch.cat([centers.new_zeros(1, 2), centers])[instances]  # h w 2
        offsets[image] = (own.permute(2, 0, 1) - position) * (instances > 0)
    return heat, offsets
