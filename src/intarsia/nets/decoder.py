"""What turns a backbone's features into one map at stride 4: the settings, and the choice of decoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from intarsia._check import fail
from intarsia.nets.backbone import Backbone
from intarsia.nets.blocks import Norm
from intarsia.nets.deeplab_decoder import DeepLabDecoder
from intarsia.nets.fpn_decoder import FpnDecoder
from intarsia.nets.mlp_decoder import MlpDecoder

__all__ = ["DecoderConfig", "build_decoder"]


@dataclass(frozen=True, kw_only=True)
class DecoderConfig:
    """Settings of a decoder.

    Attributes:
        kind: "deeplab" (ASPP and fusions from coarse to fine), "fpn" (feature pyramid, summed at stride 4) or
            "mlp" (levels reduced, summed and fused; learns fastest).
        width: Channels inside and of the result.
        dilations: Of ASPP's 3x3 convolutions, in pixels of the coarsest features. Only of "deeplab".
        skip_channels: What finer features are reduced to before the fusions at stride 16, 8 and 4. Only of
            "deeplab".
        separable: Depthwise separable convolutions, 5x5 in the fusions: a fifth of the time. Not in "mlp".
        dropout: Share of ASPP's channels dropped in training. Only of "deeplab".
        norm: "batch", or "group" for batches of a few images.
    """

    kind: Literal["deeplab", "fpn", "mlp"] = "deeplab"
    width: int = 128
    dilations: tuple[int, ...] = (2, 4, 6)
    skip_channels: tuple[int, ...] = (64, 48, 32)
    separable: bool = True
    dropout: float = 0.1
    norm: Norm = "batch"

    def __post_init__(self) -> None:
        if self.width < 1:
            fail("decoder.width", "1 or more", self.width)
        if len(self.skip_channels) != 3 or min(self.skip_channels) < 1:
            fail("decoder.skip_channels", "three numbers of 1 or more", self.skip_channels)
        if any(dilation < 1 for dilation in self.dilations):
            fail("decoder.dilations", "1 or more", self.dilations)
        if not 0 <= self.dropout < 1:
            fail("decoder.dropout", "in [0, 1)", self.dropout)


def build_decoder(config: DecoderConfig, backbone: Backbone) -> DeepLabDecoder | FpnDecoder | MlpDecoder:
    """The decoder that a config describes, for the features of a backbone.

    Example:
        >>> build_decoder(DecoderConfig(width=32), Backbone("lcnet_050")).channels
        32
    """
    strides, channels = backbone.strides, backbone.channels
    if config.kind == "fpn":
        return FpnDecoder(strides, channels, width=config.width, separable=config.separable, norm=config.norm)
    if config.kind == "mlp":
        return MlpDecoder(channels, width=config.width, norm=config.norm)
    return DeepLabDecoder(
        strides,
        channels,
        width=config.width,
        dilations=config.dilations,
        skip_channels=config.skip_channels,
        separable=config.separable,
        dropout=config.dropout,
        norm=config.norm,
    )
