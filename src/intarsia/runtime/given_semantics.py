"""An image together with what another network says of its categories."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Integer

from intarsia._check import fail
from intarsia._id_map import nearest_index
from intarsia.pictures.image_like import ImageLike

__all__ = ["ImageWithSemantics", "without_semantics"]


@dataclass(frozen=True, eq=False)
class ImageWithSemantics:
    """An image whose categories are given; a model that groups pixels only has to tell instances apart.

    Attributes:
        image: As `Model.predict` takes it.
        semantic: The category index of each pixel of the upright image, of the model's categories; 255 (65535
            with more categories) leaves a pixel to the model.

    Example:
        >>> import intarsia
        >>> photo, windows = np.zeros((64, 80, 3), np.uint8), np.zeros((64, 80), int)
        >>> one = intarsia.load("facades-embedding").predict(ImageWithSemantics(photo, windows))
        >>> one.size
        (64, 80)
    """

    image: ImageLike
    semantic: Integer[np.ndarray, "h w"]

    def resize(self, size: tuple[int, int], network_size: tuple[int, int]) -> Integer[np.ndarray, "h2 w2"]:
        """The categories in the size that a network sees, of the nearest pixels.

        Args:
            size: Height and width of the image.
            network_size: Height and width of what the network sees of it.

        Raises:
            ValueError: There are not as many pixels as the image has.
        """
        if self.semantic.shape != size:
            got = "x".join(map(str, self.semantic.shape))
            fail("semantic", f"as large as the image, {size[0]}x{size[1]}", got)
        rows, columns = map(nearest_index, network_size, size)
        return self.semantic[np.ix_(rows, columns)]


def without_semantics(image: ImageLike | ImageWithSemantics) -> ImageLike:
    """An image whose scale is found from a first look, which given categories do not go through.

    Raises:
        ValueError: Semantics are given.
    """
    if isinstance(image, ImageWithSemantics):
        fail("diameter", "left out where semantics are given", "both")
    return image
