"""Images larger than memory: the network sees overlapping tiles, decoding sees the whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from intarsia.decoding.image_view import ImageView
from intarsia.decoding.upsampling import grid_size
from intarsia.pictures.image_like import Pixels
from intarsia.runtime.images import Contrast, network_input
from intarsia.runtime.network import AbstractNetwork
from intarsia.runtime.spec import NetworkSpec
from intarsia.runtime.tiles import Tile, tiles_of

__all__ = ["tiled_view"]


def tiled_view(
    image: Pixels,
    network: AbstractNetwork,
    spec: NetworkSpec,
    *,
    reach_points: int,
    scale: int = 1,
    follow: Callable[[Sequence[Tile]], Iterable[Tile]] = lambda tiles: tiles,
) -> ImageView:
    """What a network says about an image, computed tile by tile.

    Args:
        image: Bytes, or floats in [0, 1].
        network: What is asked.
        spec: How its images are made, and how large the tiles are.
        reach_points: How far apart on the grid two points are that one value is about.
        scale: How many times larger a network inside this one sees them: its tiles show that much less.
        follow: Goes over the tiles; to show how far the work is.

    Raises:
        ValueError: Tiles overlap by their whole side.
    """
    assert spec.tiling is not None
    size = (image.shape[0], image.shape[1])
    contrast = Contrast.of(image) if spec.stretch else None
    overlap_px = spec.tiling.overlap_px(spec.stride * reach_points) // scale
    tile_px = spec.tiling.tile_px // scale
    whole: dict[str, np.ndarray] = {}
    for tile in follow(list(tiles_of(*size, tile_px=tile_px, overlap_px=overlap_px))):
        top, left = tile.rows.start, tile.columns.start
        window = network_input(image[tile.rows, tile.columns], spec, contrast, top=top, left=left)
        _keep(network.arrays(window[None]), tile, spec, size, whole)
    network.release()
    return ImageView(whole, size, spec.stride)


def _keep(
    parts: Mapping[str, np.ndarray],
    tile: Tile,
    spec: NetworkSpec,
    size: tuple[int, int],
    whole: dict[str, np.ndarray],
) -> None:
    """Write what is kept of one tile, and hold nothing of it while the network sees the next."""
    top, left = tile.rows.start, tile.columns.start
    for name, part in parts.items():
        if name not in whole:
            whole[name] = np.empty((*part.shape[1:-2], *grid_size(*size, stride=spec.stride)), part.dtype)
        inner = part[0][(..., _on_grid(tile.kept_rows, top, spec), _on_grid(tile.kept_columns, left, spec))]
        if name in spec.positions:
            inner = _move(inner, top / spec.positions[name], left / spec.positions[name])
        place = (..., _on_grid(tile.kept_rows, 0, spec), _on_grid(tile.kept_columns, 0, spec))
        whole[name][place] = inner


def _move(values: np.ndarray, rows: float, columns: float) -> np.ndarray:
    """The values with their first two channels, a place in the tile, as a place in the image."""
    values = values.copy()
    values[0] += np.float32(rows)
    values[1] += np.float32(columns)
    return values


def _on_grid(pixels: slice, start: int, spec: NetworkSpec) -> slice:
    """Where these pixels are on the grid of a part of the image that begins at `start`."""
    return slice((pixels.start - start) // spec.stride, -(-(pixels.stop - start) // spec.stride))
