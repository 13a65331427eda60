"""The hierarchical embedding: instances, categories and stuff from one embedding, with one head."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int64
from torch import Tensor, nn

from intarsia.data.targets import PanopticTargets, at_grid
from intarsia.decoding.seeds import SeedDecoder, SeedDecodingConfig
from intarsia.decoding.upsampling import grid_size
from intarsia.losses import batch_hierarchical_lovasz_terms
from intarsia.methods.hierarchical_config import (
    HierarchicalEmbeddingConfig,
    HierarchicalLossConfig,
)
from intarsia.methods.method import AbstractMethod
from intarsia.nets import (
    Backbone,
    BackboneConfig,
    ClassMeans,
    ConvHead,
    DecoderConfig,
    build_decoder,
    nearest_mean_logits,
)
from intarsia.nets.heads import position_grid
from intarsia.panoptic import VOID_INDEX, Categories
from intarsia.runtime.tiles import TilingConfig

__all__ = ["HierarchicalConfig", "HierarchicalEmbedding", "HierarchicalOutput"]

_IMPOSSIBLE = -1e4  # a logit; the cut takes no infinite costs


@dataclass(frozen=True, kw_only=True)
class HierarchicalConfig:
    """Settings of `HierarchicalEmbedding`.

    Attributes:
        backbone: The network with pretrained weights.
        decoder: What brings its features to one grid.
        head_width: Channels inside the head; by default 128, as a decoder has.
        head_depth: Convolutions in the head; 2, since one head does the work of three.
        embedding: What an embedding is made of.
        loss: How it is trained.
        decoding: How it becomes instances.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    head_width: int = 128
    head_depth: int = 2
    embedding: HierarchicalEmbeddingConfig = field(default_factory=HierarchicalEmbeddingConfig)
    loss: HierarchicalLossConfig = field(default_factory=HierarchicalLossConfig)
    decoding: SeedDecodingConfig = field(default_factory=SeedDecodingConfig)


@dataclass(frozen=True, eq=False)
class HierarchicalOutput:
    """What the network says on the grid: embeddings, logits of seeds, and v with λ = exp(10 v)."""

    embeddings: Float[Tensor, "b d h w"]
    seed_logits: Float[Tensor, "b h w"]
    sharpness: Float[Tensor, "b h w"]


class HierarchicalEmbedding(AbstractMethod):
    """Panoptic segmentation from one embedding: instances are small balls in the large balls of categories.

    One decoder and one head. Each pixel's category is the nearest class mean, for things and stuff alike; its
    instance is the margin around a seed that it lies in. There is no limit to the number of instances.

    Source: our reading of Kerola et al. 2021, "Hierarchical Lovász Embeddings for Proposal-free Panoptic
    Segmentation". Of the paper only abstract, introduction and figure captions were available: one network
    without branches or proposals, an embedding, a seed and a variance a pixel, a hierarchical Lovász hinge,
    nearest class means, a panoptic decoding. Everything else is a decision of ours, and a setting:

    - an embedding is a position, as in Neven et al. 2019, and features: `embedding.coordinates`, `.features`,
      `.unit_px`, `.reach_px`; categories see the features alone: `embedding.category_dims`;
    - the variance is Neven's: λ = exp(10 v), the margin 1.17741 σ: `embedding.sigma`, `.start_radius_px`;
    - the instance level is Neven's hinge, mean centres, all labelled pixels: `loss.instance_loss`,
      `.to_center`, `.stuff_as_instances`, `.max_instances`;
    - the category level is the same hinge over the batch, with σ = 1: `loss.category_loss`, `.absent`,
      `.category_sigma`, `.sigma`, `.cross_entropy_weight`, `.hierarchy_weight`, `.hierarchy_ratio`;
    - class means are the batch's, with gradient: `loss.mean_source`, `.mean_momentum`, `.min_class_points`;
    - seeds learn the own membership; weights are 1, 1, 1, 10: `loss.foreground_weight`, `.seed_weight`, ...;
    - decoding takes seeds one after the other, leftovers join the likeliest instance: `decoding`.

    Example:
        >>> config = HierarchicalConfig(backbone=BackboneConfig(name="lcnet_050"))
        >>> method = HierarchicalEmbedding(config, Categories.named("facades"))
        >>> method.predict(torch.zeros(3, 9, 7)).size
        (9, 7)
    """

    config_type: ClassVar[type] = HierarchicalConfig
    config: HierarchicalConfig
    fixed_log_lambda: Tensor
    category_log_lambda: nn.Parameter | None

    def __init__(self, config: HierarchicalConfig, categories: Categories) -> None:
        """Build the networks; the backbone's weights are read here."""
        super().__init__(config, categories)
        # backbone and decoder
        self.backbone = Backbone(config.backbone)
        self.stride = self.backbone.strides[0]
        self.decoder = build_decoder(config.decoder, self.backbone)
        # one head; with two branches its features are logits of categories
        embedding, loss = config.embedding, config.loss
        self.two_branches = embedding.branches == "two"
        num_features = len(categories) if self.two_branches else embedding.features
        self.dims = embedding.num_coordinates + num_features
        self.head = self._head()
        # what categories are measured against: their means and radii
        self.class_means = ClassMeans(
            loss,
            len(categories),
            self.dims - embedding.category_from,
            min_class_points=loss.min_class_points,
        )
        num_sigmas = len(categories) if loss.category_sigma == "per_class" else 1
        log_lambda = torch.full((num_sigmas,), -math.log(2 * loss.sigma**2))
        learned = nn.Parameter(log_lambda) if loss.category_sigma != "fixed" else None
        self.register_parameter("category_log_lambda", learned)
        self.register_buffer("fixed_log_lambda", log_lambda if learned is None else None)
        self.to(memory_format=torch.channels_last)

    def _head(self) -> ConvHead:
        """Coordinates, features, seed and, where it is learned, sharpness; the start of our reading."""
        config, embedding, dims = self.config, self.config.embedding, self.dims
        head = ConvHead(
            self.decoder.channels + (2 if embedding.coordinates == "input" else 0),
            dims + (2 if embedding.sigma == "learned" else 1),
            width=config.head_width,
            depth=config.head_depth,
            style=config.decoder,
        )
        bias = head.last.bias
        assert bias is not None
        with torch.no_grad():
            bias[dims] = -2.0
            bias[dims + 1 :] = embedding.start_sharpness
        return head

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> HierarchicalOutput:
        """Embeddings, seeds and sharpness on the grid."""
        height, width = grid_size(*images.shape[-2:], stride=self.stride)
        settings = self.config.embedding
        x = self.decoder(self.backbone(images))
        position = position_grid(x.shape[-2], x.shape[-1], stride=self.stride, device=x.device)
        position = position.expand(len(x), -1, -1, -1) / settings.unit_px  # b 2 h w
        if settings.coordinates == "input":
            x = torch.cat([x, position.to(x.dtype)], dim=1)
        raw = self.head(x)
        if settings.coordinates == "added":
            reach = settings.reach_px / settings.unit_px  # one unit a step near zero, whatever the reach
            offset = torch.tanh(raw[:, :2] / reach) * reach
            raw = torch.cat([position + offset, raw[:, 2:]], dim=1)
        raw = raw[..., :height, :width]
        dims = self.dims
        v = raw[:, dims + 1] if settings.sigma == "learned" else raw[:, dims] * 0 + settings.start_sharpness
        return HierarchicalOutput(raw[:, :dims], raw[:, dims], v)

    def losses(self, output: HierarchicalOutput, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The terms of the hierarchical Lovász loss; class means take the batch in while training."""
        # truth on the grid, and the class means with this batch
        settings, first = self.config.loss, self.config.embedding.category_from
        grid = at_grid(targets, stride=self.stride)
        features = output.embeddings.float()[:, first:]
        labels = torch.where(grid.semantic == VOID_INDEX, -1, grid.semantic)
        means = self.class_means(features.flatten(2), labels.flatten(1))
        # the two levels; without coordinates where categories do not see them
        terms = batch_hierarchical_lovasz_terms(
            self._of_instances(output.embeddings.float(), dim=1),
            self._with_stuff(grid) if settings.stuff_as_instances else grid.instances,
            grid.semantic,
            seeds=output.seed_logits.float().sigmoid(),
            sharpness=output.sharpness.float(),
            crowd=grid.crowd,
            category_from=0 if self.two_branches else first,
            class_means=means if not self.two_branches else None,
            category_log_lambda=self._log_lambda(),
            center_position=self._position(output) if settings.to_center else None,
            options=settings,
        )
        # weights; what has weight 0 is left out of the log
        losses = {
            "instance": settings.instance_weight * terms.instance,
            "category": settings.category_weight * terms.category,
            "seed": settings.seed_weight * terms.seed,
            "variance": settings.variance_weight * terms.variance,
        }
        if settings.hierarchy_weight:
            losses["hierarchy"] = settings.hierarchy_weight * terms.hierarchy
        # categories by cross-entropy: in the place of their level, or beside it
        if self.two_branches or settings.cross_entropy_weight:
            wrong = _cross_entropy(self._category_logits(features, means.float()), grid.semantic)
            if self.two_branches:
                losses["category"] = settings.category_weight * wrong
            else:
                losses["cross_entropy"] = settings.cross_entropy_weight * wrong
        return losses

    @property
    def map_decoder(self) -> SeedDecoder:
        """Seeds one after the other among the pixels of things; or one cut."""
        return SeedDecoder(decoding=self.config.decoding)

    @property
    def tiling(self) -> TilingConfig | None:
        """Embeddings that are computed from the place in the image need the whole image."""
        return None if self.config.embedding.coordinates == "input" else TilingConfig()

    @property
    def positions(self) -> dict[str, float]:
        """Where the place is added to the embeddings."""
        embedding = self.config.embedding
        return {"embeddings": embedding.unit_px} if embedding.coordinates == "added" else {}

    def named_tensors(self, output: HierarchicalOutput) -> dict[str, Tensor]:
        """What instances are grouped by, and how near each pixel is to the mean of each category."""
        return {
            "category_logits": self._known_logits(output.embeddings.float()),
            "embeddings": self._of_instances(output.embeddings.float(), dim=1),
            "seed_logits": output.seed_logits,
            "sharpness": output.sharpness,
        }

    def _known_logits(self, embeddings: Float[Tensor, "b d h w"]) -> Float[Tensor, "b k h w"]:
        """Of the categories; those that training never saw are as good as impossible."""
        features = embeddings[:, self.config.embedding.category_from :]
        logits = self._category_logits(features, self.class_means.means.detach())
        return logits.masked_fill(~self.class_means.known[:, None, None], _IMPOSSIBLE)

    def _category_logits(self, features: Tensor, means: Tensor) -> Float[Tensor, "b k h w"]:
        return features if self.two_branches else nearest_mean_logits(features, means, self._log_lambda())

    def _of_instances(self, embeddings: Tensor, *, dim: int) -> Tensor:
        """The dimensions that instances see."""
        dims = self.config.embedding.num_coordinates if self.two_branches else self.dims
        return embeddings.narrow(dim, 0, dims)

    def _log_lambda(self) -> Float[Tensor, " k"]:
        """Of each category; learned ones stay between σ = 0.2 and 5."""
        learned = self.category_log_lambda
        values = self.fixed_log_lambda if learned is None else learned.clamp(-4, 2.5)
        return values.expand(len(self.categories))

    def _position(self, output: HierarchicalOutput) -> Tensor | None:
        if not self.config.embedding.num_coordinates:
            return None
        height, width = output.seed_logits.shape[1:]
        position = position_grid(height, width, stride=self.stride, device=output.embeddings.device)
        return position / self.config.embedding.unit_px

    def _with_stuff(self, grid: PanopticTargets) -> Int64[Tensor, "b h w"]:
        """Instances and behind them each stuff category of the image."""
        is_stuff = torch.tensor([*(~self.categories.is_thing).tolist(), False])
        index = torch.where(grid.semantic == VOID_INDEX, len(self.categories), grid.semantic)
        stuff = is_stuff.to(index.device)[index]
        return torch.where(stuff, grid.instances.max() + 1 + index, grid.instances)


def _cross_entropy(logits: Float[Tensor, "b k h w"], semantic: Int64[Tensor, "b h w"]) -> Float[Tensor, ""]:
    """The mean over all points of the batch that are not void; 0 where there is none."""
    total = F.cross_entropy(logits, semantic, ignore_index=VOID_INDEX, reduction="sum")
    return total / (semantic != VOID_INDEX).sum().clamp(min=1)
