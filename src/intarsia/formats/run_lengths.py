"""COCO's run-length codes of all segments of a map in one pass, whatever their number."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int, Int64


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
    shown, begin = np.unique(flat[first][order], return_index=True)
    groups = np.split(order, begin[1:])
    counts = (_counts(first[group], last[group], flat.size) for group in groups)
    return {
        int(id): mask.frPyObjects({"size": [height, width], "counts": row.tolist()}, height, width)
        for id, row in zip(shown, counts, strict=True)
    }


def _counts(
    first: Int64[np.ndarray, " n"], last: Int64[np.ndarray, " n"], num_pixels: int
) -> Int64[np.ndarray, " m"]:
    """Lengths of runs outside and inside by turns, from the runs inside."""
    edges = np.stack([first, last], axis=1).ravel()
    return np.diff(np.concatenate([[0], edges, [num_pixels] if edges[-1] < num_pixels else []])).astype(
        np.int64
    )
