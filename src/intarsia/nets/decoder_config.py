"""What a decoder is told, whichever kind it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from intarsia._check import check_least, fail
from intarsia.nets.blocks import ConvStyle

__all__ = ["DecoderConfig"]


@dataclass(frozen=True, kw_only=True)
class DecoderConfig(ConvStyle):
    """Settings of a decoder, beside the style of its convolutions, which the heads on it share.

    Attributes:
        kind: "deeplab" (ASPP and fusions from coarse to fine), "fpn" (feature pyramid, summed at stride 4),
            "mlp" (levels reduced, summed and fused; learns fastest), "unet" (a convolution a level, from
            coarse to fine, beside the backbone's features; sharpest), or "none": the coarsest features as
            they are, up-sampled, for networks that were made for segmentation.
            "mlp" has no separable convolutions.
        width: Channels inside and of the result, which is what heads get; 128, which a CPU can train.
        dilations: Of ASPP's 3x3 convolutions, in pixels of the coarsest features. Only of "deeplab".
        skip_channels: What finer features are reduced to before the fusions at stride 16, 8 and 4. Only of
            "deeplab".
        dropout: Share of ASPP's channels dropped in training. Only of "deeplab".
        residuals: Convolutions that are added to each level but the finest, each with a norm; they begin as
            nothing, so that a trained decoder can be given some and trained on. Only of "unet".
    """

    kind: Literal["deeplab", "fpn", "mlp", "none", "unet"] = "deeplab"
    width: int = 128
    dilations: tuple[int, ...] = (2, 4, 6)
    skip_channels: tuple[int, ...] = (64, 48, 32)
    dropout: float = 0.1
    residuals: int = 0

    def __post_init__(self) -> None:
        check_least("decoder.width", self.width, 1)
        check_least("decoder.residuals", self.residuals, 0)
        if self.residuals and self.kind != "unet":
            fail("decoder.residuals", 'left to `decoder.kind` "unet"', f"{self.residuals} of {self.kind!r}")
        if len(self.skip_channels) != 3 or min(self.skip_channels) < 1:
            fail("decoder.skip_channels", "three numbers, each at least 1", self.skip_channels)
        if any(dilation < 1 for dilation in self.dilations):
            fail("decoder.dilations", "at least 1", self.dilations)
        if not 0 <= self.dropout < 1:
            fail("decoder.dropout", "in [0, 1)", self.dropout)
