"""What a network says about pictures in the size in which it sees them: tiled, or several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from intarsia.decoding.image_view import ImageView
from intarsia.pictures.image_like import Pixels
from intarsia.runtime.images import Contrast, network_input
from intarsia.runtime.network import AbstractNetwork
from intarsia.runtime.spec import NetworkSpec
from intarsia.runtime.tiles import Tile
from intarsia.runtime.tiling import tiled_view

__all__ = ["Follow", "PictureViews"]

Follow = Callable[[Sequence[Tile]], Iterable[Tile]]


@dataclass(frozen=True, eq=False)
class PictureViews:
    """A network, and how it is fed.

    Attributes:
        network: What computes the arrays of each view.
        spec: How pictures are made ready.
        reach_points: As the decoder's: how far apart on the grid two points are that one value is about.
    """

    network: AbstractNetwork
    spec: NetworkSpec
    reach_points: int

    def of_one(self, picture: Pixels, follow: Follow | None) -> ImageView:
        """What the network says about a picture in this very size."""
        if self._is_tiled(picture):
            return tiled_view(
                picture,
                self.network,
                self.spec,
                reach_points=self.reach_points,
                follow=follow or (lambda tiles: tiles),
            )
        return self._views_together([picture])[0]

    def of_each(
        self, pictures: Iterator[Pixels], *, batch: int, follow: Follow | None = None
    ) -> Iterator[ImageView]:
        """What it says about pictures in these very sizes."""
        together = min(batch, self.network.max_batch)
        for run in _runs_of_one_size(pictures, together):
            if self._is_tiled(run[0]):
                yield from (self.of_one(picture, follow) for picture in run)
            else:
                yield from self._views_together(run)

    def _is_tiled(self, picture: Pixels) -> bool:
        tiling, align = self.spec.tiling, self.spec.align_px
        padded = [-(-side // align) * align for side in picture.shape[:2]]
        return tiling is not None and tiling.divides(*padded)

    def _views_together(self, pictures: Sequence[Pixels]) -> list[ImageView]:
        inputs = [
            network_input(picture, self.spec, Contrast.of(picture) if self.spec.stretch else None)
            for picture in pictures
        ]
        return self.network.views(np.stack(inputs), [(p.shape[0], p.shape[1]) for p in pictures])


def _runs_of_one_size(pictures: Iterator[Pixels], most: int) -> Iterator[list[Pixels]]:
    """Neighbours of one size, at most so many together."""
    run: list[Pixels] = []
    for picture in pictures:
        if run and (picture.shape != run[0].shape or len(run) == most):
            yield run
            run = []
        run.append(picture)
        if most == 1:
            yield run
            run = []
    if run:
        yield run
