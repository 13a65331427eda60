"""The heads: from a decoder's map to logits, embeddings, centres and offsets."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia._check import fail
from intarsia.nets.blocks import DEFAULT_STYLE, ConvStyle, prediction, styled_block

__all__ = ["ConvHead", "Coordinates", "EmbeddingHead", "EmbeddingHeadConfig", "HeadLayers", "position_grid"]

Coordinates = Literal["none", "input", "added"]


@dataclass(frozen=True, kw_only=True)
class EmbeddingHeadConfig:
    """Settings of an embedding head.

    Attributes:
        dims: Dimensions of an embedding; 8 is what the discriminative loss's authors take for Cityscapes.
        depth: Convolutions before the last one, which sees single points; 1, since the decoder has
            convolutions of its own.
        coordinates: "none"; "input": the position is two more input channels; "added": it is added to the
            first two dimensions, so that the head learns where an instance is relative to the pixel, which
            holds at any place of an image of any size.
        coordinate_px: Pixels for one unit of position at the input; 256, a crop's usual size.
        added_px: Pixels for one unit of an embedding where the position is added. With 8, centres 24 pixels
            apart are 3 = 2 δ_d apart.
    """

    dims: int = 8
    depth: int = 1
    coordinates: Coordinates = "input"
    coordinate_px: float = 256.0
    added_px: float = 8.0

    def __post_init__(self) -> None:
        if self.dims < (2 if self.coordinates == "added" else 1):
            fail("embedding.dims", "at least 1, at least 2 with added coordinates", self.dims)
        for name in ("coordinate_px", "added_px"):
            if getattr(self, name) <= 0:
                fail(f"embedding.{name}", "above 0", getattr(self, name))


@dataclass(frozen=True, eq=False)
class HeadLayers:
    """The layers of a head that fine-tuning tells apart, from its output down; what is between has no name.

    Attributes:
        last: What gives the logits.
        before_last: The layers right above them, where fine-tuning of two layers takes them, too.
        features: What all of the head stands on, if it has such a part.
    """

    last: tuple[nn.Module, ...]
    before_last: tuple[nn.Module, ...] = ()
    features: tuple[nn.Module, ...] = ()


class ConvHead(nn.Module):
    """Convolutions and a last 1x1 convolution to as many channels as a task needs.

    Source: detectron2's DeepLab heads (two 3x3 convolutions for semantics).

    Example:
        >>> ConvHead(16, 3, width=8)(torch.zeros(2, 16, 4, 5)).shape
        torch.Size([2, 3, 4, 5])
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        *,
        width: int,
        depth: int = 1,
        style: ConvStyle = DEFAULT_STYLE,
        std: float = 0.05,
    ) -> None:
        """Build `depth` convolutions of `width` channels, in this style; a last 1x1.

        Args:
            channels_in: Of the decoder's map.
            channels_out: As many as the task needs.
            width: Channels of the convolutions before the last.
            depth: How many of those there are; 0 leaves the last 1x1 alone.
            style: Of those convolutions.
            std: Of the last one's first weights, for which `prediction` has the reason.
        """
        super().__init__()
        widths = [channels_in] + [width] * depth
        self.body = nn.Sequential(*(styled_block(a, b, style) for a, b in pairwise(widths)))
        self.last = prediction(widths[-1], channels_out, std=std)

    @property
    def layers(self) -> HeadLayers:
        """The last convolution apart from the others."""
        return HeadLayers(last=(self.last,))

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b k h w"]:
        """The values, in float32 also under autocast: a margin of 0.5 needs more digits than bfloat16 has."""
        x = self.body(x)
        with torch.autocast(x.device.type, enabled=False):
            return self.last(x.float())


class EmbeddingHead(nn.Module):
    """Embeddings that may know where in the image they are.

    Two windows that look alike get equal embeddings from convolutions alone, so the position is needed to
    tell them apart. It is measured in pixels over `coordinate_px`, so that it depends neither on the size of
    the image nor on the padding of its batch.

    Source: De Brabandere et al. 2017 (coordinate maps beside the image); coordinates at the head are ours.

    Example:
        >>> head = EmbeddingHead(EmbeddingHeadConfig(dims=8), 16, width=16)
        >>> head(torch.zeros(2, 16, 4, 5)).shape
        torch.Size([2, 8, 4, 5])
    """

    def __init__(
        self,
        config: EmbeddingHeadConfig,
        channels_in: int,
        *,
        width: int,
        style: ConvStyle = DEFAULT_STYLE,
        stride: int = 4,
    ) -> None:
        """Build the head.

        Args:
            config: Dimensions, depth and coordinates.
            channels_in: Channels of the decoder's map.
            width: Channels of the convolutions before the last.
            style: Of these convolutions; the decoder's settings have it.
            stride: Pixels between neighbours on the decoder's map.
        """
        super().__init__()
        self.config, self.stride = config, stride
        channels_in += 2 if config.coordinates == "input" else 0
        self.head = ConvHead(
            channels_in,
            config.dims,
            width=width,
            depth=config.depth,
            style=style,
            std=0.01,
        )

    def forward(self, x: Float[Tensor, "b c h w"]) -> Float[Tensor, "b d h w"]:
        """The embeddings."""
        position = position_grid(x.shape[-2], x.shape[-1], stride=self.stride, device=x.device)
        position = position.expand(x.shape[0], -1, -1, -1)  # b 2 h w
        if self.config.coordinates == "input":
            x = torch.cat([x, (position / self.config.coordinate_px).to(x.dtype)], dim=1)
        embeddings = self.head(x)
        if self.config.coordinates != "added":
            return embeddings
        return torch.cat([embeddings[:, :2] + position / self.config.added_px, embeddings[:, 2:]], dim=1)


def position_grid(height: int, width: int, *, stride: int, device: torch.device) -> Float[Tensor, "2 h w"]:
    """Row and column in pixels of the middle of each block of a grid; pixel (0, 0) has its centre at 0, 0.

    Example:
        >>> position_grid(1, 2, stride=4, device=torch.device("cpu")).tolist()
        [[[1.5, 1.5]], [[1.5, 5.5]]]
    """
    rows = torch.arange(height, device=device, dtype=torch.float32) * stride + (stride - 1) / 2
    columns = torch.arange(width, device=device, dtype=torch.float32) * stride + (stride - 1) / 2
    return torch.stack(torch.meshgrid(rows, columns, indexing="ij"))
