"""Whatever a person calls an image, as one kind of array."""

from __future__ import annotations

from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from jaxtyping import Float32, UInt8
from PIL import Image

from intarsia._check import a_kind, fail
from intarsia.pictures.colors import as_rgb, stretch_to_bytes
from intarsia.pictures.orientation import turn_upright
from intarsia.pictures.pillow_file import orientation_of
from intarsia.pictures.reading import Readable, read_image

__all__ = ["ImageLike", "Pixels", "as_image", "as_pixels", "in_unit_range"]


@runtime_checkable
class Tensor(Protocol):
    """What is asked of a tensor, so that torch need not be imported."""

    def detach(self) -> Any:
        """The values without what they were computed from."""
        ...


ImageLike: TypeAlias = Readable | Image.Image | np.ndarray | Tensor
"""A file, its content, a Pillow image, an array (h, w), (h, w, 3) or (h, w, 4), or a tensor (3, h, w)."""

Pixels: TypeAlias = UInt8[np.ndarray, "h w 3"] | Float32[np.ndarray, "h w 3"]
"""Bytes, or floats in [0, 1]."""


def as_image(
    source: ImageLike, *, channel: int | tuple[int, ...] | None = None, page: int | None = None
) -> Float32[np.ndarray, "h w 3"]:
    """An RGB image in [0, 1] from a file, a Pillow image, an array or a tensor.

    Files and Pillow images are turned upright as their orientation says. Gray becomes RGB, transparency is
    dropped, and what is deeper than 8 bits is stretched as `read_image` does. Tensors are known by what they
    can do, so that torch need not be installed.

    Args:
        source: A path, bytes, an open file, a Pillow image; an array (h, w), (h, w, 3) or (h, w, 4) of uint8,
            uint16, bool, or floats in [0, 1]; or a tensor (3, h, w) of uint8 or floats in [0, 1].
        channel: Of a file, as `read_image` takes it.
        page: Of a file, as `read_image` takes it.

    Raises:
        ValueError: The file is missing or broken, or the array or tensor has another shape, type or range.

    Example:
        >>> as_image(np.full((2, 5, 3), 51, np.uint8))[0, 0].tolist()
        [0.20000000298023224, 0.20000000298023224, 0.20000000298023224]
    """
    return np.require(in_unit_range(as_pixels(source, channel=channel, page=page)), requirements=["C", "W"])


def as_pixels(
    source: ImageLike, *, channel: int | tuple[int, ...] | None = None, page: int | None = None
) -> Pixels:
    """As `as_image`, but what is stored as bytes stays bytes: a quarter of the memory for a large image.

    Args:
        source: As `as_image` takes it. An array of bytes is not copied.
        channel: As in `as_image`: which channels to show.
        page: As in `as_image`: which page of several.

    Raises:
        ValueError: As `as_image`.

    Example:
        >>> as_pixels(np.full((2, 5), 51, np.uint8))[0, 0].tolist()
        [51, 51, 51]
    """
    if isinstance(source, Readable):
        return read_image(source, channel=channel, page=page)
    if channel is not None or page is not None:
        fail("channel" if page is None else "page", "given for files only", f"it for {_kind(source)}")
    if isinstance(source, Image.Image):
        return turn_upright(as_rgb(source), orientation_of(source))
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Tensor):
        return _from_tensor(source)
    return fail("image", "a file, a Pillow image, an array or a tensor", _kind(source))


def in_unit_range(pixels: Pixels) -> Float32[np.ndarray, "h w 3"]:
    """Pixels as floats in [0, 1]; floats are what they are.

    Example:
        >>> in_unit_range(np.full((1, 1, 3), 51, np.uint8)).tolist()
        [[[0.20000000298023224, 0.20000000298023224, 0.20000000298023224]]]
    """
    return pixels if pixels.dtype == np.float32 else np.divide(pixels, np.float32(255), dtype=np.float32)


def _kind(source: object) -> str:
    return a_kind(source)


def _from_array(values: np.ndarray) -> Pixels:
    expected = "an array (h, w), (h, w, 3) or (h, w, 4) of uint8, uint16 or floats"
    known = values.dtype in (np.bool_, np.uint8, np.uint16) or values.dtype.kind == "f"
    if not known or values.ndim not in (2, 3) or values.shape[2:] not in ((), (1,), (3,), (4,)):
        hint = ""
        if values.ndim == 3 and values.shape[0] in (1, 3, 4):
            hint = "Channels come last: numpy.moveaxis(image, 0, 2)."
        fail("image", expected, f"{values.dtype} of shape {values.shape}", hint=hint)
    if values.size == 0:
        fail("image", "of at least one pixel", f"shape {values.shape}")
    colors = values.reshape(*values.shape[:2], -1)[..., :3]
    if values.dtype.kind == "f":
        shown = _check_range(colors)
    else:
        shown = colors if values.dtype == np.uint8 else stretch_to_bytes(colors)
    return np.broadcast_to(shown, (*shown.shape[:2], 3))


def _from_tensor(tensor: Any) -> Pixels:
    if tensor.ndim != 3 or tensor.shape[0] != 3 or 0 in tensor.shape:
        fail("image", "a tensor (3, h, w)", f"one of shape {tuple(tensor.shape)}")
    tensor = tensor.detach().cpu()
    if tensor.is_floating_point():
        return _check_range(np.moveaxis(tensor.float().numpy(), 0, 2))
    values = np.moveaxis(tensor.numpy(), 0, 2)
    if values.dtype != np.uint8:
        fail("image", "a uint8 or float tensor", f"one of {tensor.dtype}")
    return values


def _check_range(values: np.ndarray) -> Float32[np.ndarray, "h w c"]:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 1):
        hint = "Divide by 255." if 1 < high <= 255 and low >= 0 else ""
        fail("image", "in [0, 1] where it is float", f"values from {low:g} to {high:g}", hint=hint)
    return np.array(values, np.float32, order="C")
