"""An embedding as seen from outside: a vector a point, and how far those of one instance lie apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

__all__ = ["EmbeddingField"]


@dataclass(frozen=True, eq=False)
class EmbeddingField:
    """The embeddings of an image on the grid, and the distance within which a point looks for its instance.

    Example:
        >>> field = EmbeddingField(np.zeros((8, 4, 5), np.float32), np.ones((4, 5), np.float32))
        >>> field.embeddings[:, 3, 4].shape
        (8,)
    """

    embeddings: Float32[np.ndarray, "d h w"]
    margin: Float32[np.ndarray, "h w"]
