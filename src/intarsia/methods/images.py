"""An image of any kind as the tensor that networks take."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia.pictures.image_like import ImageLike, as_image

__all__ = ["as_tensor"]


def as_tensor(source: ImageLike) -> Float[Tensor, "3 h w"]:
    """An RGB image in [0, 1] from whatever `as_image` takes.

    Raises:
        ValueError: As `as_image`.

    Example:
        >>> import numpy as np
        >>> as_tensor(np.full((2, 5, 3), 51, np.uint8)).shape
        torch.Size([3, 2, 5])
    """
    return torch.from_numpy(as_image(source)).permute(2, 0, 1).contiguous()  # 3 h w
