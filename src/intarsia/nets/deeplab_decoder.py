"""The DeepLab decoder: atrous spatial pyramid pooling, then fusions with ever finer features."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nets.blocks import conv_block, fusion_block
from intarsia.nets.decoder_config import DecoderConfig

__all__ = ["DeepLabDecoder"]


class DeepLabDecoder(nn.Module):
    """Features at strides 4, 8, ... to one map at stride 4.

    ASPP on the coarsest features; then, at stride 16, 8 and 4 as far as they are finer, the map is
    up-sampled, joined with the reduced features of that stride, and fused by one 5x5 separable or two 3x3
    convolutions.

    Source: Chen et al. 2018 and Cheng et al. 2020 (Panoptic-DeepLab) at output stride 16. The fusion at
    stride 16, for backbones that go on to 32, is ours, and so is pooling over the whole image instead of a
    window of the training crop's size.

    Example:
        >>> decoder = DeepLabDecoder(DecoderConfig(width=16), (4, 8, 16), (8, 16, 32))
        >>> features = [torch.zeros(2, c, n, n) for c, n in ((8, 8), (16, 4), (32, 2))]
        >>> decoder(features).shape
        torch.Size([2, 16, 8, 8])
    """

    def __init__(self, config: DecoderConfig, strides: Sequence[int], channels: Sequence[int]) -> None:
        """Build the layers for features of these strides and channels."""
        super().__init__()
        width, norm = config.width, config.norm
        self.channels = width
        self.aspp = _Aspp(config, channels[-1])
        skip_of: dict[int, int] = dict(zip((4, 2, 1), config.skip_channels, strict=True))
        finer = [(s // strides[0], c) for s, c in zip(strides, channels, strict=True)][-2::-1]
        self.reductions = nn.ModuleList(conv_block(c, skip_of[s], size=1, norm=norm) for s, c in finer)
        self.fusions = nn.ModuleList(fusion_block(width + skip_of[s], width, config) for s, _ in finer)

    def forward(self, features: list[Float[Tensor, "b _ _ _"]]) -> Float[Tensor, "b c h w"]:
        """The map at the stride of the finest features."""
        x = self.aspp(features[-1])
        for fine, reduction, fusion in zip(features[-2::-1], self.reductions, self.fusions, strict=True):
            x = F.interpolate(x, size=fine.shape[-2:], mode="bilinear", align_corners=False)
            x = fusion(torch.cat([reduction(fine), x], dim=1))
        return x


class _Aspp(nn.Module):
    """Convolutions at several dilations and the image's mean, side by side, then joined."""

    def __init__(self, config: DecoderConfig, channels: int) -> None:
        super().__init__()
        width, norm = config.width, config.norm
        self.branches = nn.ModuleList([conv_block(channels, width, size=1, norm=norm)])
        for dilation in config.dilations:
            self.branches.append(
                conv_block(channels, width, dilation=dilation, separable=config.separable, norm=norm)
            )
        # No norm after the pooling: one value an image has no spread to normalise.
        self.pooled = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(channels, width, 1), nn.ReLU(inplace=True)
        )
        self.join = conv_block((len(config.dilations) + 2) * width, width, size=1, norm=norm)
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b c h w"]:
        parts = [branch(x) for branch in self.branches]
        parts.append(self.pooled(x).expand_as(parts[0]))
        return self.dropout(self.join(torch.cat(parts, dim=1)))
