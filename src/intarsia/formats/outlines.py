"""Outlines of all segments of a map as polygons with holes, exact to the pixel."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int32, Int64

__all__ = ["Polygon", "polygons_of"]

Ring = Int64[np.ndarray, "_ 2"]

# The sides of a pixel in the order in which its outline runs: right along the top, down, left, up. With y
# pointing down this is clockwise to the eye, and the pixel lies to the right of each side.
AHEAD = np.array([(0, 1), (1, 0), (0, -1), (-1, 0)])
"""Where each side leads, in rows and columns."""
OUTWARD = np.array([(-1, 0), (0, 1), (1, 0), (0, -1)])
"""Where its other pixel is."""
START = np.array([(0, 0), (0, 1), (1, 1), (1, 0)])
"""The corner of the pixel at which it begins."""


@dataclass(frozen=True, slots=True)
class Polygon:
    """One connected part of a segment: its outer ring, and the rings of its holes.

    Points are (x, y) corners of pixels, x to the right and y down, the last one not repeated. No ring meets
    itself; two rings may share a point. Seen as numbers, outer rings turn left and holes right.
    """

    outer: Ring
    holes: tuple[Ring, ...]


def polygons_of(rows: Int32[np.ndarray, "h w"], count: int) -> list[list[Polygon]]:
    """The polygons of the segments 1 ... count. Parts that only touch at a corner are apart.

    Args:
        rows: The number of the segment at each pixel; 0 is void.
        count: The largest number.

    Returns:
        For each segment its parts, by their first pixel.

    Example:
        >>> square = np.ones((3, 3), np.int32)
        >>> square[1, 1] = 0
        >>> polygon = polygons_of(square, 1)[0][0]
        >>> polygon.outer.tolist(), polygon.holes[0].tolist()
        ([[0, 0], [3, 0], [3, 3], [0, 3]], [[2, 1], [1, 1], [1, 2], [2, 2]])
    """
    polygons: list[list[Polygon]] = [[] for _ in range(count)]
    part_of_pixel, segment_of_part = _parts(rows)
    outer: dict[int, Ring] = {}
    holes: dict[int, list[Ring]] = {}
    for part, ring in _rings(rows, part_of_pixel):
        if _doubled_area(ring) > 0:
            outer[part] = ring
        else:
            holes.setdefault(part, []).append(ring)
    for part in sorted(outer):
        polygons[segment_of_part[part] - 1].append(Polygon(outer[part], tuple(holes.get(part, ()))))
    return polygons


def _parts(rows: Int32[np.ndarray, "h w"]) -> tuple[Int32[np.ndarray, "h w"], Int64[np.ndarray, " parts"]]:
    """Pixels of a segment that hang together along sides, numbered by the first; the segment of each part."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    first = np.ones(rows.shape, bool)  # of a run along a row
    np.not_equal(rows[:, 1:], rows[:, :-1], out=first[:, 1:])
    run = (np.cumsum(first.ravel()) - 1).reshape(rows.shape)
    joined = (rows[1:] == rows[:-1]) & (first[1:] | first[:-1])  # runs that meet do so where one begins
    above, below = run[:-1][joined], run[1:][joined]
    num_runs = int(run[-1, -1]) + 1
    graph = coo_array((np.ones(len(above), bool), (above, below)), (num_runs, num_runs))
    _, part = connected_components(graph, directed=False)
    return part[run].astype(np.int32), _segment_of_part(part, rows.ravel()[first.ravel()])


def _segment_of_part(part: np.ndarray, segment: np.ndarray) -> Int64[np.ndarray, " parts"]:
    segments = np.zeros(int(part.max()) + 1, np.int64)
    segments[part] = segment
    return segments


def _rings(rows: Int32[np.ndarray, "h w"], part: Int32[np.ndarray, "h w"]) -> Iterable[tuple[int, Ring]]:
    """Each ring with the part that it belongs to: corners in order."""
    at, following = _linked_sides(rows)
    if not len(at):
        return
    ring, place = _order(following)
    order = np.lexsort((place, ring))
    at, ring = at[order], ring[order]
    pixel, side = np.divmod(at, 4)
    turns = _turns(side, ring)
    row, column = np.divmod(pixel[turns], rows.shape[1])
    corner = START[side[turns]]
    points = np.stack([column + corner[:, 1], row + corner[:, 0]], axis=1)  # x y
    begin = np.flatnonzero(np.diff(ring[turns], prepend=-1))
    parts = part.ravel()[pixel[turns][begin]].tolist()
    for number, points_of_ring in zip(parts, np.split(points, begin[1:]), strict=True):
        for simple in _split(points_of_ring):
            yield number, simple


def _linked_sides(rows: Int32[np.ndarray, "h w"]) -> tuple[Int64[np.ndarray, " e"], Int64[np.ndarray, " e"]]:
    """The sides of pixels that are on an outline, as 4 * pixel + side, and the index of each one's next.

    At a corner the outline stays with the pixels that hang together along sides.
    """
    with_border = np.pad(rows, 1)
    height, width = rows.shape
    # the sides of pixels behind which another segment begins
    on_outline = np.stack(
        [
            (with_border[1 + r : 1 + r + height, 1 + c : 1 + c + width] != rows) & (rows != 0)
            for r, c in OUTWARD.tolist()
        ],
        axis=-1,
    )
    at = np.flatnonzero(on_outline)
    pixel, side = np.divmod(at, 4)
    own = rows.ravel()[pixel]
    row, column = np.divmod(pixel, width)
    line = width + 2
    start = (row + 1) * line + column + 1
    flat = with_border.ravel()
    # with the own segment to the left: turn left where it goes on there, else straight, else right
    ahead = start + AHEAD[side] @ (line, 1)
    beyond = ahead + OUTWARD[side] @ (line, 1)
    straight = flat[ahead] == own
    left = straight & (flat[beyond] == own)
    place = np.where(left, beyond, np.where(straight, ahead, start))
    turned = np.where(left, side + 3, np.where(straight, side, side + 1)) % 4
    target = 4 * ((place // line - 1) * width + place % line - 1) + turned
    return at, np.searchsorted(at, target)


def _order(following: Int64[np.ndarray, " e"]) -> tuple[Int64[np.ndarray, " e"], Int64[np.ndarray, " e"]]:
    """The ring of each side, named by its smallest index, and its place in the ring counted from there.

    By pointer doubling: in each round every side knows the smallest index twice as far ahead.
    """
    least, jump, away = np.arange(len(following)), following, np.zeros(len(following), np.int64)
    reach = 1
    while True:
        nearer = least[jump] < least
        away = np.where(nearer, away[jump] + reach, away)
        new = np.minimum(least, least[jump])
        if not nearer.any():
            break
        least, jump, reach = new, jump[jump], 2 * reach
    length = np.bincount(least, minlength=len(following))
    return least, (length[least] - away) % length[least]


def _turns(side: Int64[np.ndarray, " e"], ring: Int64[np.ndarray, " e"]) -> Bool[np.ndarray, " e"]:
    """Where the outline changes its direction, so that a corner is there; sides are in the order of rings."""
    begin = np.flatnonzero(np.diff(ring, prepend=-1))
    before = np.roll(side, 1)
    before[begin] = side[np.append(begin[1:], len(side)) - 1]
    return side != before


def _split(ring: Ring) -> list[Ring]:
    """A ring that meets itself at corners, as rings that do not."""
    keys = ring[:, 0] << 32 | ring[:, 1]
    if len(np.unique(keys)) == len(keys):
        return [ring]
    simple: list[Ring] = []
    path: list[int] = []
    place: dict[int, int] = {}
    for n, key in enumerate(keys.tolist()):
        if key in place:
            cut = place[key]
            simple.append(ring[path[cut:]])
            for gone in path[cut + 1 :]:
                del place[int(keys[gone])]
            del path[cut + 1 :]
        else:
            place[key] = len(path)
            path.append(n)
    return [*simple, ring[path]]


def _doubled_area(ring: Ring) -> int:
    """Above 0 where the ring turns left in the plane of x and y."""
    x, y = ring[:, 0], ring[:, 1]
    return int((x * np.roll(y, -1) - np.roll(x, -1) * y).sum())
