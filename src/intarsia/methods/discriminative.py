"""The discriminative embedding: semantics, and a space in which the pixels of an instance gather."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia._check import fail
from intarsia.data.targets import PanopticTargets, at_grid
from intarsia.decoding.mean_shift import EmbeddingDecoder, EmbeddingView, MeanShiftConfig
from intarsia.decoding.upsampling import grid_size
from intarsia.losses import discriminative_loss
from intarsia.methods.method import AbstractMethod
from intarsia.methods.semantic import semantic_losses
from intarsia.methods.trunk import TrunkConfig
from intarsia.nets import (
    Backbone,
    ConvHead,
    EmbeddingHead,
    EmbeddingHeadConfig,
    build_decoder,
)
from intarsia.panoptic import Categories, PanopticMap
from intarsia.runtime.tiles import TilingConfig

__all__ = [
    "DiscriminativeConfig",
    "DiscriminativeEmbedding",
    "DiscriminativeLossConfig",
    "DiscriminativeOutput",
    "MeanShiftConfig",
]


@dataclass(frozen=True, kw_only=True)
class DiscriminativeLossConfig:
    """Settings of the discriminative loss; see `intarsia.losses.discriminative_loss`."""

    weight: float = 1.0
    delta_v: float = 0.5
    delta_d: float = 1.5
    alpha: float = 1.0
    beta: float = 1.0
    gamma: float = 0.001
    reduction: Literal["paper", "authors_sum", "pixel_weighted"] = "paper"

    def __post_init__(self) -> None:
        if not 0 < self.delta_v < self.delta_d:
            fail("embedding_loss.delta_v", f"in (0, delta_d = {self.delta_d})", self.delta_v)


@dataclass(frozen=True, kw_only=True)
class DiscriminativeConfig(TrunkConfig):
    """Settings of `DiscriminativeEmbedding`, beside those of its trunk.

    Attributes:
        head_width: Channels inside the heads; by default 128, as a decoder has.
        embedding: The embedding head.
        embedding_loss: Loss of the embedding head.
        grouping: How embeddings become instances.
    """

    head_width: int = 128
    embedding: EmbeddingHeadConfig = field(default_factory=EmbeddingHeadConfig)
    embedding_loss: DiscriminativeLossConfig = field(default_factory=DiscriminativeLossConfig)
    grouping: MeanShiftConfig = field(default_factory=MeanShiftConfig)


@dataclass(frozen=True, eq=False)
class DiscriminativeOutput:
    """What the network says on the grid: category logits, and an embedding for each point."""

    semantic_logits: Float[Tensor, "b k h w"]
    embeddings: Float[Tensor, "b d h w"]


class DiscriminativeEmbedding(AbstractMethod):
    """Panoptic segmentation by semantics and mean shift on embeddings, each thing category by itself.

    Pixels of one instance lie within δ_v of their mean, means of one category's instances 2 δ_d apart, so
    that clusters can be read off. There is no limit to the number of instances.

    Source: De Brabandere, Neven and Van Gool 2017. They took semantics from another network; sharing the
    backbone, and the position at the embedding head, are ours.

    Example:
        >>> from intarsia.nets.backbone import BackboneConfig
        >>> config = DiscriminativeConfig(backbone=BackboneConfig(name="lcnet_050"))
        >>> method = DiscriminativeEmbedding(config, Categories.named("facades"))
        >>> method.predict(torch.zeros(3, 9, 7)).size
        (9, 7)
    """

    config_type: ClassVar[type] = DiscriminativeConfig
    config: DiscriminativeConfig

    def __init__(self, config: DiscriminativeConfig, categories: Categories) -> None:
        """Build the networks; the backbone's weights are read here."""
        super().__init__(config, categories)
        _ = _decoder(config).bandwidth  # refused here, before anything is trained
        self.backbone = Backbone(config.backbone)
        self.stride = self.backbone.strides[0]
        self.decoder = build_decoder(config.decoder, self.backbone)
        separate = config.separate_decoders
        self.embedding_decoder = build_decoder(config.decoder, self.backbone) if separate else None
        # heads on what the decoders say
        self.semantic_head = ConvHead(
            self.decoder.channels,
            len(categories),
            width=config.head_width,
            depth=config.semantic_depth,
            style=config.decoder,
        )
        self.embedding_head = EmbeddingHead(
            config.embedding,
            self.decoder.channels,
            width=config.head_width,
            style=config.decoder,
            stride=self.stride,
        )
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> DiscriminativeOutput:
        """Logits and embeddings on the grid."""
        height, width = grid_size(*images.shape[-2:], stride=self.stride)
        features = self.backbone(images)
        shared = self.decoder(features)
        other = shared if self.embedding_decoder is None else self.embedding_decoder(features)
        return DiscriminativeOutput(
            semantic_logits=self.semantic_head(shared)[..., :height, :width],
            embeddings=self.embedding_head(other)[..., :height, :width],
        )

    def losses(self, output: DiscriminativeOutput, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The semantic losses and the discriminative loss, the mean over the batch."""
        settings = self.config.embedding_loss
        truth = at_grid(targets, stride=self.stride)
        embedding = discriminative_loss(
            output.embeddings,
            truth.instances,
            categories=truth.categories,
            delta_v=settings.delta_v,
            delta_d=settings.delta_d,
            alpha=settings.alpha,
            beta=settings.beta,
            gamma=settings.gamma,
            reduction=settings.reduction,
        )
        semantic = semantic_losses(
            output.semantic_logits, targets, self.config.semantic_loss, stride=self.stride
        )
        return semantic | {"embedding": settings.weight * embedding.mean()}

    @property
    def map_decoder(self) -> EmbeddingDecoder:
        """Mean shift in each thing category, or one cut for things and stuff."""
        return _decoder(self.config)

    @property
    def tiling(self) -> TilingConfig | None:
        """Embeddings that are computed from the place in the image need the whole image."""
        return None if self.config.embedding.coordinates == "input" else TilingConfig()

    @property
    def positions(self) -> dict[str, float]:
        """Where the place is added to the embeddings."""
        embedding = self.config.embedding
        return {"embeddings": embedding.added_px} if embedding.coordinates == "added" else {}

    def decode_with_oracle(
        self,
        output: DiscriminativeOutput,
        sizes: Sequence[tuple[int, int]],
        targets: PanopticTargets,
        *,
        semantics: bool = False,
        centers: bool = False,
    ) -> list[PanopticMap]:
        """What `decode` would say if a part of it were perfect: which part loses the quality?

        Source: De Brabandere et al. 2017, released code (`cluster_with_gt`).

        Args:
            output: What `forward` returned.
            sizes: As in `decode`.
            targets: The truth of the batch, in pixels.
            semantics: Take the category of each pixel from the truth.
            centers: Take the mean embeddings of the true instances instead of mean shift's.
        """
        grid = at_grid(targets, stride=self.stride)
        maps = []
        for row, image in enumerate(self.views(output, sizes)):
            (height, width), (rows, columns) = image.size, image.grid
            view = EmbeddingView.of(image)
            if semantics:
                view = view.with_semantics(
                    targets.semantic[row, :height, :width].cpu().numpy().astype(view.pixel_semantic.dtype),
                    grid.semantic[row, :rows, :columns].cpu().numpy(),
                )
            truth = grid.instances[row, :rows, :columns].cpu().numpy() if centers else None
            maps.append(self.map_decoder.group(view, self.categories, true_instances=truth))
        return maps


def _decoder(config: DiscriminativeConfig) -> EmbeddingDecoder:
    margins = config.embedding_loss
    return EmbeddingDecoder(grouping=config.grouping, delta_v=margins.delta_v, delta_d=margins.delta_d)
