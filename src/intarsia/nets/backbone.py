"""The backbone: any timm network that gives features at strides 4, 8, ..., for images of any size."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import timm
import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from intarsia._check import fail, nearest
from intarsia.nets.networks import build_network, names_a_network
from intarsia.nets.weights import load_by_name_or_order, read_weights

__all__ = ["Backbone", "BackboneConfig"]


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """Which timm network, and where its weights come from.

    Attributes:
        name: A name that timm knows, such as "resnet50" or "tf_efficientnet_lite0"; one of our own, "enet",
            "erfnet" or "wide_resnet38"; or `module:function` or `file.py:function` of yours, which returns a
            network that gives a list of features, from fine to coarse.
        pretrained: False for random weights, True for timm's own from the hub, a path to a local file (of a
            network's weights or of a trained model's, such as "runs/first/best/model.safetensors"), or
            "package:NAME" for the weights inside an installed Python package.
        output_stride: The stride of the coarsest features, 8, 16 or 32; the last stages are dilated below 32.
        frozen_norm: Keep the batch norm statistics of the weights, also in training. For small batches.
        finest_stride: Of the features that the decoder begins with, and so of the grid: 4, 2, or 1, which is
            the image itself as the finest features. For small things and exact outlines; with decoder "unet".
        frozen_levels: 1: keep the weights of all that the finest features stand on; 2: also of the next ones
            ... The first layers are the most general ones, and the dearest to train. The image is no level.
        stretch: Whether images are to come with their brightness stretched, as prediction and the training
            loop then do it (see `stretch_brightness`); for microscopy.
        multi_grid: Further dilations of the last stage's blocks, such as (1, 2, 4) in DeepLab; empty: none.
            Only of networks whose last stage is dilated, so below an output stride of 32.
        zoom: 1, 2 or 4: enlarge the image by this first, so that small objects get a finer grid. All strides,
            counted in pixels of the image as it came, shrink by it; time and memory grow by its square.
    """

    name: str = "tf_efficientnet_lite0"
    pretrained: bool | str = False
    output_stride: int = 32
    finest_stride: int = 4
    frozen_norm: bool = False
    frozen_levels: int = 0
    multi_grid: tuple[int, ...] = ()
    stretch: bool = False
    zoom: int = 1

    def __post_init__(self) -> None:
        if self.output_stride not in (8, 16, 32):
            fail("output_stride", "8, 16 or 32", self.output_stride)
        if self.finest_stride not in (1, 2, 4):
            fail("finest_stride", "1, 2 or 4", self.finest_stride)
        if self.finest_stride < self.zoom:
            fail("finest_stride", f"at least the zoom, {self.zoom}", self.finest_stride)
        most = 4 if self.finest_stride == 4 else 5
        if not 0 <= self.frozen_levels <= most:
            fail("frozen_levels", f"0 to {most}", self.frozen_levels)
        if self.zoom not in (1, 2, 4):
            fail("zoom", "1, 2 or 4", self.zoom)
        if self.multi_grid and (self.output_stride == 32 or min(self.multi_grid) < 1):
            fail("multi_grid", "numbers, each at least 1, below an output stride of 32", self.multi_grid)


class Backbone(nn.Module):
    """A timm network cut open: images in [0, 1] to features at strides `finest_stride` ... `output_stride`.

    With a zoom of 2 the strides are 2, 4, ...: they are in pixels of the image that is given.

    It normalises the images itself, with the mean and standard deviation that its weights expect (they are
    saved with the weights), and pads them at the bottom and at the right, inside, to a multiple of its
    coarsest stride; the features cover the padding, so their height is a multiple too.

    Raises:
        ValueError: timm does not know the name, the network has no features at stride 4 or not at
            `output_stride`, or the weights cannot be found or do not fit.

    Example:
        >>> backbone = Backbone(BackboneConfig(name="lcnet_050"))
        >>> backbone.strides, backbone.channels
        ((4, 8, 16, 32), (32, 64, 128, 256))
        >>> [tuple(x.shape) for x in backbone(torch.zeros(1, 3, 33, 20))]
        [(1, 32, 16, 8), (1, 64, 8, 4), (1, 128, 4, 2), (1, 256, 2, 1)]
    """

    mean: Tensor
    std: Tensor

    def __init__(self, config: BackboneConfig) -> None:
        """Build the network and fill in its weights."""
        super().__init__()
        self.frozen_norm = config.frozen_norm
        self.stretch = config.stretch
        self.zoom = config.zoom
        # the network, its dilation, its weights
        network = _build(config.name, config.pretrained is True, config.output_stride)
        if config.multi_grid:
            _dilate_further(network, config.multi_grid)
        if isinstance(config.pretrained, str):
            load_by_name_or_order(network, read_weights(config.pretrained), source=config.pretrained)
        self.network = network
        # which of its levels are taken, and on which grids they are
        strides, channels = network.feature_info.reduction(), network.feature_info.channels()
        self.levels = _levels(config.name, strides, config.finest_stride, config.output_stride)
        self.shows_image = config.finest_stride == 1
        of_levels = [(strides[level], channels[level]) for level in self.levels]
        if self.shows_image:
            of_levels.insert(0, (1, 3))
        self.strides: tuple[int, ...] = tuple(stride // config.zoom for stride, _ in of_levels)
        self.channels: tuple[int, ...] = tuple(number for _, number in of_levels)
        # what does not learn, and the colours that the weights were made with
        source = network.pretrained_cfg
        self.frozen = _freeze(network, self.levels[: config.frozen_levels])
        self.register_buffer("mean", torch.tensor(source.get("mean", (0.5,) * 3)).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(source.get("std", (0.5,) * 3)).view(3, 1, 1))

    def forward(self, images: Float[Tensor, "b 3 h w"]) -> list[Float[Tensor, "b _ _ _"]]:
        """Features from fine to coarse, one tensor for each of `strides`."""
        x = (images - self.mean) / self.std
        if not torch.compiler.is_exporting():  # an exported network is given images that fit
            height, width = images.shape[-2:]
            step = self.strides[-1]
            x = F.pad(x, (0, -width % step, 0, -height % step))  # b 3 H W, zero is the mean colour
        if self.zoom > 1:
            x = F.interpolate(x, scale_factor=self.zoom, mode="bilinear", align_corners=False)
        x = x.contiguous(memory_format=torch.channels_last)
        features = self.network(x)
        return [x] * self.shows_image + [features[level] for level in self.levels]

    def train(self, mode: bool = True) -> Backbone:
        """Switch to training; a frozen norm keeps its statistics."""
        super().train(mode)
        for name, module in self.network.named_modules():
            is_norm = isinstance(module, nn.modules.batchnorm._BatchNorm)
            if is_norm and (self.frozen_norm or f"{name}.weight" in self.frozen):
                module.eval()
        return self


def _freeze(network: nn.Module, levels: Sequence[int]) -> frozenset[str]:
    """Take the parameters on which these levels depend out of training; their names.

    The gradient of a level tells on what it depends, whatever timm's network calls its parts.
    """
    if not levels:
        return frozenset()
    with torch.inference_mode(False), torch.enable_grad():  # models are also built where gradients are off
        twin = copy.deepcopy(network).eval()
        names, parameters = zip(*twin.named_parameters(), strict=True)
        features = twin(torch.zeros(1, 3, 64, 64))
        total = torch.stack([features[n].sum() for n in levels]).sum()
        slopes = torch.autograd.grad(total, parameters, allow_unused=True)
    frozen = frozenset(name for name, slope in zip(names, slopes, strict=True) if slope is not None)
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(name not in frozen)
    return frozen


def stretch_brightness(images: Float[Tensor, "b 3 h w"]) -> Float[Tensor, "b 3 h w"]:
    """Each image by itself from its darkest value to its 99.5 % quantile onto [0, 1].

    For microscopy, whose exposures differ by factors of ten. All channels alike, so that hues stay.

    Example:
        >>> stretch_brightness(torch.tensor([[0.1, 0.2, 0.3]]).view(1, 3, 1, 1)).flatten().round(decimals=2)
        tensor([0.0000, 0.5000, 1.0100])
    """
    values = images[:, :, ::4, ::4].flatten(1).float()
    low = values.amin(dim=1).view(-1, 1, 1, 1)
    high = values.quantile(0.995, dim=1).view(-1, 1, 1, 1)
    return (images - low) / (high - low).clamp(min=0.02)


def _levels(name: str, strides: Sequence[int], finest: int, output_stride: int) -> list[int]:
    """The deepest level of each stride to `output_stride`; dilated networks repeat the last stride."""
    first = max(finest, 2)
    deepest = {stride: level for level, stride in enumerate(strides) if stride >= first}
    if first not in deepest or max(deepest) != output_stride:
        wanted = f"a network with features at strides {first} to {output_stride}"
        fail("backbone.name", wanted, f"{name!r} with strides {', '.join(map(str, strides))}")
    return sorted(deepest.values())


def _build(name: str, from_hub: bool, output_stride: int) -> Any:
    """The network that gives the features of all its levels."""
    if names_a_network(name):
        if from_hub:
            fail("backbone.pretrained", f"false or a file for {name}", "true")
        return build_network(name)
    if not timm.is_model(name.split(".")[0]):
        fail("backbone.name", "a network that timm knows", repr(name), hint=nearest(name, _similar(name)))
    options: dict[str, Any] = {} if output_stride == 32 else {"output_stride": output_stride}
    try:
        return timm.create_model(name, pretrained=from_hub, features_only=True, **options)
    except Exception as error:  # timm's networks and the hub raise almost anything
        reason = (str(error).splitlines() or [type(error).__name__])[0][:200]
        if from_hub:
            _build(name, False, output_stride)  # if it is the network's fault, this says so
            hint = "A file of weights, or false, needs no network."
            fail(
                "backbone.pretrained", f"weights that the hub gives for {name}", f"none ({reason})", hint=hint
            )
        what = "a network that gives features" + (f" at output stride {output_stride}" if options else "")
        return fail("backbone.name", what, f"{name!r} ({reason})")


def _dilate_further(network: nn.Module, factors: Sequence[int]) -> None:
    """Each block of a ResNet's last stage with the stage's dilation times a factor of its own.

    Source: Chen et al. 2017 (DeepLabv3), section 3.1: the multi-grid.
    """
    blocks = list(getattr(network, "layer4", ()))
    if len(blocks) != len(factors):
        fail("multi_grid", f"a number for each of the {len(blocks)} blocks of the last stage", factors)
    # timm leaves the first block's convolution at the dilation of the stage before, so the last one's counts
    dilation = blocks[-1].conv2.dilation[0]
    for block, factor in zip(blocks, factors, strict=True):
        block.conv2.dilation = block.conv2.padding = (factor * dilation, factor * dilation)


def _similar(name: str) -> list[str]:
    return timm.list_models(f"{name[:3]}*") or ["resnet50", "tf_efficientnet_lite0", "convnext_tiny"]
