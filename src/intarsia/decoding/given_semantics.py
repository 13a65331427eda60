"""Semantics of another network, or of a person, in place of a network's own."""

from __future__ import annotations

import numpy as np
from jaxtyping import Integer

from intarsia._check import fail
from intarsia.decoding.image_view import ImageView
from intarsia.panoptic import Categories

__all__ = ["PIXEL_SEMANTIC", "with_semantics"]

PIXEL_SEMANTIC = "pixel_semantic"
"""The name under which a view has the given category index of each pixel."""
SURE = 50.0
"""A logit that no sum of a network's overrules."""


def with_semantics(
    view: ImageView, semantic: Integer[np.ndarray, "h w"], categories: Categories
) -> ImageView:
    """The view with certain logits of the given categories, on the grid and for each pixel.

    Mean shift of embeddings keeps every pixel's category; decoders that cut keep those on the grid, and what
    lies between is theirs. Where nothing is given the network's own semantics stay.

    Source: De Brabandere, Neven and Van Gool 2017, who take the semantics from another network.

    Args:
        view: What a network with semantics says.
        semantic: The category index of each pixel of the image; 255 (65535 with more categories) where
            nothing is given.
        categories: What the indices mean.

    Raises:
        ValueError: The mask has another size, an index is none, or the network says no semantics.

    Example:
        >>> view = ImageView({"semantic_logits": np.zeros((10, 1, 2), np.float32)}, (4, 8), 4)
        >>> given = np.array([[2, 2, 2, 2, 255, 255, 255, 255]] * 4)
        >>> with_semantics(view, given, Categories.named("facades"))["semantic_logits"][2, 0].tolist()
        [50.0, 0.0]
    """
    if semantic.shape != view.size:
        fail(
            "semantic", "as large as the image, {}x{}".format(*view.size), "x".join(map(str, semantic.shape))
        )
    known = semantic != categories.void_index
    most = int(semantic[known].max(initial=0))
    if most >= len(categories) or int(semantic.min(initial=0)) < 0:
        fail("semantic", f"made of category indices in [0, {len(categories)})", most)
    logits = view["semantic_logits"]
    rows, columns = (
        np.minimum(np.arange(count) * view.stride + view.stride // 2, side - 1)
        for count, side in zip(view.grid, view.size, strict=True)
    )
    grid = semantic[np.ix_(rows, columns)]
    sure = np.where(np.arange(len(logits))[:, None, None] == grid, SURE, -SURE).astype(np.float32)
    certain = np.where(grid == categories.void_index, logits, sure)
    return view.with_arrays({"semantic_logits": certain, PIXEL_SEMANTIC: semantic})
