"""Whatever a person calls an image, as a float tensor in [0, 1]."""

from __future__ import annotations

from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from intarsia._check import fail
from intarsia.pictures.reading import as_rgb, read_image

__all__ = ["ImageLike", "as_image"]

ImageLike: TypeAlias = str | Path | Image.Image | np.ndarray | Tensor


def as_image(source: ImageLike) -> Float[Tensor, "3 h w"]:
    """An RGB image in [0, 1] from a file, a Pillow image, an array or a tensor.

    A file is turned upright as its EXIF orientation says; gray becomes RGB and transparency is dropped.

    Args:
        source: A path, a Pillow image, a uint8 array (h, w, 3) or (h, w), or a tensor (3, h, w), uint8 or
            float in [0, 1].

    Raises:
        ValueError: The file is missing or broken, or the array or tensor has another shape or type.

    Example:
        >>> as_image(np.full((2, 5, 3), 51, np.uint8))[0, 0, 0].item()
        0.20000000298023224
    """
    if isinstance(source, str | Path):
        source = read_image(source, upright=True)
    if isinstance(source, Image.Image):
        source = as_rgb(ImageOps.exif_transpose(source))
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if source.dtype != np.uint8 or source.ndim not in (2, 3) or (source.ndim == 3 and source.shape[2] != 3):
        fail("image", "a uint8 array (h, w, 3) or (h, w)", f"{source.dtype} of shape {source.shape}")
    array = source if source.ndim == 3 else np.repeat(source[:, :, None], 3, axis=2)
    return _from_tensor(torch.from_numpy(array.copy()).permute(2, 0, 1))  # 3 h w


def _from_tensor(image: Tensor) -> Float[Tensor, "3 h w"]:
    if image.ndim != 3 or image.shape[0] != 3 or image[0].numel() == 0:
        fail("image", "a tensor (3, h, w)", f"one of shape {tuple(image.shape)}")
    if image.dtype == torch.uint8:
        return image.float() / 255
    if not image.is_floating_point():
        fail("image", "a uint8 or float tensor", f"one of {image.dtype}")
    low, high = float(image.min()), float(image.max())
    if not (low >= 0 and high <= 1):
        fail("image", "in [0, 1] where it is float", f"values from {low:g} to {high:g}")
    return image.float()
