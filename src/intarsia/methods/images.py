"""Whatever a person calls an image, as a float tensor in [0, 1]."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image, ImageOps
from torch import Tensor

from intarsia._check import fail

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
        return _from_pillow(_read(Path(source)), name=str(source))
    if isinstance(source, Image.Image):
        return _from_pillow(source, name="image")
    if isinstance(source, Tensor):
        return _from_tensor(source)
    if source.dtype != np.uint8 or source.ndim not in (2, 3) or (source.ndim == 3 and source.shape[2] != 3):
        fail("image", "a uint8 array (h, w, 3) or (h, w)", f"{source.dtype} of shape {source.shape}")
    array = source if source.ndim == 3 else np.repeat(source[:, :, None], 3, axis=2)
    return _from_tensor(torch.from_numpy(array.copy()).permute(2, 0, 1))  # 3 h w


def _read(path: Path) -> Image.Image:
    if not path.is_file():
        fail(str(path), "an image file", "a folder" if path.is_dir() else "no such file")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                image.load()
                return image
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        return fail(str(path), "a readable image", f"a file that is not ({error})")


def _from_pillow(image: Image.Image, *, name: str) -> Float[Tensor, "3 h w"]:
    image = ImageOps.exif_transpose(image)
    if image.mode.startswith(("I", "F")):  # 16 and 32 bits: the brightest pixel becomes white
        gray = np.asarray(image, dtype=np.float32)
        if not np.isfinite(gray).all():
            fail(name, "an image of finite values", "NaN or infinity")
        low, high = float(gray.min()), float(gray.max())
        scaled = (gray - min(low, 0.0)) / max(high - min(low, 0.0), 1e-6)
        return torch.from_numpy(np.repeat(scaled[None], 3, axis=0))
    array = np.array(image.convert("RGB"))
    return _from_tensor(torch.from_numpy(array).permute(2, 0, 1))  # 3 h w


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
