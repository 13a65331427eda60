"""How far a single large image is, tile by tile."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.progress import track

from intarsia.runtime.tiles import Tile

__all__ = ["tile_bar"]

MIN_TILES = 6
"""Of one image from which on a bar is shown."""


def tile_bar(tiles: Sequence[Tile]) -> Iterable[Tile]:
    """How far a single large image is: a bar on a terminal, elsewhere a line for each tenth of the way."""
    console = Console(stderr=True)
    if len(tiles) < MIN_TILES:
        return tiles
    if console.is_terminal:
        return track(tiles, description="predicting", console=console)
    return _with_lines(tiles)


def _with_lines(tiles: Sequence[Tile]) -> Iterator[Tile]:
    started = time.monotonic()
    print(f"predicting a large image in {len(tiles)} tiles", file=sys.stderr)
    for number, tile in enumerate(tiles, start=1):
        yield tile
        if number * 10 // len(tiles) > (number - 1) * 10 // len(tiles) and number < len(tiles):
            left_s = (time.monotonic() - started) / number * (len(tiles) - number)
            print(f"{number} of {len(tiles)} tiles, about {left_s:.0f} s left", file=sys.stderr)
