"""What a network says about pictures in the size in which it sees them: tiled, or several at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from intarsia.decoding.decoder import AbstractDecoder
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.scales import ONE_LOOK, Scales
from intarsia.pictures.image_like import Pixels
from intarsia.runtime.images import Contrast, network_input
from intarsia.runtime.network import AbstractNetwork
from intarsia.runtime.scaled_network import ScaledNetwork
from intarsia.runtime.spec import NetworkSpec
from intarsia.runtime.tiles import Tile
from intarsia.runtime.tiling import tiled_view

__all__ = ["Follow", "PictureViews"]

Follow = Callable[[Sequence[Tile]], Iterable[Tile]]

MOST_PIECES = 2
"""Of how many tiles' pixels an enlarged picture is at most in one piece: up to then overlaps cost more."""


@dataclass(frozen=True, eq=False)
class PictureViews:
    """A network, and how it is fed.

    Attributes:
        network: What computes the arrays of each view.
        spec: How pictures are made ready.
        decoder: From the arrays of one look at a picture to a map.
        scales: Of the looks at a picture.
    """

    network: AbstractNetwork
    spec: NetworkSpec
    decoder: AbstractDecoder
    scales: Scales = ONE_LOOK

    def of_one(self, picture: Pixels, follow: Follow | None) -> ImageView:
        """What the network says about a picture in this very size."""
        return self._of_equals([picture], follow)[0]

    def of_each(
        self, pictures: Iterator[Pixels], *, batch: int, follow: Follow | None = None
    ) -> Iterator[ImageView]:
        """What it says about pictures in these very sizes."""
        together = min(batch, self.network.max_batch)
        for run in _runs_of_one_size(pictures, together):
            # large ones alone: what is said of each is too much to be held for several
            is_large = any(self._is_tiled(run[0], scale) for scale in self.scales)
            for part in [[picture] for picture in run] if is_large else [run]:
                yield from self._of_equals(part, follow)

    def _of_equals(self, pictures: Sequence[Pixels], follow: Follow | None) -> list[ImageView]:
        """Of pictures of one size."""
        if self.scales == ONE_LOOK:
            return self._look(pictures, 1, follow)
        looks = {scale: self._look(pictures, scale, follow) for scale in self.scales}
        return [
            views[0].with_arrays(
                self.decoder.merge_looks(dict(zip(looks, (v.arrays for v in views), strict=True)))
            )
            for views in zip(*looks.values(), strict=True)
        ]

    def _look(self, pictures: Sequence[Pixels], scale: int, follow: Follow | None) -> list[ImageView]:
        """What one look says, on the grid of the pictures as they are."""
        network = self.network if scale == 1 else ScaledNetwork(self.network, scale)
        if not self._is_tiled(pictures[0], scale):
            inputs = [
                network_input(picture, self.spec, Contrast.of(picture) if self.spec.stretch else None)
                for picture in pictures
            ]
            return network.views(np.stack(inputs), [(p.shape[0], p.shape[1]) for p in pictures])
        return [
            tiled_view(
                picture,
                network,
                self.spec,
                reach_points=self.decoder.reach_points,
                scale=scale,
                follow=follow or (lambda tiles: tiles),
            )
            for picture in pictures
        ]

    def _is_tiled(self, picture: Pixels, scale: int) -> bool:
        tiling, align = self.spec.tiling, self.spec.align_px
        height, width = (-(-side // align) * align for side in picture.shape[:2])
        if tiling is None:
            return False
        return tiling.divides(height, width) or scale**2 * height * width > MOST_PIECES * tiling.tile_px**2


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
