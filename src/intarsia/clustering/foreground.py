"""The pixels that are to be grouped."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Float32

from intarsia._check import fail

__all__ = ["foreground_columns"]


def foreground_columns(
    embeddings: Float[np.ndarray, "d h w"], foreground: Bool[np.ndarray, ...]
) -> Float32[np.ndarray, "d n"]:
    """The embeddings of the foreground, checked to fit and to be finite.

    Example:
        >>> foreground_columns(np.array([[[1.0, 2.0]]]), np.array([[False, True]]))
        array([[2.]], dtype=float32)
    """
    if foreground.shape != embeddings.shape[1:]:
        fail("foreground", f"{embeddings.shape[1:]} like `embeddings`", foreground.shape)
    columns = np.ascontiguousarray(embeddings[:, foreground], np.float32)
    if not np.isfinite(columns).all():
        fail("embeddings", "finite in the foreground", "NaN or infinity")
    return columns
