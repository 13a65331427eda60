"""COCO's run-length codes of all segments of a map in one pass, whatever their number."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool, Int, Int64

from intarsia._check import fail


def run_length_codes(ids: Int[np.ndarray, "h w"]) -> dict[int, Any]:
    """The compressed code of each id's mask, as `pycocotools.mask.encode` makes it.

    Example:
        >>> codes = run_length_codes(np.array([[0, 7], [7, 7]]))
        >>> codes[7] == {"size": [2, 2], "counts": b"13"}
        True
    """
    from pycocotools import mask

    height, width = ids.shape
    flat = np.ascontiguousarray(ids.T).ravel()  # codes go down the columns
    first = np.flatnonzero(np.append(True, flat[1:] != flat[:-1]))
    last = np.append(first[1:], flat.size)
    order = np.argsort(flat[first], kind="stable")
    ids_in_order, begin = np.unique(flat[first][order], return_index=True)
    groups = np.split(order, begin[1:])
    counts = (_counts(first[group], last[group], flat.size) for group in groups)
    return {
        int(id): mask.frPyObjects({"size": [height, width], "counts": row.tolist()}, height, width)
        for id, row in zip(ids_in_order, counts, strict=True)
    }


def mask_of_counts(counts: Any, *, size: tuple[int, int]) -> Bool[np.ndarray, "h w"]:
    """The mask of the `counts` of a code: a list of run lengths, or compressed in a text.

    Raises:
        ValueError: The runs do not fill an image of this size.

    Example:
        >>> mask_of_counts("13", size=(2, 2)).tolist()
        [[False, True], [True, True]]
    """
    if isinstance(counts, str | bytes):
        counts = _unpack(counts.encode() if isinstance(counts, str) else counts)
    runs = np.asarray(counts, np.int64)
    if runs.ndim != 1 or runs.min(initial=0) < 0 or runs.sum() != size[0] * size[1]:
        fail("counts", f"run lengths that fill {size[0]}x{size[1]} pixels", f"{runs.sum()} pixels")
    inside = np.arange(len(runs)) % 2 == 1
    return np.repeat(inside, runs).reshape(size[1], size[0]).T


def _unpack(text: bytes) -> list[int]:
    """Run lengths of five bits a character, sign in the last; from the fourth on less the one before last."""
    values: list[int] = []
    value = shift = 0
    for character in text:
        bits = character - 48
        value |= (bits & 31) << shift
        shift += 5
        if bits & 32:
            continue
        if bits & 16:
            value -= 1 << shift
        values.append(value + (values[-2] if len(values) > 2 else 0))
        value = shift = 0
    return values


def _counts(
    first: Int64[np.ndarray, " n"], last: Int64[np.ndarray, " n"], num_pixels: int
) -> Int64[np.ndarray, " m"]:
    """Lengths of runs outside and inside by turns, from the runs inside."""
    edges = np.stack([first, last], axis=1).ravel()
    return np.diff(np.concatenate([[0], edges, [num_pixels] if edges[-1] < num_pixels else []])).astype(
        np.int64
    )
