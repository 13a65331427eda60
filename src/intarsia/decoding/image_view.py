"""One image as decoding sees it: what a network said about it, by name, without the padding of its batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from intarsia._check import fail
from intarsia.decoding.detections import Detections
from intarsia.decoding.upsampling import grid_size

__all__ = ["ImageView"]


@dataclass(frozen=True, eq=False)
class ImageView:
    """The named arrays of one image.

    Attributes:
        arrays: Float32 by name; those on the grid end in its rows and columns.
        size: Height and width of the image in pixels.
        stride: Pixels between neighbours on the grid.

    Example:
        >>> view = ImageView({"heat": np.zeros((2, 3), np.float32)}, (7, 12), 4)
        >>> view.grid, view["heat"].shape
        ((2, 3), (2, 3))
    """

    arrays: Mapping[str, np.ndarray]
    size: tuple[int, int]
    stride: int

    def __getitem__(self, name: str) -> np.ndarray:
        """The array of this name.

        Raises:
            ValueError: The network does not say it.
        """
        if name not in self.arrays:
            fail("network", f"one with the output {name!r}", f"the outputs {', '.join(self.arrays)}")
        return self.arrays[name]

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the grid over the image."""
        return grid_size(*self.size, stride=self.stride)

    def with_detections(self, detections: Detections[np.ndarray]) -> ImageView:
        """The same image with what a detector says, which is not on the grid."""
        masks = {} if detections.mask_logits is None else {"mask_logits": detections.mask_logits}
        named = {"boxes": detections.boxes, "scores": detections.scores, "categories": detections.categories}
        return self.with_arrays(named | masks)

    def with_arrays(self, arrays: Mapping[str, np.ndarray]) -> ImageView:
        """The same image with other values under these names.

        Args:
            arrays: The new values by name; what is not named stays.

        Returns:
            A view of its own; this one is as it was.

        Example:
            >>> view = ImageView({"heat": np.zeros((2, 3)), "cold": np.ones((2, 3))}, (7, 12), 4)
            >>> view.with_arrays({"heat": np.full((2, 3), 5.0)})["heat"][0].tolist()
            [5.0, 5.0, 5.0]
        """
        return replace(self, arrays={**self.arrays, **arrays})
