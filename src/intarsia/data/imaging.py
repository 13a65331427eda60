"""What an instrument does to a picture: exposure, focus, noise, compression, and whether light is bright."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional

from intarsia._check import fail

__all__ = ["Imaging", "ImagingConfig"]


@dataclass(frozen=True, kw_only=True)
class ImagingConfig:
    """How likely each change of a training image is; they are drawn one by one, and several may meet.

    The strengths are drawn evenly from what instruments do: an exponent from 0.5 to 2 on a log scale, a blur
    of 0.3 to 1.5 pixels, noise of up to 8 % of the full range, a JPEG quality from 20 to 90.

    Attributes:
        invert: Bright becomes dark: negatives, and absorbing beside glowing objects.
        gamma: A curved relation between light and value.
        blur: A Gaussian blur: out of focus.
        noise: Gaussian noise, of each pixel and colour by itself.
        jpeg: Through JPEG, with its blocks.
    """

    invert: float = 0.0
    gamma: float = 0.0
    blur: float = 0.0
    noise: float = 0.0
    jpeg: float = 0.0

    def __post_init__(self) -> None:
        for field in fields(self):
            if not 0 <= getattr(self, field.name) <= 1:
                fail(f"imaging.{field.name}", "a probability in [0, 1]", getattr(self, field.name))

    @property
    def is_none(self) -> bool:
        """Whether nothing ever changes."""
        return not any(getattr(self, field.name) for field in fields(self))


class Imaging(v2.Transform):
    """Change how the image was taken; the map stays.

    Example:
        >>> image = tv_tensors.Image(torch.tensor([[[0]], [[55]], [[255]]], dtype=torch.uint8))
        >>> Imaging(ImagingConfig(invert=1.0))(image).flatten().tolist()
        [255, 200, 0]
    """

    def __init__(self, config: ImagingConfig) -> None:
        super().__init__()
        self.config = config

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw which changes happen, and how strong they are."""
        drawn = torch.rand(len(fields(self.config)), 2).tolist()
        return {
            field.name: strength
            for field, (chance, strength) in zip(fields(self.config), drawn, strict=True)
            if chance < getattr(self.config, field.name)
        }

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """The image as another instrument shows it: light first, then optics, sensor and file."""
        if isinstance(inpt, tv_tensors.Mask) or not params:
            return inpt
        image = inpt.as_subclass(Tensor)
        for name, change in _CHANGES.items():
            if name in params:
                image = change(image, params[name])
        return image.as_subclass(type(inpt))


def _invert(image: Tensor, _: float) -> Tensor:
    return 255 - image


def _curve(image: Tensor, strength: float) -> Tensor:
    table = torch.linspace(0, 1, 256) ** math.exp((2 * strength - 1) * math.log(2))
    return (table * 255 + 0.5).to(torch.uint8)[image.long()]


def _blur(image: Tensor, strength: float) -> Tensor:
    return functional.gaussian_blur(image, [7, 7], [0.3 + 1.2 * strength])


def _noisy(image: Tensor, strength: float) -> Tensor:
    noise = torch.randn(image.shape) * (0.08 * 255 * strength)
    return (image + noise + 0.5).clamp_(0, 255).to(torch.uint8)


def _compress(image: Tensor, strength: float) -> Tensor:
    file = io.BytesIO()
    Image.fromarray(image.movedim(0, 2).numpy()).save(file, "jpeg", quality=int(20 + 70 * strength))
    return torch.from_numpy(np.array(Image.open(file))).movedim(2, 0).contiguous()


_CHANGES = {
    "invert": _invert,
    "gamma": _curve,
    "blur": _blur,
    "noise": _noisy,
    "jpeg": _compress,
}
