"""What the coarsest features are told about the whole image before a pyramid is built on them."""

from __future__ import annotations

from typing import Literal

from jaxtyping import Float
from torch import Tensor, nn

__all__ = ["GlobalAverage", "SqueezeExcitation", "TopContext"]

TopContext = Literal["none", "squeeze", "average"]


class SqueezeExcitation(nn.Module):
    """Channels scaled by what their means over the image say: mean, two linear layers, sigmoid.

    Source: Hu et al. 2018, reduction 16. Where the block stands is Li, Qi and Torr 2020, section 3.1: on the
    last features of the backbone.

    Example:
        >>> import torch
        >>> SqueezeExcitation(32)(torch.ones(1, 32, 2, 3)).shape
        torch.Size([1, 32, 2, 3])
    """

    def __init__(self, channels: int, *, reduction: int = 16) -> None:
        """Build the layers; the narrow one has at least 8 channels.

        Args:
            channels: Of the features.
            reduction: How many times narrower the layer in between is, at least 8 channels; 16, the paper's.
        """
        super().__init__()
        narrow = max(channels // reduction, 8)
        self.squeeze = nn.Linear(channels, narrow)
        self.excite = nn.Linear(narrow, channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b c h w"]:
        """The same features, scaled."""
        scale = self.excite(self.squeeze(x.mean(dim=(2, 3))).relu()).sigmoid()  # b c
        return x * scale[:, :, None, None]


class GlobalAverage(nn.Module):
    """The mean over the image, through a linear layer: what a pyramid adds to its coarsest level.

    Source: Xiong et al. 2019 (UPSNet), `fpn_with_gap`.

    Example:
        >>> import torch
        >>> GlobalAverage(32, 8)(torch.ones(1, 32, 2, 3)).shape
        torch.Size([1, 8, 1, 1])
    """

    def __init__(self, channels_in: int, channels: int) -> None:
        """Build the layer."""
        super().__init__()
        self.linear = nn.Linear(channels_in, channels)

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d 1 1"]:
        """One vector an image."""
        return self.linear(x.mean(dim=(2, 3)))[:, :, None, None]
