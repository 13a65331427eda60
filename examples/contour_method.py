"""A method of your own, outside the package: things are what contours separate (docs/add-a-method.md)."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from scipy import ndimage
from torch import Tensor

from intarsia.data.sticks import STICK_CATEGORIES, scattered_sticks
from intarsia.data.targets import PanopticTargets, at_grid, targets_of
from intarsia.data.transforms import Augmentation
from intarsia.decoding.assembly import Thing, Thresholds, assembled
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.upsampling import grid_size, upsampled_argmax
from intarsia.losses import lovasz_hinge
from intarsia.methods.method import AbstractMethod
from intarsia.methods.semantic import SemanticLossConfig, semantic_losses
from intarsia.nets import Backbone, BackboneConfig, ConvHead, DecoderConfig, build_decoder
from intarsia.panoptic import Categories, PanopticMap
from intarsia.recipes.recipe import Optim, Recipe, Schedule


@dataclass(frozen=True, kw_only=True)
class ContourConfig(Thresholds):
    """Settings of `ContourMethod`, beside the thresholds of segments."""

    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    semantic_loss: SemanticLossConfig = field(default_factory=SemanticLossConfig)
    contour_weight: float = 1.0
    min_thing_px: int = 64


@dataclass(frozen=True, eq=False)
class ContourOutput:
    """What the network says on the grid; a positive contour logit means: on the edge of an instance."""

    semantic_logits: Float[Tensor, "b k h w"]
    contour_logits: Float[Tensor, "b 1 h w"]


class ContourMethod(AbstractMethod):
    """Semantics and contours; an instance is a connected part of a thing category without its contour."""

    config_type: ClassVar[type] = ContourConfig
    config: ContourConfig

    def __init__(self, config: ContourConfig, categories: Categories) -> None:
        """Build the networks."""
        super().__init__(config, categories)
        self.backbone = Backbone(config.backbone)
        self.stride = self.backbone.strides[0]
        self.decoder = build_decoder(config.decoder, self.backbone)
        width = self.decoder.channels
        self.semantic_head = ConvHead(width, len(categories), width=width)
        self.contour_head = ConvHead(width, 1, width=width)

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> ContourOutput:
        """Logits on the grid. The backbone padded the image inside; what covers the padding is cut off."""
        rows, columns = grid_size(*images.shape[-2:], stride=self.stride)
        features = self.decoder(self.backbone(images))[..., :rows, :columns]
        return ContourOutput(self.semantic_head(features), self.contour_head(features))

    def losses(self, output: ContourOutput, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The semantic loss, and the Lovász hinge of the contours inside things."""
        instances = at_grid(targets, stride=self.stride).instances
        contour = lovasz_hinge(
            output.contour_logits.flatten(1),
            _on_edge(instances).flatten(1),
            valid=(instances > 0).flatten(1),
        )
        terms = semantic_losses(
            output.semantic_logits, targets, self.config.semantic_loss, stride=self.stride
        )
        return terms | {"contour": self.config.contour_weight * contour.mean()}

    def decode_image(self, view: ImageView) -> PanopticMap:
        """The panoptic map of one image, from what `forward` said about it as arrays without padding."""
        semantic = upsampled_argmax(view["semantic_logits"], *view.size, stride=view.stride)
        contour = view["contour_logits"]  # 1 h w; inside where it is below 0
        against_zero = np.concatenate([np.zeros_like(contour), contour])
        inside = upsampled_argmax(against_zero, *view.size, stride=view.stride) == 0
        instances = np.zeros(view.size, np.int32)
        things: list[Thing] = []
        for index, category in enumerate(self.categories):
            if not category.is_thing:
                continue
            shown = semantic == index
            parts = _grown_parts(shown & inside)
            instances[shown] = np.where(parts > 0, parts + len(things), 0)[shown]
            things += [Thing(index)] * int(parts.max())
        return assembled(semantic, instances, things, categories=self.categories, thresholds=self.config)


def _on_edge(instances: Tensor) -> Tensor:
    """Where an instance touches anything else: the largest or smallest number around differs."""
    numbers = instances[:, None].float()  # b 1 h w, exact for whole numbers below 2^24
    largest = F.max_pool2d(numbers, 3, stride=1, padding=1)
    smallest = -F.max_pool2d(-numbers, 3, stride=1, padding=1)
    return ((largest != smallest) & (numbers > 0))[:, 0]  # b h w


def _grown_parts(inside: np.ndarray) -> np.ndarray:
    """Connected parts numbered from 1; every other pixel gets the number of the nearest part, if any."""
    parts = np.zeros(inside.shape, np.int32)
    if not ndimage.label(inside, output=parts):
        return parts
    nearest = np.empty((2, *inside.shape), np.int32)
    ndimage.distance_transform_edt(parts == 0, return_distances=False, return_indices=True, indices=nearest)
    return parts[nearest[0], nearest[1]]


def sticks() -> Recipe:
    """Crossing sticks by their contours: minutes on a laptop."""
    return Recipe(
        method=ContourConfig(backbone=BackboneConfig(name="lcnet_050"), decoder=DecoderConfig(width=32)),
        augmentation=Augmentation(crop=(128, 128), quarter_turns=True),
        batch_size=4,
        optim=Optim(lr=3e-3, backbone_lr_factor=1.0),
        schedule=Schedule(steps=400, warmup=20, evaluate_every=200),
    )


def main() -> None:
    """Send one image through the untrained method: the three verbs agree on their shapes."""
    torch.manual_seed(0)
    picture, truth = scattered_sticks(seed=0)
    targets = targets_of(torch.from_numpy(truth.ids.copy()), truth.segments, STICK_CATEGORIES)
    method = ContourMethod(sticks().method, STICK_CATEGORIES)
    output = method(torch.from_numpy(picture).movedim(2, 0)[None] / 255)
    for name, value in method.losses(output, targets).items():
        print(f"{name:<10} {value.item():.3f}")
    found = method.predict(picture)
    print(f"{len(found.segments)} segments before training, {len(truth.segments)} in the truth")


if __name__ == "__main__":
    main()
