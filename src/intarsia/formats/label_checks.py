"""What a label image is not: a photo whose gray values were taken for objects, or a mask of 0 and 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Bool, Int, Int64

from intarsia._check import counted, fail
from intarsia.cut.offsets import pair_slices

__all__ = ["check_no_mask", "check_no_photo", "check_not_resized", "pieces_of"]

MIN_GRAY_VALUES = 8
"""A picture of fewer values is no photo."""
MAX_LONELY = 0.001
"""Up to this share of pixels that stand alone, nothing is looked at: labels of nuclei have at most 0.0008,
their photos at least 0.003."""
MIN_RIM = 0.9
"""From this share of its pixels between a smaller and a larger number on a label is a rim."""
MAX_PIECES = 4
"""Pieces for each label. Labels of nuclei have at most 1.01, maps of facades with their stuff 2.9; photos
of nuclei in gray at least 7, half of them more than 75."""


def check_no_photo(labels: Int[np.ndarray, "h w"], path: str | Path) -> None:
    """Refuse a photo: gray values come back all over the picture, labels are connected but for a few pixels.

    Raises:
        ValueError: It looks like a photo.
    """
    values = np.unique(labels[labels > 0])
    if len(values) < MIN_GRAY_VALUES or _lonely(labels).mean() <= MAX_LONELY:
        return
    pieces = int(pieces_of(labels).max())
    if pieces > MAX_PIECES * len(values):
        expected = "a label image, one number for all pixels of an object"
        fail(str(path), expected, f"what looks like a photo ({len(values)} values in {pieces} pieces)")


def check_no_mask(labels: Int[np.ndarray, "h w"], path: str | Path) -> None:
    """Refuse masks: one value, or a few, in many pieces, which are hardly one object each.

    Raises:
        ValueError: It looks like a mask of 0 and 1, of 0 and 255, or of a few classes.
    """
    values = np.unique(labels[labels > 0])
    if not 0 < len(values) < MIN_GRAY_VALUES:
        return
    count = len(np.unique(pieces_of(labels))) - bool((labels == 0).any())
    if count > (1 if len(values) == 1 else MAX_PIECES * len(values)):
        hint = (
            "With `--objects pieces` of `intarsia convert labels` each connected piece is an object, with "
            "`--objects labels` all of a value are one."
        )
        listed = f"0 and {values[0]}" if len(values) == 1 else counted(len(values), "value")
        expected = "a label image, one number for each object"
        fail(str(path), expected, f"a mask of {listed} in {count} pieces", hint=hint)


def check_not_resized(labels: Int[np.ndarray, "h w"], path: str | Path) -> None:
    """Refuse labels that were resized as a photo is: between two objects come rims of numbers in between.

    A rim has no pixel inside, and at each of its pixels a smaller number on one side and a larger one on the
    other. Small objects have that when they lie between others; most objects of a picture do not.

    Raises:
        ValueError: There are more rims than objects.
    """
    values, index = np.unique(labels, return_inverse=True)
    low, high = _extreme(labels, np.minimum), _extreme(labels, np.maximum)
    index = index.ravel()
    num_px = np.bincount(index)
    num_between = np.bincount(index, ((low < labels) & (labels < high)).ravel())
    has_inside = np.bincount(index, (low == high).ravel()) > 0
    is_rim = ~has_inside & (num_between >= MIN_RIM * num_px)
    is_object = has_inside & (values > 0)
    if 0 < is_object.sum() < is_rim.sum():
        rims = counted(int(is_rim.sum()), "rim")
        got = f"{rims} of numbers in between, as resizing with interpolation leaves"
        hint = "Resize label images with the nearest neighbour."
        fail(str(path), "a label image, one number for all pixels of an object", got, hint=hint)


def _extreme(labels: np.ndarray, choose: np.ufunc) -> np.ndarray:
    """The least or the largest number of each pixel and its eight neighbours."""
    for axis in (0, 1):
        padded = np.pad(labels, [(1, 1) if n == axis else (0, 0) for n in (0, 1)], mode="edge")
        first, last = (np.take(padded, np.arange(labels.shape[axis]) + n, axis) for n in (0, 2))
        labels = choose(choose(first, last), labels)
    return labels


def pieces_of(labels: Int[np.ndarray, "h w"]) -> Int64[np.ndarray, "h w"]:
    """The connected pieces of each label, numbered from 1 in the order of their first pixels; 0 stays.

    Pixels touch at edges and corners, as in most tools that count cells.

    Example:
        >>> pieces_of(np.array([[1, 0, 1], [2, 0, 1], [0, 1, 0]])).tolist()
        [[1, 0, 2], [3, 0, 2], [0, 2, 0]]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    number = np.arange(labels.size).reshape(labels.shape)
    first, second = [], []
    for rows, columns in ((0, 1), (1, 0), (1, 1), (1, -1)):
        here, there = _pair(labels, rows, columns)
        equal = (here == there) & (here > 0)
        starts, ends = _pair(number, rows, columns)
        first.append(starts[equal])
        second.append(ends[equal])
    joined = np.concatenate(first), np.concatenate(second)
    graph = coo_array((np.ones(len(joined[0]), bool), joined), shape=(labels.size, labels.size))
    _, piece = connected_components(graph, directed=False)
    piece = np.where(labels.ravel() > 0, piece + 1, 0)
    shown, start, place = np.unique(piece, return_index=True, return_inverse=True)
    order = np.argsort(np.where(shown == 0, -1, start))
    rank = np.empty(len(shown), np.int64)
    rank[order] = np.arange(len(shown)) + (shown[order[0]] != 0)
    return rank[place.reshape(labels.shape)]


def _pair(values: np.ndarray, rows: int, columns: int) -> tuple[np.ndarray, np.ndarray]:
    """Each pixel that has a neighbour so far away, and that neighbour."""
    here, there = pair_slices(values.shape, (rows, columns))
    return values[here], values[there]


def _lonely(labels: Int[np.ndarray, "h w"]) -> Bool[np.ndarray, "h w"]:
    """Pixels none of whose four neighbours has their value."""
    alone = np.ones(labels.shape, bool)
    for rows, columns in ((0, 1), (1, 0)):
        here, there = _pair(labels, rows, columns)
        differs = here != there
        starts, ends = _pair(alone, rows, columns)
        starts &= differs
        ends &= differs
    return alone
