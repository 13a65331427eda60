"""Panoptic-DeepLab's grouping: peaks of a centre heat map, and each pixel to the centre that it points at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Float32, Int32, Int64

import intarsia._native as _native
from intarsia._check import fail


@dataclass(frozen=True, slots=True)
class CenterGroups:
    """Instances around centres; instance i + 1 belongs to centre i. Centres go from the best score down."""

    instances: Int32[np.ndarray, "h w"]  # 0 for none
    centers: Int64[np.ndarray, "n 2"]  # row, column
    scores: Float32[np.ndarray, " n"]  # heat at the centre


def center_offset_grouping(
    heat: Float[np.ndarray, "h w"],
    offsets: Float[np.ndarray, ...],
    things: Bool[np.ndarray, ...],
    *,
    threshold: float = 0.1,
    nms_kernel: int = 7,
    top_k: int | None = None,
) -> CenterGroups:
    """Find centres as peaks of the heat map; each thing pixel goes to the centre nearest to where it points.

    A peak exceeds the threshold and all pixels of the window around it; of equal ones the first stands (ours:
    a plateau gives one centre, not one a pixel). The image plane is cut into cells that know the few centres
    that can be nearest to a place in them, so the time hardly depends on the number of centres. Native, on
    one thread, with the interpreter lock released.

    Source: Cheng et al. 2020, "Panoptic-DeepLab", section 3.2.

    Args:
        heat: Probability that a pixel is the centre of an instance.
        offsets: Float `2 h w`, from each pixel to its centre: rows, then columns, in pixels.
        things: Bool `h w`, the pixels to group.
        threshold: Heat in [0, 1] that a centre is above; 0.1 is Panoptic-DeepLab's.
        nms_kernel: Odd side, in pixels, of the window in which only the hottest is a centre; 7 is Panoptic-
            DeepLab's.
        top_k: Keep this many centres, the best; None keeps all (the paper keeps 200).

    Returns:
        The instance of each pixel and the centres. Without centres every instance is 0.

    Raises:
        ValueError: If sizes differ, an offset at a thing pixel is not finite, or the kernel is even.

    Example:
        >>> heat = np.array([[0.9, 0.0, 0.0, 0.0, 0.8]])
        >>> groups = center_offset_grouping(heat, np.zeros((2, 1, 5)), heat >= 0, nms_kernel=3)
        >>> groups.instances.tolist(), groups.centers.tolist()
        ([[1, 1, 1, 2, 2]], [[0, 0], [0, 4]])
    """
    _check(heat, offsets, things, nms_kernel, top_k)
    pixels, scores = _native.peaks(_array(heat), threshold, nms_kernel)
    pixels, scores = pixels[:top_k], scores[:top_k]
    centers = np.stack(np.divmod(pixels, max(heat.shape[1], 1)), axis=1)  # n 2
    instances = _native.group_by_offset(_array(offsets), np.ascontiguousarray(things), _array(centers))
    return CenterGroups(instances, centers, scores)


def _array(values: np.ndarray) -> Float32[np.ndarray, ...]:
    return np.ascontiguousarray(values, np.float32)


def _check(
    heat: np.ndarray, offsets: np.ndarray, things: np.ndarray, nms_kernel: int, top_k: int | None
) -> None:
    for name, array, shape in (
        ("offsets", offsets, (2, *heat.shape)),
        ("things", things, heat.shape),
    ):
        if array.shape != shape:
            fail(name, f"{shape} to fit `heat`", array.shape)
    if nms_kernel < 1 or nms_kernel % 2 == 0:
        fail("nms_kernel", "odd and positive", nms_kernel)
    if top_k is not None and top_k < 0:
        fail("top_k", "at least 0", top_k)
    if not (np.isfinite(offsets) | ~things).all():
        fail("offsets", "finite where `things`", "NaN or infinity")
