"""The U-Net decoder: from coarse to fine, each level joined with the backbone's features of its stride."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nets.blocks import Residual, conv_block
from intarsia.nets.decoder_config import DecoderConfig

__all__ = ["UnetDecoder"]


class UnetDecoder(nn.Module):
    """Features at strides 1, 2, 4, ... to one map at the finest of them, one doubling at a time.

    The backbone's own features stand beside what comes from below at every stride, so that outlines are as
    sharp as its finest features; for small objects and thin gaps between them. A level has twice the channels
    of the next finer one, up to four times those of the result.

    Source: Ronneberger et al. 2015 (U-Net). One convolution a level, to which residual ones may be added
    where maps are smaller than the result, and bilinear doubling are ours.

    Example:
        >>> import torch
        >>> decoder = UnetDecoder(DecoderConfig(kind="unet", width=16), (2, 4, 8), (8, 16, 32))
        >>> decoder([torch.zeros(2, c, n, n) for c, n in ((8, 8), (16, 4), (32, 2))]).shape
        torch.Size([2, 16, 8, 8])
    """

    def __init__(self, config: DecoderConfig, strides: Sequence[int], channels: Sequence[int]) -> None:
        """Build the layers for features of these strides and channels, from fine to coarse."""
        super().__init__()
        self.channels = config.width
        widths = [config.width * min(2**level, 4) for level in range(len(channels))]
        self.bottom = conv_block(channels[-1], widths[-1], size=1, norm=config.norm)
        self.steps = nn.ModuleList(
            conv_block(coarse + skip, fine, separable=config.separable, norm=config.norm)
            for skip, coarse, fine in zip(channels[:-1], widths[1:], widths[:-1], strict=True)
        )
        # none on the finest map, which has the most points
        self.residuals = nn.ModuleList(
            nn.Sequential(*(Residual(width, norm=config.norm) for _ in range(config.residuals)))
            for width in widths[1:]
        )

    def forward(self, features: list[Float[Tensor, "b _ _ _"]]) -> Float[Tensor, "b c h w"]:
        """The map at the stride of the finest features."""
        x = self.bottom(features[-1])
        levels = zip(self.steps, self.residuals, features[:-1], strict=True)
        for step, residuals, skip in reversed(list(levels)):
            x = F.interpolate(residuals(x), size=skip.shape[-2:], mode="bilinear", align_corners=False)
            x = step(torch.cat([x, skip], dim=1))
        return x
