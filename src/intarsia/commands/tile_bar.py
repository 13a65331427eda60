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
FIRST_S = 5.0
"""Seconds after which something is said, however far the work is; then whenever twice as many have passed."""


def tile_bar(tiles: Sequence[Tile]) -> Iterable[Tile]:
    """How far a single large image is: a bar on a terminal, elsewhere lines.

    A line comes at each tenth of the way, and after 5, 10, 20, 40 ... seconds: soon where tiles are many or
    slow, and not many lines where they take hours.
    """
    console = Console(stderr=True)
    if len(tiles) < MIN_TILES:
        return tiles
    if console.is_terminal:
        return track(tiles, description="predicting", console=console)
    return _with_lines(tiles)


def _with_lines(tiles: Sequence[Tile]) -> Iterator[Tile]:
    start_s, due_s = time.monotonic(), FIRST_S
    print(f"predicting a large image in {len(tiles)} tiles", file=sys.stderr)
    for number, tile in enumerate(tiles, start=1):
        yield tile
        spent_s = time.monotonic() - start_s
        is_tenth = number * 10 // len(tiles) > (number - 1) * 10 // len(tiles)
        if (is_tenth or spent_s >= due_s) and number < len(tiles):
            left_s = spent_s / number * (len(tiles) - number)
            print(f"{number} of {len(tiles)} tiles, about {left_s:.0f} s left", file=sys.stderr)
        while spent_s >= due_s:
            due_s *= 2
