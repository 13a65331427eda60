"""Combinatorial panoptic segmentation: semantics and affinities, and one cut that decides on both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia._check import fail, nearest
from intarsia.data.targets import PanopticTargets, at_grid, with_void_class
from intarsia.decoding.cut import CutConfig, CutDecoder
from intarsia.decoding.upsampling import grid_size
from intarsia.methods.affinity import AffinityLossConfig, affinity_losses, point_weights
from intarsia.methods.end_to_end import (
    CutCostsOfBatch,
    EndToEndConfig,
    costs_to_learn_from,
    pooled_quality,
    quality_loss,
    separate_cut_losses,
)
from intarsia.methods.ladder import Parts, freeze, keep_frozen, ladder_factors, ladder_groups
from intarsia.methods.least_areas import LeastAreas
from intarsia.methods.method import AbstractMethod
from intarsia.methods.oracle import true_affinity_logits, true_semantic_logits
from intarsia.methods.semantic import semantic_losses
from intarsia.methods.trunk import TrunkConfig
from intarsia.nets import (
    AFFINITY_HEADS,
    AffinityHeadConfig,
    Backbone,
    ConvHead,
    CutCosts,
    build_decoder,
)
from intarsia.panoptic import Categories, PanopticMap
from intarsia.runtime.tiles import TilingConfig

__all__ = [
    "CombinatorialConfig",
    "CombinatorialOutput",
    "CombinatorialPanoptic",
]


@dataclass(frozen=True, kw_only=True)
class CombinatorialConfig(TrunkConfig):
    """Settings of `CombinatorialPanoptic`, beside those of its trunk.

    Attributes:
        semantic_width: Channels inside the semantic head; by default 128, as a decoder has.
        void_class: Void is an answer of its own: what is unlabelled in training is left void in prediction.
            Without it a network has no reason not to name the sky after a category that it was told.
        plain_heads: 3x3 convolutions in the heads, as in the paper, also where the decoder's are separable.
        affinity: The affinity head.
        affinity_loss: Loss of the affinity head.
        cut: How costs become a panoptic map.
        tiling: How `predict` takes large images.
        end_to_end: Fine-tuning through the cut instead of the two losses; none for pre-training.
    """

    semantic_width: int = 128
    void_class: bool = False
    plain_heads: bool = False
    affinity: AffinityHeadConfig = field(default_factory=AffinityHeadConfig)
    affinity_loss: AffinityLossConfig = field(default_factory=AffinityLossConfig)
    cut: CutConfig = field(default_factory=CutConfig)
    tiling: TilingConfig = field(default_factory=TilingConfig)
    end_to_end: EndToEndConfig | None = None

    def __post_init__(self) -> None:
        if self.affinity.kind not in AFFINITY_HEADS:
            kinds = " or ".join(repr(kind) for kind in AFFINITY_HEADS)
            hint = nearest(self.affinity.kind, AFFINITY_HEADS)
            fail("affinity.kind", kinds, repr(self.affinity.kind), hint=hint)


@dataclass(frozen=True, eq=False)
class CombinatorialOutput:
    """What the network says on the grid.

    Attributes:
        semantic_logits: Of the categories.
        affinity_logits: Of the probability that a point and the one at the offset are in one segment.
    """

    semantic_logits: Float[Tensor, "b k h w"]
    affinity_logits: Float[Tensor, "b o h w"]


class CombinatorialPanoptic(AbstractMethod):
    """Panoptic segmentation by an asymmetric multiway cut on category costs and affinities.

    No centres, no thresholds and no limit to the number of instances: one optimisation problem decides which
    points belong together and what they show. With `end_to_end` the network is trained through it, on a
    surrogate of panoptic quality.

    Source: Abbas and Swoboda 2021 (COPS). One decoder for both heads by default is ours.

    Attributes:
        offsets: (rows, columns) on the grid from a point to its neighbour, one an affinity channel.

    Example:
        >>> from intarsia.nets.backbone import BackboneConfig
        >>> config = CombinatorialConfig(backbone=BackboneConfig(name="lcnet_050"))
        >>> method = CombinatorialPanoptic(config, Categories.named("facades"))
        >>> method.predict(torch.zeros(3, 9, 7)).size
        (9, 7)
    """

    config_type: ClassVar[type] = CombinatorialConfig
    only_training: ClassVar[tuple[str, ...]] = ("pooled.",)
    config: CombinatorialConfig

    def __init__(self, config: CombinatorialConfig, categories: Categories) -> None:
        """Build the networks; the backbone's weights are read here."""
        super().__init__(config, categories)
        self.offsets = config.affinity.offsets
        # one grid for both heads, or a decoder for each
        self.backbone = Backbone(config.backbone)
        self.stride = self.backbone.strides[0]
        self.decoder = build_decoder(config.decoder, self.backbone)
        separate = config.separate_decoders
        self.affinity_decoder = build_decoder(config.decoder, self.backbone) if separate else None
        # heads: a category for each point, an affinity for each pair
        self.is_splittable = categories.is_thing.tolist() + [False] * config.void_class
        num_classes = len(self.is_splittable)
        style = replace(config.decoder, separable=False) if config.plain_heads else config.decoder
        self.semantic_head = ConvHead(
            self.decoder.channels,
            num_classes,
            width=config.semantic_width,
            depth=config.semantic_depth,
            style=style,
        )
        self.affinity_head = AFFINITY_HEADS[config.affinity.kind](
            config.affinity, self.decoder.channels, num_classes, style=style
        )
        # from logits to costs; what training through the cut keeps and freezes
        self.costs = CutCosts(num_classes, len(self.offsets))
        self.pooled = pooled_quality(config.end_to_end, num_classes)
        self.least_areas = LeastAreas(
            config.cut, categories, void_class=config.void_class, config=config.end_to_end
        )
        self.to(memory_format=torch.channels_last)
        freeze(self._parts, config.end_to_end)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> CombinatorialOutput:
        """Logits on the grid."""
        height, width = grid_size(*images.shape[-2:], stride=self.stride)
        features = self.backbone(images)
        shared = self.decoder(features)
        other = shared if self.affinity_decoder is None else self.affinity_decoder(features)
        semantic_logits = self.semantic_head(shared)
        affinity_logits = self.affinity_head(other, semantic_logits)
        return CombinatorialOutput(
            semantic_logits[..., :height, :width], affinity_logits[..., :height, :width]
        )

    def losses(self, output: CombinatorialOutput, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The semantic and the affinity loss; or, with `end_to_end`, the loss of the cut."""
        targets, settings = self._in_own_classes(targets), self.config.end_to_end
        if settings is None:
            return self._pretraining_losses(output, targets)
        terms = self._cut_losses(output, targets, settings)
        if settings.pretraining_weight:
            pretraining = self._pretraining_losses(output, targets)
            terms |= {name: settings.pretraining_weight * value for name, value in pretraining.items()}
        return terms

    @property
    def map_decoder(self) -> CutDecoder:
        """One cut an image, up-sampled."""
        cut = self.least_areas.of_decoding(self.config.cut)
        return CutDecoder(cut=cut, offsets=self.offsets, void_class=self.config.void_class)

    @property
    def tiling(self) -> TilingConfig:
        """Costs of tiles are joined, so that instances cross the tiles' borders."""
        return self.config.tiling

    def named_tensors(self, output: CombinatorialOutput) -> dict[str, Tensor]:
        """The costs that the cut minimises, and the logits that its answer is up-sampled by."""
        costs = self.costs_of(output)
        return {
            "semantic_logits": output.semantic_logits,
            "node_costs": costs.nodes,
            "affinity_costs": costs.affinities,
        }

    def decode_with_oracle(
        self,
        output: CombinatorialOutput,
        sizes: Sequence[tuple[int, int]],
        targets: PanopticTargets,
        *,
        semantics: bool = False,
        affinities: bool = False,
    ) -> list[PanopticMap]:
        """What `decode` would say if a part of the costs were perfect: which part loses the quality?

        Source: Abbas and Swoboda 2021 (COPS), appendix A.8; void keeps the network's costs. An oracle of
        affinities is ours.

        Args:
            output: What `forward` returned.
            sizes: As in `decode`.
            targets: The truth of the batch, in pixels.
            semantics: Take node costs from the truth.
            affinities: Take affinity costs from the truth.
        """
        grid = at_grid(self._in_own_classes(targets), stride=self.stride)
        logits, affinity_logits = output.semantic_logits, output.affinity_logits
        if semantics:
            logits = true_semantic_logits(logits, grid)
        if affinities:
            affinity_logits = true_affinity_logits(affinity_logits, grid, self.offsets)
        return self.decode(CombinatorialOutput(logits, affinity_logits), sizes)

    def costs_of(self, output: CombinatorialOutput) -> CutCostsOfBatch:
        """The costs that the cut minimises; positive affinity costs attract."""
        nodes, affinities = self.costs(output.semantic_logits, output.affinity_logits)
        return CutCostsOfBatch(nodes, affinities, self.offsets, self.is_splittable)

    def train(self, mode: bool = True) -> CombinatorialPanoptic:
        """Switch to training; in fine-tuning through the cut, what is frozen stays as it is."""
        super().train(mode)
        if self.config.end_to_end is not None:
            keep_frozen(self, self.config.end_to_end)
        return self

    @property
    def lr_factors(self) -> dict[str, float]:
        """How fast each group of parameters learns, on the ladder of fine-tuning."""
        return ladder_factors(self.config.end_to_end)

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The trainable parameters: "backbone" and "rest", or the steps of the ladder."""
        if not self.lr_factors:
            return super().parameter_groups()
        return ladder_groups(self._parts)

    @property
    def _parts(self) -> Parts:
        heads = (self.semantic_head, self.affinity_head)
        layers = tuple(head.layers for head in heads)
        return Parts(self, self.backbone, nn.ModuleList([self.costs, self.least_areas]), heads, layers)

    def _in_own_classes(self, targets: PanopticTargets) -> PanopticTargets:
        """The truth in the classes that the network tells apart."""
        return with_void_class(targets, len(self.categories)) if self.config.void_class else targets

    def _pretraining_losses(
        self, output: CombinatorialOutput, targets: PanopticTargets
    ) -> dict[str, Float[Tensor, ""]]:
        config = self.config
        return semantic_losses(
            output.semantic_logits, targets, config.semantic_loss, stride=self.stride
        ) | affinity_losses(
            output.affinity_logits,
            targets,
            config.affinity_loss,
            offsets=self.offsets,
            stride=self.stride,
        )

    def _cut_losses(
        self, output: CombinatorialOutput, targets: PanopticTargets, settings: EndToEndConfig
    ) -> dict[str, Float[Tensor, ""]]:
        grid = at_grid(targets, stride=self.stride)
        costs = costs_to_learn_from(self.costs_of(output), settings, training=self.training)
        if settings.loss == "separate":
            weights = point_weights(targets, self.config.affinity_loss, stride=self.stride)
            return separate_cut_losses(
                costs, grid, settings, cut=self.config.cut, weights=weights, loss_scale=self.loss_scale
            )
        loss = quality_loss(
            costs,
            grid,
            settings,
            cut=self.config.cut,
            least_area=self.least_areas() / self.stride**2,
            pooled=self.pooled,
            loss_scale=self.loss_scale,
        )
        return {"quality": loss}
