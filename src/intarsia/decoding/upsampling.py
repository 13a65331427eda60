"""From the grid of a network's output to the pixels of the image."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float32, Int32, Int64, UInt8, UInt16

import intarsia._native as _native
from intarsia._check import check_least, fail
from intarsia.panoptic import VOID_INDEX

__all__ = ["grid_size", "upsampled_argmax", "upsampled_labels", "upsampled_segments", "upsampled_winners"]


def grid_size(height: int, width: int, *, stride: int = 4) -> tuple[int, int]:
    """Rows and columns of the grid over an image: divided by the stride, rounded up.

    Args:
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        stride: Pixels between neighbours on the grid; 4, the finest level of the usual backbones.

    Example:
        >>> grid_size(1, 9)
        (1, 3)
    """
    return -(-height // stride), -(-width // stride)


def upsampled_argmax(
    logits: Float32[np.ndarray, "k hs ws"], height: int, width: int, *, stride: int = 4, threads: int = 1
) -> UInt8[np.ndarray, "h w"] | UInt16[np.ndarray, "h w"]:
    """The index of the largest value at every pixel, as if all maps were up-sampled bilinearly.

    No map is up-sampled whole. Where one map is the largest at all four points of a cell of the grid it wins
    in the whole cell; in the other cells, those along edges, only maps that can win are interpolated.
    Hundreds of maps need no more memory than one, and little more time than to read them. Native, with the
    interpreter lock released.

    The result is that of the argmax over `torch.nn.functional.interpolate(..., mode="bilinear")` on the CPU,
    rounded as its kernel for contiguous maps rounds; of equal ones the first wins.

    Args:
        logits: Of each category, on a grid whose points stand in the middle of blocks of `stride` pixels.
        height: Of the image, which the grid must cover.
        width: Columns of the image.
        stride: Pixels between neighbours on the grid; 4, the finest level of the usual backbones.
        threads: How many may work at once; the result does not depend on it.

    Returns:
        Bytes for up to 255 maps, so that 255 can stay void; 16 bits for more.

    Raises:
        ValueError: There is no map or more than 65535, the grid does not cover the image, or a value is NaN
            or infinite.

    Example:
        >>> logits = np.array([[[1.0, 0.0]], [[0.0, 1.0]]], np.float32)
        >>> upsampled_argmax(logits, 1, 8)
        array([[0, 0, 0, 0, 1, 1, 1, 1]], dtype=uint8)
    """
    if len(logits) > 65535:
        fail("logits", "of at most 65535 categories", len(logits))
    dtype = np.uint8 if len(logits) <= VOID_INDEX else np.uint16
    return _winners("logits", logits, np.empty((height, width), dtype), stride, threads)


def upsampled_winners(
    values: Float32[np.ndarray, "s hs ws"], height: int, width: int, *, stride: int = 4, threads: int = 1
) -> Int32[np.ndarray, "h w"]:
    """As `upsampled_argmax` for any number of channels.

    Args:
        values: Of each channel, on a grid whose points stand in the middle of blocks of `stride` pixels.
        height: Of the image, in pixels, which the grid must cover.
        width: Of the image, in pixels.
        stride: Pixels between neighbours on the grid; 4, the finest level of the usual backbones.
        threads: How many may work at once; one, as a caller has often threads of its own.

    Example:
        >>> upsampled_winners(np.array([[[1.0, 0.0]], [[0.0, 1.0]]], np.float32), 1, 8)
        array([[0, 0, 0, 0, 1, 1, 1, 1]], dtype=int32)
    """
    return _winners("values", values, np.empty((height, width), np.int32), stride, threads)


def _winners(name: str, values: np.ndarray, winners: np.ndarray, stride: int, threads: int) -> Any:
    if not len(values):
        fail(name, "at least one map", values.shape)
    _check_covered(name, values.shape[1:], winners.shape, stride)
    if not _native.find_winners(np.ascontiguousarray(values), winners, stride, threads):
        fail(name, "finite", "NaN or infinity")
    return winners


def upsampled_labels(
    labels: Int32[np.ndarray, "hs ws"],
    group_of_label: UInt8[np.ndarray, " n"],
    groups: UInt8[np.ndarray, "h w"],
    *,
    free: UInt8[np.ndarray, " f"],
    stride: int = 4,
) -> Int32[np.ndarray, "h w"]:
    """Labels at every pixel: the four grid points around a pixel vote with their bilinear weights.

    Only labels of the pixel's own group may win; where none of the four is, the nearest point's label does.
    This is the argmax of the bilinearly up-sampled masks, without ever making a mask for each label.

    Args:
        labels: Labels on the grid, 0 for none.
        group_of_label: The group of each label; the entry of label 0 is unused.
        groups: The group of each pixel.
        free: Groups whose pixels keep label 0.
        stride: Pixels between neighbours on the grid; 4, the finest level of the usual backbones.

    Returns:
        The label of each pixel, 0 where its group is free or no label is near.

    Raises:
        ValueError: The grid does not cover the image, or a label has no group.

    Example:
        >>> labels, of_group = np.array([[1, 2]], np.int32), np.array([0, 7, 7], np.uint8)
        >>> upsampled_labels(labels, of_group, np.full((1, 8), 7, np.uint8), free=np.array([9], np.uint8))
        array([[1, 1, 1, 1, 2, 2, 2, 2]], dtype=int32)
    """
    _check_covered("labels", labels.shape, groups.shape, stride)
    _check_named("labels", labels, len(group_of_label))
    is_free = np.zeros(VOID_INDEX + 1, bool)
    is_free[free] = True
    return _native.vote_for_labels(
        np.ascontiguousarray(labels),
        np.ascontiguousarray(group_of_label),
        np.ascontiguousarray(groups),
        is_free,
        stride,
    )


def upsampled_segments(
    ids: Int32[np.ndarray, "hs ws"],
    categories: Int64[np.ndarray, " s"],
    logits: Float32[np.ndarray, ...],
    *,
    size: tuple[int, int],
    stride: int = 4,
) -> Int32[np.ndarray, "h w"]:
    """The segment of each pixel: of those at the four grid points around it the one that fits best.

    That is the one whose category has the largest bilinear logit; of several of that category, the one with
    the most bilinear weight. Only pixels between different segments are looked at.

    Source: ours; the paper on the cut takes the nearest grid point.

    Args:
        ids: Segment of each grid point, from 0.
        categories: Category index of each segment.
        logits: Float32 `k hs ws`, of the categories.
        size: Height and width of the image.
        stride: Pixels between neighbours on the grid; 4, the finest level of the usual backbones.

    Raises:
        ValueError: The grid does not cover the image, the logits have another size, a segment has no category
            or a category no logits.

    Example:
        >>> logits = np.array([[[1.0, 0.0]], [[0.0, 3.0]]], np.float32)  # the right point is surer
        >>> ids = np.array([[0, 1]], np.int32)
        >>> upsampled_segments(ids, np.array([0, 1]), logits, size=(1, 8))
        array([[0, 0, 0, 1, 1, 1, 1, 1]], dtype=int32)
    """
    _check_covered("ids", ids.shape, size, stride)
    if logits.shape[1:] != ids.shape:
        fail("logits", f"of size {ids.shape} like `ids`", logits.shape)
    _check_named("ids", ids, len(categories))
    _check_named("categories", categories, len(logits))
    return _native.fit_segments(
        np.ascontiguousarray(ids),
        np.ascontiguousarray(categories),
        np.ascontiguousarray(logits),
        *size,
        stride,
    )


def _check_covered(name: str, grid: tuple[int, ...], size: tuple[int, ...], stride: int) -> None:
    check_least("stride", stride, 1)
    rows, columns = grid_size(*size, stride=stride)
    if grid[0] < rows or grid[1] < columns:
        fail(name, f"a grid of at least {(rows, columns)} for an image of {size} at stride {stride}", grid)


def _check_named(name: str, numbers: np.ndarray, count: int) -> None:
    low, high = numbers.min(initial=0), numbers.max(initial=-1)
    if low < 0 or high >= count:
        fail(name, f"in [0, {count})", int(low if low < 0 else high))
