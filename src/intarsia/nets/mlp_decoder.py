"""The MLP decoder: each level reduced by itself, up-sampled, summed; one convolution fuses them."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nets.blocks import conv_block, norm_layer
from intarsia.nets.decoder_config import DecoderConfig

__all__ = ["MlpDecoder"]


class MlpDecoder(nn.Module):
    """Features at strides 4, 8, ... to one map at stride 4, by a 1x1 convolution for each level.

    Nothing lies between the pretrained features and the map but one 1x1 and one 3x3 convolution, so it
    learns within a few hundred steps, and it costs no more than the separable DeepLab decoder.

    Source: Xie et al. 2021 (SegFormer), equation 4. The sum, which is their concatenation and fusing 1x1
    written as one, and the 3x3 convolution are ours.

    Example:
        >>> import torch
        >>> decoder = MlpDecoder(DecoderConfig(kind="mlp", width=16), (4, 8, 16), (8, 16, 32))
        >>> decoder([torch.zeros(2, c, n, n) for c, n in ((8, 8), (16, 4), (32, 2))]).shape
        torch.Size([2, 16, 8, 8])
    """

    def __init__(self, config: DecoderConfig, strides: Sequence[int], channels: Sequence[int]) -> None:
        """Build the layers for features of these channels, from fine to coarse; any strides will do."""
        super().__init__()
        width, norm = config.width, config.norm
        self.channels = width
        self.reductions = nn.ModuleList(nn.Conv2d(c, width, 1) for c in channels)
        self.activation = nn.Sequential(norm_layer(width, norm), nn.ReLU(inplace=True))
        self.fusion = conv_block(width, width, norm=norm)

    def forward(self, features: list[Float[Tensor, "b _ _ _"]]) -> Float[Tensor, "b c h w"]:
        """The map at the stride of the finest features."""
        size = features[0].shape[-2:]
        x = self.reductions[0](features[0])
        for reduction, coarse in zip(self.reductions[1:], features[1:], strict=True):
            x = x + F.interpolate(reduction(coarse), size=size, mode="bilinear", align_corners=False)
        return self.fusion(self.activation(x))
