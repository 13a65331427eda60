"""Changes of an image's colours."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2


class Photometric(v2.Transform):
    """Change brightness, contrast, saturation and hue of the image: one linear map of its colours.

    The hue is a turn around the gray axis, as in YIQ and unlike HSV; so everything is one 3x3 matrix and
    one pass over the image instead of four.
    """

    def __init__(self, strength: float) -> None:
        super().__init__()
        self.strength = strength

    def make_params(self, flat_inputs: list[Any]) -> dict[str, Any]:
        """Draw the four changes and join them."""
        changes = (2 * torch.rand(4, dtype=torch.float64) - 1) * self.strength
        brightness, contrast, saturation, turn = (changes * torch.tensor([0.4, 0.4, 0.5, 0.6])).tolist()
        gray = torch.tensor([0.299, 0.587, 0.114], dtype=torch.float64).expand(3, 3)
        saturated = gray + (1 + saturation) * (torch.eye(3, dtype=torch.float64) - gray)
        matrix = (1 + brightness) * (1 + contrast) * saturated @ _turn_around_gray(turn)
        return {"matrix": matrix.float(), "pull": -contrast * (1 + brightness)}

    def transform(self, inpt: Any, params: dict[str, Any]) -> Any:
        """Map the colours; masks stay."""
        if isinstance(inpt, tv_tensors.Mask):
            return inpt
        colors = inpt.as_subclass(Tensor).flatten(1).float()  # 3 (h w)
        shift = params["pull"] * float(colors.mean())
        changed = torch.addmm(torch.tensor([[shift + 0.5]]), params["matrix"], colors).clamp_(0, 255)
        return changed.to(torch.uint8).view(inpt.shape).as_subclass(type(inpt))


def _turn_around_gray(angle: float) -> Tensor:
    """The rotation by an angle (radians) around the axis (1, 1, 1): Rodrigues' formula."""
    third, cross = torch.full((3, 3), 1 / 3, dtype=torch.float64), torch.zeros(3, 3, dtype=torch.float64)
    for row, column, sign in ((2, 1, 1), (0, 2, 1), (1, 0, 1), (1, 2, -1), (2, 0, -1), (0, 1, -1)):
        cross[row, column] = sign / math.sqrt(3)
    identity = torch.eye(3, dtype=torch.float64)
    return math.cos(angle) * identity + math.sin(angle) * cross + (1 - math.cos(angle)) * third
