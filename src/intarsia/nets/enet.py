"""The encoder of ENet: bottlenecks at stride 8, a third of a million parameters."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nets.erfnet import Downsampler

__all__ = ["ENet", "enet"]


class ENet(nn.Module):
    """Bottlenecks of plain, dilated and asymmetric convolutions on a grid that is soon coarse.

    Source: Paszke et al. 2016, stages 1 to 3; any of our decoders takes the place of stages 4 and 5.

    Example:
        >>> sum(p.numel() for p in ENet().parameters())
        316961
    """

    def __init__(self) -> None:
        """Build the layers with random weights."""
        super().__init__()
        self.stride2 = Downsampler(3, 16)
        self.stride4 = nn.Sequential(
            _Bottleneck(16, 64, 0.01), *(_Bottleneck(64, 64, 0.01) for _ in range(4))
        )
        kinds = [{}, {"dilation": 2}, {"asymmetric": True}, {"dilation": 4}]
        kinds += [{}, {"dilation": 8}, {"asymmetric": True}, {"dilation": 16}]
        same = [_Bottleneck(128, 128, 0.1, **kind) for _ in range(2) for kind in kinds]
        self.stride8 = nn.Sequential(_Bottleneck(64, 128, 0.1), *same)

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Features at strides 2, 4 and 8."""
        half = self.stride2(x)
        quarter = self.stride4(half)
        return [half, quarter, self.stride8(quarter)]


def enet() -> ENet:
    """The network with random weights."""
    return ENet()


class _Bottleneck(nn.Module):
    """1x1 to a quarter of the channels, a convolution there, 1x1 back; more channels mean half the grid."""

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        dropout: float,
        *,
        dilation: int = 1,
        asymmetric: bool = False,
    ) -> None:
        super().__init__()
        self.halves = channels_in != channels_out
        self.extra = channels_out - channels_in
        inner = channels_in // 4
        size = 2 if self.halves else 1
        # one square convolution, dilated or not, or a column and a row
        middle: list[nn.Module] = [
            nn.Conv2d(inner, inner, 3, padding=dilation, dilation=dilation, bias=False)
        ]
        if asymmetric:
            middle = [
                nn.Conv2d(inner, inner, (5, 1), padding=(2, 0), bias=False),
                nn.Conv2d(inner, inner, (1, 5), padding=(0, 2), bias=False),
            ]
        # fewer channels, the middle, all channels
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, inner, size, stride=size, bias=False),
            nn.BatchNorm2d(inner),
            nn.PReLU(),
            *middle,
            nn.BatchNorm2d(inner),
            nn.PReLU(),
            nn.Conv2d(inner, channels_out, 1, bias=False),
            nn.BatchNorm2d(channels_out),
            nn.Dropout2d(dropout),
        )
        self.last = nn.PReLU()

    def forward(self, x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b _ _ _"]:
        if self.halves:  # an even grid for the 2x2 convolution, then zeros for the new channels
            x = F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2))
            skip = F.pad(F.max_pool2d(x, 2), (0, 0, 0, 0, 0, self.extra))
        else:
            skip = x
        return self.last(self.body(x) + skip)
