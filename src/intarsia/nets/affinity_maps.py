"""Affinities by convolutions alone: an affinity head that is not told where the other end of a pair is."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia.nets.affinity_config import AffinityHeadConfig
from intarsia.nets.blocks import DEFAULT_STYLE, ConvStyle
from intarsia.nets.heads import ConvHead, HeadLayers

__all__ = ["AffinityMaps"]


class AffinityMaps(nn.Module):
    """Logits of all offsets as the channels of one convolutional head, for comparison with `AffinityHead`.

    It sees as far as its convolutions do, so that of long pairs it knows one end.

    Source: ours; affinities as channels of a network are those of Turaga et al. 2010.

    Example:
        >>> head = AffinityMaps(AffinityHeadConfig(kind="maps", distances=(1, 4), width=8), 16, 3)
        >>> head(torch.zeros(2, 16, 6, 5), torch.zeros(2, 3, 6, 5)).shape
        torch.Size([2, 4, 6, 5])
    """

    def __init__(
        self,
        config: AffinityHeadConfig,
        channels_in: int,
        num_classes: int,
        *,
        style: ConvStyle = DEFAULT_STYLE,
    ) -> None:
        """Build the layers; `num_classes` is the number of the semantic logits' channels."""
        super().__init__()
        self.head = ConvHead(
            channels_in + num_classes, len(config.offsets), width=config.width, depth=2, style=style
        )

    @property
    def layers(self) -> HeadLayers:
        """The last convolution apart from the others."""
        return self.head.layers

    def forward(
        self, x: Float[Tensor, "b c h w"], semantic_logits: Float[Tensor, "b k h w"]
    ) -> Float[Tensor, "b o h w"]:
        """Logits in float32; of pairs that leave the map they mean nothing."""
        return self.head(torch.cat([x, semantic_logits.detach().to(x.dtype)], dim=1))
