"""How the two points of a pair lie on a grid: offsets from one to the other, and where each of them is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["offsets_of", "pair_slices"]

Slices = tuple[slice, ...]


def offsets_of(distances: Iterable[int], *, diagonals: bool = False) -> tuple[tuple[int, int], ...]:
    """Offsets of these lengths on an image: down and to the right, and down both diagonals if asked for.

    Args:
        distances: In pixels, at least 1.
        diagonals: Also (d, d) and (d, -d) for every distance.

    Returns:
        (rows, columns) from a point to its neighbour, distance by distance.

    Example:
        >>> offsets_of([1, 4])
        ((1, 0), (0, 1), (4, 0), (0, 4))
    """
    offsets: list[tuple[int, int]] = []
    for d in distances:
        offsets += [(d, 0), (0, d), *([(d, d), (d, -d)] if diagonals else [])]
    return tuple(offsets)


def pair_slices(shape: Sequence[int], offset: Sequence[int]) -> tuple[Slices, Slices]:
    """Where on a grid the first points of all pairs at an offset are, and where the second.

    Works for grids of any rank; put `...` in front for arrays with more axes before those of the grid.

    Args:
        shape: Of the grid, in points.
        offset: From the first point of a pair to its second, one number an axis; any size and sign.

    Returns:
        Two tuples of slices that cut equally large blocks out of the grid: empty ones if no pair fits.

    Example:
        >>> first, second = pair_slices((4, 5), (1, -2))
        >>> first
        (slice(0, 3, None), slice(2, 5, None))
        >>> second
        (slice(1, 4, None), slice(0, 3, None))
    """
    spans = [_spans(size, step) for size, step in zip(shape, offset, strict=True)]
    return tuple(first for first, _ in spans), tuple(second for _, second in spans)


def _spans(size: int, step: int) -> tuple[slice, slice]:
    """On one axis: where pairs `step` apart have their first points, and where their second."""
    length = max(size - abs(step), 0)
    first, second = min(max(-step, 0), size), min(max(step, 0), size)
    return slice(first, first + length), slice(second, second + length)
