"""No decoder: what a network that was made for segmentation needs before its last convolution."""

from __future__ import annotations

from collections.abc import Sequence

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nets.decoder_config import DecoderConfig

__all__ = ["NoDecoder"]


class NoDecoder(nn.Module):
    """The coarsest features on the grid of the finest ones.

    Example:
        >>> import torch
        >>> decoder = NoDecoder(DecoderConfig(kind="none"), (4, 8), (8, 16))
        >>> decoder([torch.zeros(2, 8, 6, 6), torch.zeros(2, 16, 3, 3)]).shape
        torch.Size([2, 16, 6, 6])
    """

    def __init__(self, config: DecoderConfig, strides: Sequence[int], channels: Sequence[int]) -> None:
        """Note how many channels come out; there is nothing to set."""
        super().__init__()
        self.channels = channels[-1]

    def forward(self, features: list[Float[Tensor, "b _ _ _"]]) -> Float[Tensor, "b c h w"]:
        """The up-sampled features."""
        size = features[0].shape[-2:]
        return F.interpolate(features[-1], size=size, mode="bilinear", align_corners=False)
