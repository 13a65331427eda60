"""ResNet-38: shallow and wide, at stride 8; the network of De Brabandere et al.'s best results."""

from __future__ import annotations

from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["WideResNet38", "wide_resnet38"]


class WideResNet38(nn.Module):
    """Pre-activated residual units at strides 2, 4 and 8, the last dilated, and a 3x3 convolution to 512.

    With a last convolution to 19 categories it has the 124 million parameters of De Brabandere et al.'s
    Table 2.

    Source: Wu, Shen and van den Hengel 2016, model A1 for segmentation.

    Example:
        >>> sum(p.numel() for p in WideResNet38().parameters()) // 10**6
        123
    """

    def __init__(self) -> None:
        """Build the layers with random weights."""
        super().__init__()
        self.stem = nn.Conv2d(3, 64, 3, padding=1, bias=False)
        self.stride2 = _stage(64, 128, 128, units=3)
        self.stride4 = _stage(128, 256, 256, units=3)
        self.stride8 = _stage(256, 512, 512, units=6)
        self.dilated = nn.Sequential(
            _Unit(512, (512, 1024), dilations=(1, 2)),
            *(_Unit(1024, (512, 1024), dilations=(2, 2)) for _ in range(2)),
            _Unit(1024, (512, 1024, 2048), dilations=(1, 4, 1), dropout=0.3),
            _Unit(2048, (1024, 2048, 4096), dilations=(1, 4, 1), dropout=0.5),
            nn.BatchNorm2d(4096),
            nn.ReLU(inplace=True),
        )
        self.top = nn.Sequential(
            nn.Conv2d(4096, 512, 3, padding=12, dilation=12, bias=False),
            nn.BatchNorm2d(512),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Features at strides 4 and 8."""
        fine = self.stride4(self.stride2(self.stem(x)))
        return [fine, self.top(self.dilated(self.stride8(fine)))]


def wide_resnet38() -> WideResNet38:
    """The network with random weights; whoever wrote it put no weights into the package index."""
    return WideResNet38()


class _Unit(nn.Module):
    """Norm and ReLU before each convolution; 3x3 ones, or 1x1, 3x3 and 1x1; the sum with what came in."""

    def __init__(
        self,
        channels_in: int,
        widths: tuple[int, ...],
        *,
        dilations: tuple[int, ...],
        stride: int = 1,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.BatchNorm2d(channels_in), nn.ReLU())
        # norm and activation come before each convolution, the first of them before the skip
        sizes = (3, 3) if len(widths) == 2 else (1, 3, 1)
        layers: list[nn.Module] = []
        for number, (before, after) in enumerate(zip((channels_in, *widths), widths, strict=False)):
            if number:
                layers += [nn.BatchNorm2d(before), nn.ReLU(inplace=True)]
            if number and number == len(widths) - 1 and dropout:
                layers.append(nn.Dropout(dropout))
            # only the first convolution of a block changes the grid
            layers.append(
                nn.Conv2d(
                    before,
                    after,
                    sizes[number],
                    stride=stride if number == 0 else 1,
                    padding=dilations[number] * (sizes[number] // 2),
                    dilation=dilations[number],
                    bias=False,
                )
            )
        self.body = nn.Sequential(*layers)
        # the skip is a convolution only where the shape changes
        changes = stride > 1 or channels_in != widths[-1]
        self.skip = nn.Conv2d(channels_in, widths[-1], 1, stride=stride, bias=False) if changes else None

    def forward(self, x: Float[Tensor, "b _ h w"]) -> Float[Tensor, "b _ _ _"]:
        active = self.first(x)
        return self.body(active) + (x if self.skip is None else self.skip(active))


def _stage(channels_in: int, inner: int, width: int, *, units: int) -> nn.Sequential:
    """Units of two convolutions, the first of which halves the grid."""
    first = _Unit(channels_in, (inner, width), dilations=(1, 1), stride=2)
    return nn.Sequential(first, *(_Unit(width, (inner, width), dilations=(1, 1)) for _ in range(units - 1)))
