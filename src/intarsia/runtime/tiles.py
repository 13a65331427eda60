"""How an image is divided into overlapping tiles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from intarsia._check import check_least, fail

__all__ = ["ALIGNED_PX", "Tile", "TilingConfig", "tiles_of"]

ALIGNED_PX = 128
"""A multiple of every backbone's coarsest stride: a tile's grid is a part of the image's."""


@dataclass(frozen=True, kw_only=True)
class TilingConfig:
    """Settings of predicting large images in tiles.

    Attributes:
        tile_px: Images of more pixels than a square of this side are predicted in such squares.
        context_px: How much of the image the network sees at least around every point that is kept. From
            the reach of the network on, the costs are those of the whole image.
    """

    tile_px: int = 1536
    context_px: int = 192

    def __post_init__(self) -> None:
        if self.tile_px < 1 or self.tile_px % ALIGNED_PX:
            fail("tiling.tile_px", f"a multiple of {ALIGNED_PX}", self.tile_px)
        check_least("tiling.context_px", self.context_px, 0)

    def zoomed(self, zoom: int) -> TilingConfig:
        """The tiles of a network that enlarges its images: it sees as many pixels, so of the image fewer.

        Example:
            >>> TilingConfig(tile_px=1536, context_px=192).zoomed(2)
            TilingConfig(tile_px=768, context_px=96)
        """
        tile_px = max(self.tile_px // zoom // ALIGNED_PX, 1) * ALIGNED_PX
        return TilingConfig(tile_px=tile_px, context_px=-(-self.context_px // zoom))

    def divides(self, height: int, width: int) -> bool:
        """Whether an image is too large for one piece: its pixels count, whatever its shape.

        Example:
            >>> TilingConfig(tile_px=1536).divides(1024, 2048), TilingConfig(tile_px=1536).divides(1536, 1537)
            (False, True)
        """
        return height * width > self.tile_px**2

    def overlap_px(self, longest_px: int) -> int:
        """How far neighbouring tiles overlap where pairs are up to `longest_px` apart.

        Example:
            >>> TilingConfig(context_px=100).overlap_px(64)
            384
        """
        return -(-2 * (self.context_px + longest_px) // ALIGNED_PX) * ALIGNED_PX


@dataclass(frozen=True)
class Tile:
    """A part of the image, and the part of it whose answer is kept; rows and columns in pixels."""

    rows: slice
    columns: slice
    kept_rows: slice
    kept_columns: slice


def tiles_of(height: int, width: int, *, tile_px: int, overlap_px: int) -> Iterator[Tile]:
    """Tiles that cover an image; what is kept of them covers it once.

    Raises:
        ValueError: If tiles overlap by their whole side.

    Example:
        >>> [(t.columns, t.kept_columns) for t in tiles_of(8, 24, tile_px=16, overlap_px=8)]
        [(slice(0, 16, None), slice(0, 12, None)), (slice(8, 24, None), slice(12, 24, None))]
    """
    if overlap_px >= tile_px:
        fail("tiling.tile_px", f"above the overlap of {overlap_px} pixels", tile_px)
    for rows, kept_rows in _spans(height, tile_px, overlap_px):
        for columns, kept_columns in _spans(width, tile_px, overlap_px):
            yield Tile(rows, columns, kept_rows, kept_columns)


def _spans(size: int, tile_px: int, overlap_px: int) -> Iterator[tuple[slice, slice]]:
    step = tile_px - overlap_px
    last = max(-(-(size - tile_px) // step), 0)
    for n in range(last + 1):
        start, stop = n * step, min(n * step + tile_px, size)
        first_kept = start + overlap_px // 2 if n else 0
        yield slice(start, stop), slice(first_kept, stop if n == last else stop - overlap_px // 2)
