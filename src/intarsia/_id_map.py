"""Arrays of segment ids: checked, given other values, as colours, at another size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Int, Int32, UInt8

import intarsia._native as _native
from intarsia._check import fail

__all__ = ["as_id_map", "ids_to_rgb", "nearest_index", "relabel", "rgb_to_ids"]


def as_id_map(ids: Any) -> Int32[np.ndarray, "h w"]:
    """A read-only int32 copy of what is a map of ids; anything else is refused.

    Raises:
        ValueError: It is not a 2-d array of integers in [0, 2^31), at least 1x1.
    """
    ids = np.asarray(ids)
    if ids.ndim != 2 or ids.size == 0 or ids.dtype.kind not in "iu":
        fail("ids", "a 2-d array of integers, at least 1x1", f"{ids.dtype} of shape {ids.shape}")
    if int(ids.min()) < 0 or int(ids.max()) >= 1 << 31:
        fail("ids", "in [0, 2^31)", int(ids.min()) if int(ids.min()) < 0 else int(ids.max()))
    id_map = np.array(ids, dtype=np.int32, order="C")
    id_map.flags.writeable = False
    return id_map


def relabel(
    ids: Int32[np.ndarray, "h w"], value_of: Mapping[int, int], *, other: int
) -> Int32[np.ndarray, "h w"]:
    """The value of each pixel's id; `other` where the id has none."""
    keys = np.fromiter(value_of.keys(), np.int32, len(value_of))
    values = np.fromiter(value_of.values(), np.int32, len(value_of))
    return _native.relabel(ids, keys, values, other)


def nearest_index(size: int, source_size: int) -> Int[np.ndarray, " n"]:
    """For each of `size` pixels the source pixel under its centre."""
    return ((np.arange(size) + 0.5) * source_size / size).astype(np.int64)


def ids_to_rgb(ids: Int[np.ndarray, "h w"]) -> UInt8[np.ndarray, "h w 3"]:
    """The colours that encode ids in COCO's panoptic PNG: id = R + 256 G + 65536 B.

    Raises:
        ValueError: An id does not fit into three bytes.

    Example:
        >>> ids_to_rgb(np.array([[7, 256 + 2]])).tolist()
        [[[7, 0, 0], [2, 1, 0]]]
    """
    if ids.size and int(ids.max()) >= 1 << 24:
        fail(
            "ids",
            "below 2^24 to fit into a PNG",
            int(ids.max()),
            hint="PanopticMap.renumbered() makes them small.",
        )
    return np.stack([ids & 255, (ids >> 8) & 255, ids >> 16], axis=-1).astype(np.uint8)


def rgb_to_ids(rgb: UInt8[np.ndarray, "h w 3"]) -> Int32[np.ndarray, "h w"]:
    """The ids that the colours of COCO's panoptic PNG encode.

    Example:
        >>> rgb_to_ids(np.uint8([[[2, 1, 0]]])).tolist()
        [[258]]
    """
    wide = rgb.astype(np.int32)
    return wide[..., 0] | wide[..., 1] << 8 | wide[..., 2] << 16
