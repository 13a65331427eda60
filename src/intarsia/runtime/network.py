"""A network as prediction sees it: images in, named arrays out, whatever computes them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float32

from intarsia.decoding.image_view import ImageView
from intarsia.decoding.upsampling import grid_size

__all__ = ["AbstractNetwork", "cropped_views"]


class AbstractNetwork(ABC):
    """Images in [0, 1] of sides that fit the network to arrays on its grid.

    Attributes:
        stride: Pixels between neighbours on the grid.
        max_batch: How many images of one size it gains from running at once; 1, since a CPU gains nothing by
            more.
    """

    stride: int
    max_batch: int = 1

    @abstractmethod
    def arrays(self, images: Float32[np.ndarray, "b 3 H W"]) -> Mapping[str, np.ndarray]:
        """What the network says, (b, c, rows, columns) or (b, rows, columns) by name."""

    def release(self) -> None:
        """Give back the memory that images took, where it is kept for the next; they may go on coming."""
        return

    @property
    def device(self) -> str:
        """Where it runs, "cpu" or "cuda"."""
        return "cpu"

    @property
    @abstractmethod
    def description(self) -> str:
        """What computes it, where, and in which precision; for people."""

    def views(
        self, images: Float32[np.ndarray, "b 3 H W"], sizes: Sequence[tuple[int, int]]
    ) -> list[ImageView]:
        """What it says about each image of a batch, without the padding.

        Args:
            images: A batch of one size.
            sizes: Height and width of each image, which stands top left; the rest is padding.
        """
        return cropped_views(self.arrays(images), sizes, stride=self.stride)


def cropped_views(
    arrays: Mapping[str, np.ndarray], sizes: Sequence[tuple[int, int]], *, stride: int
) -> list[ImageView]:
    """The arrays of a batch, image by image, cut to the grid over each.

    Example:
        >>> [view] = cropped_views({"heat": np.zeros((1, 8, 8))}, [(5, 9)], stride=4)
        >>> view["heat"].shape
        (2, 3)
    """
    views = []
    for row, size in enumerate(sizes):
        rows, columns = grid_size(*size, stride=stride)
        cut = {name: np.ascontiguousarray(x[row, ..., :rows, :columns]) for name, x in arrays.items()}
        views.append(ImageView(cut, size, stride))
    return views
