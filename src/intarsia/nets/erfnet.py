"""The encoder of ERFNet: factorised convolutions at stride 8, two million parameters."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["ErfNet", "erfnet"]


class ErfNet(nn.Module):
    """Down-samplers, and residual blocks of 3x1 and 1x3 convolutions, some of them dilated.

    Source: Romera et al. 2017, the encoder; any of our decoders takes the place of theirs.

    Example:
        >>> sum(p.numel() for p in ErfNet().parameters())
        1871231
    """

    def __init__(self) -> None:
        """Build the layers with random weights."""
        super().__init__()
        self.stride2 = Downsampler(3, 16)
        self.stride4 = nn.Sequential(Downsampler(16, 64), *(_FactorisedBlock(64, 1, 0.03) for _ in range(5)))
        dilated = [_FactorisedBlock(128, dilation, 0.3) for _ in range(2) for dilation in (2, 4, 8, 16)]
        self.stride8 = nn.Sequential(Downsampler(64, 128), *dilated)

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Features at strides 2, 4 and 8."""
        half = self.stride2(x)
        quarter = self.stride4(half)
        return [half, quarter, self.stride8(quarter)]


def erfnet() -> ErfNet:
    """The network with random weights."""
    return ErfNet()


class Downsampler(nn.Module):
    """A strided convolution beside a max pooling: half the grid, more channels.

    Source: Paszke et al. 2016 (ENet), the initial block.

    Example:
        >>> Downsampler(3, 16)(torch.zeros(1, 3, 5, 8)).shape
        torch.Size([1, 16, 3, 4])
    """

    def __init__(self, channels_in: int, channels_out: int) -> None:
        """Build the convolution, which makes the channels that the pooling does not pass on."""
        super().__init__()
        self.conv = nn.Conv2d(channels_in, channels_out - channels_in, 3, stride=2, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(channels_out)

    def forward(self, x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b _ _ _"]:
        """The map on the coarser grid."""
        pooled = F.max_pool2d(x, 2, ceil_mode=True)
        return self.norm(torch.cat([self.conv(x), pooled], dim=1)).relu()


class _FactorisedBlock(nn.Module):
    """Two pairs of 3x1 and 1x3 convolutions, the second pair dilated, added to what came in."""

    def __init__(self, channels: int, dilation: int, dropout: float) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for step in (1, dilation):
            layers += [
                nn.Conv2d(channels, channels, (3, 1), padding=(step, 0), dilation=(step, 1)),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels, channels, (1, 3), padding=(0, step), dilation=(1, step), bias=False),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ]
        self.body = nn.Sequential(*layers[:-1], nn.Dropout2d(dropout))

    def forward(self, x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b _ h w"]:
        return (self.body(x) + x).relu()
