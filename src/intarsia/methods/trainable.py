"""What a network must do to be a method: three verbs, and what decoding and export ask of it."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from intarsia._check import fail
from intarsia._summary import AbstractWithSummary
from intarsia._threads import map_in_threads
from intarsia.data.targets import PanopticTargets
from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.pixel_field import PixelField
from intarsia.nets.backbone import Backbone, stretch_brightness
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.intake import AS_IT_IS, Intake
from intarsia.runtime.network import cropped_views
from intarsia.runtime.spec import NetworkSpec
from intarsia.runtime.tiles import TilingConfig

__all__ = ["AbstractTrainable"]


class AbstractTrainable(AbstractWithSummary, nn.Module):
    """A network that learns and decodes: `forward`, `losses` and `decode`.

    `AbstractMethod` adds what people do with one; what writes and exports methods asks for no more than this.

    Attributes:
        only_training: How the names of tensors begin that a trained model may lack: they start afresh.
        needs_torch: What of the network cannot be exported exactly; empty where all of it can.
        config: The frozen dataclass that it was built from.
        categories: What it tells apart; the category index is the channel.
        stride: Pixels between neighbours on the grid of the output.
        intake: Which page and channels of a picture it sees, in what size; training sets it, and it is saved.
        loss_scale: What training multiplies the sum of the losses with before it differentiates. Only
            gradients that are not linear in the loss, as through a cut, need to know it.
        diameter_px: How large things were in training, saved with the model; see `runtime.diameter`.
    """

    config_type: ClassVar[type]
    only_training: ClassVar[tuple[str, ...]] = ()
    intake: Intake = AS_IT_IS
    needs_torch: ClassVar[str] = ""
    backbone: nn.Module
    stride: int
    loss_scale: float = 1.0
    diameter_px: float | None = None

    def __init__(self, config: Any, categories: Categories) -> None:
        """Keep what the method was built from; subclasses add the networks."""
        super().__init__()
        self.config = config
        self.categories = categories

    @property
    def title(self) -> str:
        """Its class, its size, and where its parameters are."""
        count = sum(parameter.numel() for parameter in self.parameters())
        place = f" on {self.device}" if count else ""
        return f"{type(self).__name__}, {count:,} parameters{place}"

    @property
    def device(self) -> torch.device:
        """Where the parameters are; the CPU where there are none."""
        parameter = next(self.parameters(), None)
        return torch.device("cpu") if parameter is None else parameter.device

    @abstractmethod
    def forward(self, images: Float[Tensor, "b 3 h w"]) -> Any:
        """From images in [0, 1], of any size, to named tensors of ceil(h / stride) x ceil(w / stride)."""

    @abstractmethod
    def losses(self, output: Any, targets: PanopticTargets) -> dict[str, Float[Tensor, ""]]:
        """The weighted terms of the loss by name; a training step adds them up. Finite for any truth."""

    @property
    def map_decoder(self) -> AbstractDecoder:
        """What makes maps of the network's arrays, without torch; saved with an exported model.

        Raises:
            ValueError: The method has none, since it overrides `decode_image`.
        """
        return fail("method", "one with a decoder", type(self).__name__)

    @property
    def has_decoder(self) -> bool:
        """Whether the method is decoded without code of its own, so that its export needs no torch."""
        return type(self).map_decoder is not AbstractTrainable.map_decoder

    def decode_image(self, view: ImageView) -> PanopticMap:
        """The panoptic map of one image; a method without a decoder overrides this.

        Args:
            view: What the network says about the image: `named_tensors` as arrays, without padding.
        """
        return self.map_decoder.decode(view, self.categories)

    def pixel_field(self, view: ImageView, pixel: tuple[int, int]) -> PixelField:
        """What one pixel of an image is to every point of the grid, as the method sees it.

        Args:
            view: What the network says about the image.
            pixel: Row and column in the image.

        Raises:
            ValueError: The method has nothing of the kind to show.
        """
        if not self.has_decoder:
            fail("model", "of a method with a `pixel_field` or a decoder that has one", type(self).__name__)
        return self.map_decoder.pixel_field(view, pixel)

    def named_tensors(self, output: Any) -> dict[str, Tensor]:
        """What decoding needs of an output, by the names it has there: tensors (b, ..., h, w) on the grid.

        By default all fields of the output.
        """
        values = {item.name: getattr(output, item.name) for item in dataclasses.fields(output)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}

    @torch.no_grad()
    def views(self, output: Any, sizes: Sequence[tuple[int, int]]) -> list[ImageView]:
        """Each image of a batch as decoding sees it.

        Args:
            output: What `forward` returned.
            sizes: Height and width of each image, which stands top left in the batch; the rest is padding.
        """
        arrays = {
            name: tensor.detach().float().cpu().numpy() for name, tensor in self.named_tensors(output).items()
        }
        return cropped_views(arrays, sizes, stride=self.stride)

    def decode(self, output: Any, sizes: Sequence[tuple[int, int]]) -> list[PanopticMap]:
        """The panoptic map of each image of the batch.

        Args:
            output: What `forward` returned.
            sizes: Height and width of each image, which stands top left in the batch; the rest is padding.
        """
        # grouping is native code that lets other threads run
        return map_in_threads(self.decode_image, self.views(output, sizes), workers=torch.get_num_threads())

    @property
    def network_spec(self) -> NetworkSpec:
        """How images are made ready for the network, and how large ones are divided."""
        backbone = getattr(self, "backbone", None)
        if not isinstance(backbone, Backbone):
            return NetworkSpec(stride=self.stride, align_px=1, tiling=None, diameter_px=self.diameter_px)
        return NetworkSpec(
            stride=self.stride,
            align_px=backbone.strides[-1],
            fill=tuple(backbone.mean.flatten().tolist()),
            stretch=backbone.stretch,
            tiling=self.tiling and self.tiling.zoomed(backbone.zoom),
            positions=self.positions,
            diameter_px=self.diameter_px,
        )

    def as_seen(self, images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
        """Images as `forward` is to get them: stretched where the network is made for it."""
        return stretch_brightness(images) if self.network_spec.stretch else images

    @property
    def tiling(self) -> TilingConfig | None:
        """How large images are divided; None where the network must see the whole."""
        return None

    @property
    def positions(self) -> dict[str, float]:
        """Named tensors whose first two channels are a place in the image, and how many pixels a unit has."""
        return {}

    def parameter_groups(self) -> dict[str, list[nn.Parameter]]:
        """The trainable parameters as "backbone" and "rest", for learning rates of their own."""
        groups: dict[str, list[nn.Parameter]] = {"backbone": [], "rest": []}
        for name, parameter in self.named_parameters():
            if parameter.requires_grad:
                groups["backbone" if name.startswith("backbone.") else "rest"].append(parameter)
        return groups

    @property
    def lr_factors(self) -> dict[str, float]:
        """How much faster than the rest each of the parameter groups learns, where that is not 1."""
        return {}
