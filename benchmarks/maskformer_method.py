r"""MaskFormer, as transformers has it, on our backbone, data and training: the peer that sees whole masks.

    intarsia train benchmarks/maskformer_method.py:nuclei data=NUCLEI --out runs/maskformer
    python benchmarks/nuclei.py NUCLEI --method benchmarks/maskformer_method.py:MaskFormer \
        --model runs/maskformer/best
    intarsia train benchmarks/maskformer_method.py:facades data=FACADES --out runs/maskformer-facades

Each of some queries answers with a category and a mask of the whole image; the answers are matched with the
truth one to one. From transformers (extra `bench`) come the pixel decoder, the transformer, the heads, the
matching and the losses; ours are the backbone with its weights, what it is trained on, and how queries
become a map, by the rules of section 3.4 of the paper. Widths and layers are cut down to the size of our
other heads.

Source: Cheng et al. 2021, Per-Pixel Classification is Not All You Need for Semantic Segmentation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn
from transformers import MaskFormerConfig as PeerConfig  # pyright: ignore[reportMissingImports]
from transformers.models.maskformer.configuration_maskformer import (  # pyright: ignore[reportMissingImports]
    MaskFormerDetrConfig,
)
from transformers.models.maskformer.modeling_maskformer import (  # pyright: ignore[reportMissingImports]
    MaskFormerHungarianMatcher,
    MaskFormerLoss,
    MaskformerMLPPredictionHead,
    MaskFormerPixelDecoder,
    MaskFormerTransformerModule,
)

from intarsia.data.targets import PanopticTargets, at_grid
from intarsia.decoding.assembly import Thing, Thresholds, assembled
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.upsampling import grid_size
from intarsia.methods.method import AbstractMethod
from intarsia.nets import Backbone, BackboneConfig
from intarsia.panoptic import VOID_INDEX, Categories, PanopticMap
from intarsia.recipes import discriminative
from intarsia.recipes.recipe import Optim, Recipe


@dataclass(frozen=True, kw_only=True)
class MaskFormerConfig(Thresholds):
    """Settings of `MaskFormer`, beside the thresholds of segments.

    Attributes:
        backbone: The network with pretrained weights.
        width: Channels of the pixel decoder, of the masks and of the transformer; a multiple of 32.
        layers: Of the transformer; each has a loss of its own.
        queries: The most segments that an image can have.
        min_score: Probability of its category below which a query says nothing; the paper's value.
        min_overlap: Share of its own mask that a query must win against the others; the paper's value.
    """

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    width: int = 64
    layers: int = 3
    queries: int = 100
    min_score: float = 0.8
    min_overlap: float = 0.8


@dataclass(frozen=True, eq=False)
class MaskFormerOutput:
    """What each query says after each layer: categories, the last of which is none, and masks on the grid."""

    class_logits: Float[Tensor, "layers b q k+1"]
    mask_logits: Float[Tensor, "layers b q h w"]


class MaskFormer(AbstractMethod):
    """Panoptic segmentation as a set of masks with categories."""

    needs_torch: ClassVar[str] = "queries are answered by transformers"
    config_type: ClassVar[type] = MaskFormerConfig
    config: MaskFormerConfig

    def __init__(self, config: MaskFormerConfig, categories: Categories) -> None:
        """Build the networks; the backbone's weights are read here."""
        super().__init__(config, categories)
        self.backbone = Backbone(config.backbone)
        self.stride = self.backbone.strides[0]
        channels, width = self.backbone.channels, config.width
        transformer = MaskFormerDetrConfig(
            d_model=width,
            decoder_layers=config.layers,
            decoder_attention_heads=4,
            decoder_ffn_dim=4 * width,
            num_queries=config.queries,
            auxiliary_loss=True,
        )
        self.pixel_decoder = MaskFormerPixelDecoder(
            in_features=channels[-1],
            feature_size=width,
            mask_feature_size=width,
            lateral_widths=list(channels[:-1]),
        )
        self.transformer = MaskFormerTransformerModule(
            channels[-1], PeerConfig(decoder_config=transformer.to_dict())
        )
        self.class_head = nn.Linear(width, len(categories) + 1)
        self.mask_head = MaskformerMLPPredictionHead(width, width, width)
        # cost and weight of categories, of the focal loss and of dice, and of "nothing": the paper's
        matcher = MaskFormerHungarianMatcher(cost_class=1.0, cost_mask=20.0, cost_dice=1.0)
        self.weights = {"loss_cross_entropy": 1.0, "loss_mask": 20.0, "loss_dice": 1.0}
        self.criterion = MaskFormerLoss(len(categories), matcher, self.weights, eos_coef=0.1)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> MaskFormerOutput:
        """Categories and masks of all queries after each layer."""
        rows, columns = grid_size(*images.shape[-2:], stride=self.stride)
        features = self.backbone(images)
        pixels = self.pixel_decoder(features).last_hidden_state[..., :rows, :columns]
        states = self.transformer(features[-1], return_dict=True).intermediate_hidden_states  # l b q c
        return MaskFormerOutput(
            class_logits=self.class_head(states),
            mask_logits=torch.einsum("lbqc,bchw->lbqhw", self.mask_head(states), pixels),
        )

    def losses(self, output: MaskFormerOutput, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The losses of matched queries, summed over the layers."""
        grid = at_grid(targets, stride=self.stride)
        masks, classes = zip(*(self._truth(grid, image) for image in range(len(grid))), strict=True)
        terms = dict.fromkeys(self.weights, output.mask_logits.new_zeros(()))
        for class_logits, mask_logits in zip(output.class_logits, output.mask_logits, strict=True):
            of_layer = self.criterion(mask_logits, class_logits, list(masks), list(classes))
            terms = {name: value + self.weights[name] * of_layer[name] for name, value in terms.items()}
        return terms

    def _truth(self, grid: PanopticTargets, image: int) -> tuple[Tensor, Tensor]:
        """Masks (n h w) and category indices (n) of the things and the stuff that an image shows."""
        instances, semantic = grid.instances[image], grid.semantic[image]
        numbers = instances.unique()
        numbers = numbers[numbers > 0]
        shown = semantic[instances == 0].unique().tolist()
        stuff = [k for k in shown if k != VOID_INDEX and not self.categories[k].is_thing]
        stuff_indices = torch.tensor(stuff, dtype=torch.int64, device=semantic.device)
        masks = torch.cat([instances == numbers[:, None, None], semantic == stuff_indices[:, None, None]])
        things = grid.categories[image].to(semantic.device)[numbers - 1]
        if not len(masks):  # all void: nothing to match, in the shape that the losses take
            return masks.new_zeros((0, *semantic.shape)).float(), things
        return masks.float(), torch.cat([things, stuff_indices])

    def views(self, output: MaskFormerOutput, sizes: Sequence[tuple[int, int]]) -> list[ImageView]:
        """The last layer's answers; categories are not on the grid."""
        masks, classes = output.mask_logits[-1].detach().float().cpu(), output.class_logits[-1].detach()
        views = []
        for image, size in enumerate(sizes):
            rows, columns = grid_size(*size, stride=self.stride)
            arrays = {
                "mask_logits": masks[image, :, :rows, :columns].numpy(),
                "class_logits": classes[image].float().cpu().numpy(),
            }
            views.append(ImageView(arrays, size, self.stride))
        return views

    def decode_image(self, view: ImageView) -> PanopticMap:
        """Each pixel to the surest mask; a query that loses most of its mask says nothing (section 3.4)."""
        probability = torch.from_numpy(view["class_logits"]).softmax(dim=-1)
        score, category = probability.max(dim=-1)
        sure = (category < len(self.categories)) & (score >= self.config.min_score)
        logits = torch.from_numpy(view["mask_logits"])[sure]
        semantic, instances = np.full(view.size, VOID_INDEX, np.uint8), np.zeros(view.size, np.int32)
        things: list[Thing] = []
        if len(logits):
            masks = F.interpolate(logits[None], view.size, mode="bilinear", align_corners=False)[0].sigmoid()
            winner = (masks * score[sure][:, None, None]).argmax(dim=0)
            for query, (index, value) in enumerate(
                zip(category[sure].tolist(), score[sure].tolist(), strict=True)
            ):
                inside = masks[query] >= 0.5
                won = (winner == query) & inside
                if int(won.sum()) == 0 or int(won.sum()) < self.config.min_overlap * int(inside.sum()):
                    continue
                semantic[won.numpy()] = index
                if self.categories[index].is_thing:
                    things.append(Thing(index, value))
                    instances[won.numpy()] = len(things)
        return assembled(semantic, instances, things, categories=self.categories, thresholds=self.config)


def nuclei() -> Recipe:
    """Microscopy: the grid, the pictures and the number of pixels in a batch of `discriminative-nuclei`."""
    base = discriminative.nuclei()
    method = MaskFormerConfig(backbone=base.method.backbone, queries=300, min_thing_px=16)
    augmentation = replace(base.augmentation, crop=(224, 224))
    return replace(base, method=method, augmentation=augmentation, batch_size=2, optim=Optim(lr=1e-3))


def facades() -> Recipe:
    """Buildings: on the data and schedule of `discriminative-facades`."""
    base = discriminative.facades()
    method = MaskFormerConfig(backbone=base.method.backbone, queries=150, min_thing_px=128, min_stuff_px=2048)
    return replace(base, method=method, optim=Optim(lr=1e-3))
