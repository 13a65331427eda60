"""Pixels of any mode, depth or colour space as 8-bit RGB."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import numpy as np
from jaxtyping import Shaped, UInt8
from PIL import Image, ImageCms

__all__ = ["as_rgb", "in_srgb", "stretch_to_bytes"]

WHOLE_TABLE = 1 << 16
PROFILE_MODES = {"RGB ": ("RGB",), "CMYK": ("CMYK",), "GRAY": ("L",), "Lab ": ("LAB",)}
"""The modes that a colour profile of each kind can describe."""


def as_rgb(image: Image.Image) -> UInt8[np.ndarray, "h w 3"]:
    """A Pillow image of any mode as 8-bit RGB, as `read_image` has it.

    Its colour profile is applied, so that what comes out is sRGB. Transparency is dropped; deeper pixels are
    stretched.

    Example:
        >>> as_rgb(Image.new("L", (2, 1), 7)).tolist()
        [[[7, 7, 7], [7, 7, 7]]]
    """
    if image.mode.startswith(("I", "F")):
        return np.repeat(stretch_to_bytes(np.asarray(image))[..., None], 3, axis=2)
    if image.mode in ("P", "PA", "LA"):
        image = image.convert("RGBA")
    if image.mode == "RGBA":
        image = _with_profile(image.convert("RGB"), image.info.get("icc_profile"))
    return np.array(_in_srgb(image).convert("RGB"))


def in_srgb(
    values: UInt8[np.ndarray, "h w c"], profile: bytes | None
) -> UInt8[np.ndarray, "h w 3"] | UInt8[np.ndarray, "h w c"]:
    """Gray or RGB by its colour profile as sRGB; as it is where there is no profile.

    Example:
        >>> in_srgb(np.full((1, 1, 1), 7, np.uint8), None).tolist()
        [[[7]]]
    """
    if not profile:
        return values
    image = Image.fromarray(values[..., 0] if values.shape[2] == 1 else np.ascontiguousarray(values))
    return as_rgb(_with_profile(image, profile))


def stretch_to_bytes(values: Shaped[np.ndarray, "h w ..."]) -> UInt8[np.ndarray, "h w ..."]:
    """Values of more than 8 bits as 8: the 0.1st percentile is black, the 99.9th white.

    A camera of 12 or 14 bits stores in 16, and the largest number it could have written is not in the file.
    Channels that are given together keep their proportions. What is no number is black.

    Args:
        values: One picture (h, w), or several channels (h, w, c).

    Example:
        >>> stretch_to_bytes(np.array([[0, 819, 1638, 4095]], np.uint16)).tolist()
        [[0, 51, 102, 255]]
    """
    if values.dtype == np.bool_:
        return values.astype(np.uint8) * 255
    channels = [values[..., n] for n in range(values.shape[2])] if values.ndim == 3 else [values]
    ranges = [_range(channel) for channel in channels]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if values.dtype == np.uint16:  # a table is exact, and small where the picture is large
        return _scale(np.arange(WHOLE_TABLE, dtype=np.float64), low, high)[values]
    return _scale(np.nan_to_num(values.astype(np.float64), nan=low), low, high)


def _range(values: Shaped[np.ndarray, "h w"]) -> tuple[float, float]:
    finite = values if values.dtype.kind in "ui" else values[np.isfinite(values)]
    if not finite.size:
        return 0.0, 0.0
    low, high = np.percentile(finite.astype(np.float64), [0.1, 99.9])
    return float(low), float(high)


def _scale(values: np.ndarray, low: float, high: float) -> UInt8[np.ndarray, ...]:
    share = np.clip(values, low, high) - low
    return (share / max(high - low, 1e-12) * 255).round().astype(np.uint8)


def _with_profile(image: Image.Image, profile: bytes | None) -> Image.Image:
    if profile:
        image.info["icc_profile"] = profile
    return image


def _in_srgb(image: Image.Image) -> Image.Image:
    """The image by its colour profile; without one, or with a broken one, by what its mode stands for."""
    profile = image.info.get("icc_profile")
    if profile:
        try:
            source: Any = ImageCms.getOpenProfile(BytesIO(profile))
            if image.mode in PROFILE_MODES.get(source.profile.xcolor_space, ()) and not _is_srgb(source):
                return _transform(image, source)
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    if image.mode == "LAB":
        return _transform(image, ImageCms.createProfile("LAB"))
    return image


def _is_srgb(profile: Any) -> bool:
    return "srgb" in (profile.profile.profile_description or "").lower()


def _transform(image: Image.Image, source: Any) -> Image.Image:
    result = ImageCms.profileToProfile(image, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
    assert result is not None  # only inPlace=True gives none
    return result
