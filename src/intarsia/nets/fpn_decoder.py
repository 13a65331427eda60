"""The feature pyramid decoder: top-down pyramid, each level brought to stride 4, and summed."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nets.blocks import ConvStyle, conv_block
from intarsia.nets.decoder_config import DecoderConfig
from intarsia.nets.top_context import GlobalAverage, SqueezeExcitation, TopContext

__all__ = ["FpnClimbs", "FpnDecoder", "FpnPyramid"]

PLAIN_GROUPS = ConvStyle(separable=False, norm="group")
"""The style of the paper."""


class FpnPyramid(nn.Module):
    """The feature pyramid: every level sees what the coarser ones know.

    Lateral 1x1 convolutions, top-down nearest up-sampling by 2, output 3x3 convolutions; no norm. The
    coarsest features may first be told about the whole image: "squeeze" scales their channels
    (squeeze-and-excitation), "average" adds their projected mean to the coarsest level.

    Source: Lin et al. 2017; for the context see `intarsia.nets.top_context`.

    Example:
        >>> pyramid = FpnPyramid((8, 16), width=4)
        >>> [tuple(x.shape) for x in pyramid([torch.zeros(1, 8, 6, 6), torch.zeros(1, 16, 3, 3)])]
        [(1, 4, 6, 6), (1, 4, 3, 3)]
    """

    def __init__(
        self, channels: Sequence[int], *, width: int = 256, top_context: TopContext = "none"
    ) -> None:
        """Build the layers for features of these channels, from fine to coarse.

        Args:
            channels: Of the features, from fine to coarse.
            width: Channels of every level; 256, the paper's.
            top_context: What the coarsest level is told about the whole image.
        """
        super().__init__()
        self.squeeze = SqueezeExcitation(channels[-1]) if top_context == "squeeze" else None
        self.average = GlobalAverage(channels[-1], width) if top_context == "average" else None
        self.laterals = nn.ModuleList(_plain_conv(c, width, 1) for c in channels)
        self.outputs = nn.ModuleList(_plain_conv(width, width, 3) for _ in channels)

    def forward(self, features: list[Float[Tensor, "b _ _ _"]]) -> list[Float[Tensor, "b p _ _"]]:
        """The pyramid, from fine to coarse."""
        *finer, top = features
        features = [*finer, top if self.squeeze is None else self.squeeze(top)]
        levels = [lateral(x) for lateral, x in zip(self.laterals, features, strict=True)]
        if self.average is not None:
            levels[-1] = levels[-1] + self.average(top)
        for fine in range(len(levels) - 2, -1, -1):
            levels[fine] = levels[fine] + F.interpolate(levels[fine + 1], size=levels[fine].shape[-2:])
        return [output(x) for output, x in zip(self.outputs, levels, strict=True)]


class FpnClimbs(nn.Module):
    """The levels of a pyramid brought to its finest stride, one doubling at a time, and summed.

    Source: Kirillov et al. 2019 (Panoptic FPN), semantic branch.

    Example:
        >>> climbs = FpnClimbs((4, 8), 8, width=16)
        >>> climbs([torch.zeros(1, 8, 6, 6), torch.zeros(1, 8, 3, 3)]).shape
        torch.Size([1, 16, 6, 6])
    """

    def __init__(
        self,
        strides: Sequence[int],
        channels_in: int,
        *,
        width: int = 128,
        style: ConvStyle = PLAIN_GROUPS,
    ) -> None:
        """Build the layers for levels of these strides, each with `channels_in` channels.

        Args:
            strides: Of the levels, from fine to coarse, each twice the one before.
            channels_in: Of every level.
            width: Channels of the sum; 128, the paper's.
            style: Of the convolutions; group norm, the paper's.
        """
        super().__init__()
        doublings = [(stride // strides[0]).bit_length() - 1 for stride in strides]
        self.paths = nn.ModuleList(_climb(channels_in, width, steps, style) for steps in doublings)

    def forward(self, pyramid: Sequence[Float[Tensor, "b p _ _"]]) -> Float[Tensor, "b c h w"]:
        """The map at the stride of the finest level."""
        levels = [path(x) for path, x in zip(self.paths, pyramid, strict=True)]
        height, width = levels[0].shape[-2:]
        return torch.stack([x[..., :height, :width] for x in levels]).sum(dim=0)


class FpnDecoder(nn.Module):
    """A feature pyramid whose levels are brought to stride 4, one doubling at a time, and summed.

    Source: Kirillov et al. 2019 (Panoptic FPN), semantic branch.

    Example:
        >>> decoder = FpnDecoder(DecoderConfig(kind="fpn", width=16), (4, 8), (8, 16))
        >>> decoder([torch.zeros(1, 8, 6, 6), torch.zeros(1, 16, 3, 3)]).shape
        torch.Size([1, 16, 6, 6])
    """

    def __init__(self, config: DecoderConfig, strides: Sequence[int], channels: Sequence[int]) -> None:
        """Build the layers for features of these strides and channels, from fine to coarse."""
        super().__init__()
        width = config.width
        self.channels = width
        self.pyramid = FpnPyramid(channels, width=width)
        self.climbs = FpnClimbs(strides, width, width=width, style=config)

    def forward(self, features: list[Float[Tensor, "b _ _ _"]]) -> Float[Tensor, "b c h w"]:
        """The map at the stride of the finest features."""
        return self.climbs(self.pyramid(features))


def _climb(channels_in: int, width: int, steps: int, style: ConvStyle) -> nn.Sequential:
    """As many times convolution and doubling as the level is coarser; at least the convolution."""
    layers: list[nn.Module] = []
    for _ in range(max(steps, 1)):
        layers.append(conv_block(channels_in, width, separable=style.separable, norm=style.norm))
        channels_in = width
        if steps:
            layers.append(nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False))
    return nn.Sequential(*layers)


def _plain_conv(channels_in: int, channels_out: int, size: int) -> nn.Conv2d:
    conv = nn.Conv2d(channels_in, channels_out, size, padding=size // 2)
    nn.init.kaiming_uniform_(conv.weight, a=1)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
