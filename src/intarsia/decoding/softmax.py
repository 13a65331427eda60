"""Logits of categories as probabilities."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float32

__all__ = ["softmax"]


def softmax(logits: Float32[np.ndarray, "k hs ws"]) -> Float32[np.ndarray, "k hs ws"]:
    """Probabilities that add up to 1 over the first axis.

    Example:
        >>> softmax(np.zeros((2, 1, 1), np.float32)).ravel().tolist()
        [0.5, 0.5]
    """
    powers = np.exp(logits - logits.max(axis=0))
    powers /= powers.sum(axis=0)
    return powers
