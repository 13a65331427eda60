"""How one pixel relates to all others, as its method sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float32

__all__ = ["PixelField"]


@dataclass(frozen=True, eq=False)
class PixelField:
    """What one pixel of an image is to every point of the grid.

    Attributes:
        kind: "distance" in embedding space, or "affinity": how much the pixel has to do with it.
        values: The distances or affinities.
        features: What they are computed from.
        margin: The distance within which the pixel looks for its instance; None for affinities.
        pairs: Of a model that cuts: the partners of the pixel, as rows and columns from it on the grid, and
            the cost of each pair, positive where it attracts.
        category_costs: Of such a model: what each category costs at the pixel.
    """

    kind: Literal["distance", "affinity"]
    values: Float32[np.ndarray, "h w"]
    features: Float32[np.ndarray, "d h w"]
    margin: float | None = None
    pairs: tuple[tuple[int, int, float], ...] = ()
    category_costs: tuple[float, ...] = ()
