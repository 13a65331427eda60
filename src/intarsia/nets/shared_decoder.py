"""The decoder whose weights all levels of a pyramid share: the same layers on each, then side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from torchvision.ops import DeformConv2d

from intarsia._check import check_least
from intarsia.nets.blocks import norm_layer

__all__ = ["SharedDecoder", "SharedDecoderConfig"]


@dataclass(frozen=True, kw_only=True)
class SharedDecoderConfig:
    """Settings of `SharedDecoder`.

    Attributes:
        width: Channels that each level ends with; 128, the paper's.
        depth: Convolutions on each level. Li et al. do not tell; 2 and 3 are UPSNet's, for Cityscapes and
            COCO.
        deformable: Deformable convolutions; plain ones are several times as fast without a GPU.
    """

    width: int = 128
    depth: int = 2
    deformable: bool = True

    def __post_init__(self) -> None:
        for name in ("width", "depth"):
            check_least(f"shared_decoder.{name}", getattr(self, name), 1)


class SharedDecoder(nn.Module):
    """Levels of a pyramid through the same convolutions, up-sampled to the finest and put side by side.

    Each block is a (deformable) 3x3 convolution, group norm and ReLU. The last two blocks have `width`
    channels, those before them as many as the pyramid.

    Source: Li, Qi and Torr 2020, appendix A.1 and Figure H: the semantic head of UPSNet (Xiong et al. 2019)
    with group norm.

    Example:
        >>> decoder = SharedDecoder(SharedDecoderConfig(width=8, deformable=False), (4, 8), 16)
        >>> decoder([torch.zeros(1, 16, 6, 6), torch.zeros(1, 16, 3, 3)]).shape
        torch.Size([1, 16, 6, 6])
    """

    def __init__(self, config: SharedDecoderConfig, strides: Sequence[int], channels_in: int) -> None:
        """Build the layers for levels of these strides, each with `channels_in` channels."""
        super().__init__()
        width, depth = config.width, config.depth
        self.channels = width * len(strides)
        self.factors = [stride // strides[0] for stride in strides]
        widths = [channels_in] * max(depth - 1, 1) + [width] * min(depth, 2)
        self.blocks = nn.Sequential(*(_SharedBlock(a, b, config.deformable) for a, b in pairwise(widths)))

    def forward(self, levels: Sequence[Float[Tensor, "b p _ _"]]) -> Float[Tensor, "b c h w"]:
        """The map at the stride of the finest level."""
        height, width = levels[0].shape[-2:]
        maps = []
        for factor, level in zip(self.factors, levels, strict=True):
            x = self.blocks(level)
            if factor > 1:
                x = F.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
            maps.append(x[..., :height, :width])
        return torch.cat(maps, dim=1)


class _SharedBlock(nn.Module):
    """3x3 convolution, deformable or plain, group norm, ReLU. Deformation starts from none."""

    def __init__(self, channels_in: int, channels_out: int, deformable: bool) -> None:
        super().__init__()
        self.offset = nn.Conv2d(channels_in, 18, 3, padding=1) if deformable else None
        kind = DeformConv2d if deformable else nn.Conv2d
        self.conv = kind(channels_in, channels_out, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")
        self.norm = norm_layer(channels_out, "group")
        if self.offset is not None:
            nn.init.zeros_(self.offset.weight)
            assert self.offset.bias is not None
            nn.init.zeros_(self.offset.bias)

    def forward(self, x: Tensor) -> Tensor:
        if self.offset is None:
            return self.norm(self.conv(x)).relu()
        with torch.autocast(x.device.type, enabled=False):  # there is no deformable convolution in bfloat16
            x = x.float()
            y = self.conv(x, self.offset(x))
        return self.norm(y).relu()
