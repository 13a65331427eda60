"""An embedding as seen from outside: a vector a pixel, and how far those of one instance lie apart."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

__all__ = ["EmbeddingField"]


@dataclass(frozen=True, eq=False)
class EmbeddingField:
    """The embeddings of a batch on the grid, and the distance within which a pixel looks for its instance."""

    embeddings: Float[Tensor, "b d h w"]
    margin: Float[Tensor, "b h w"]
