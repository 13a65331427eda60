"""Numbers at every pixel as colours."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8
from numpy.typing import ArrayLike

from intarsia._check import fail

HEAT = np.array(
    [
        (8, 6, 28),
        (48, 18, 92),
        (112, 30, 110),
        (176, 48, 92),
        (226, 86, 58),
        (248, 150, 36),
        (250, 214, 94),
        (255, 252, 222),
    ],
    np.float32,
)
"""Black over violet and orange to nearly white: lightness rises evenly, so it reads in gray too."""


def heat_map(values: ArrayLike) -> UInt8[np.ndarray, "h w 3"]:
    """Colours for an (h, w) field: the smallest value dark, the largest bright, what is not finite gray.

    Raises:
        ValueError: The field is not two-dimensional.

    Example:
        >>> heat_map([[0.0, 1.0]]).tolist()
        [[[8, 6, 28], [255, 252, 222]]]
    """
    field = np.asarray(values, np.float32)
    if field.ndim != 2:
        fail("values", "of shape (h, w)", f"shape {field.shape}")
    finite = np.isfinite(field)
    low, high = (field[finite].min(), field[finite].max()) if finite.any() else (0.0, 1.0)
    steps = len(HEAT) - 1
    place = np.where(finite, (field - low) / max(high - low, 1e-30), 0) * steps
    below = np.minimum(place.astype(np.int64), steps - 1)
    part = (place - below)[..., None]
    colors = HEAT[below] * (1 - part) + HEAT[below + 1] * part
    return np.where(finite[..., None], colors.round(), 128).astype(np.uint8)


def embedding_rgb(embedding: ArrayLike) -> UInt8[np.ndarray, "h w 3"]:
    """The three directions in which a (d, h, w) embedding varies most, as red, green and blue.

    Principal components, each stretched from its 1st to its 99th percentile; components that do not exist or
    do not vary are gray. Pixels of one object that a method has learnt to bring together share a colour.

    Raises:
        ValueError: The embedding is not three-dimensional or empty, or not finite.
    """
    field = np.asarray(embedding, np.float32)
    if field.ndim != 3 or not field.size:
        fail("embedding", "of shape (d, h, w), not empty", f"shape {field.shape}")
    if not np.isfinite(field).all():
        fail("embedding", "finite", "NaN or infinity")
    pixels = field.reshape(len(field), -1)
    pixels = pixels - pixels.mean(axis=1, keepdims=True)
    _, directions = np.linalg.eigh(pixels @ pixels.T)
    main = directions[:, ::-1][:, :3]  # d 3
    main = main * np.where(main[np.abs(main).argmax(axis=0), np.arange(main.shape[1])] < 0, -1, 1)
    channels = np.full((3, pixels.shape[1]), 0.5, np.float32)
    for channel, values in zip(channels, _most_varying(main.T @ pixels), strict=False):
        low, high = np.percentile(values, [1, 99])
        channel[:] = np.clip((values - low) / (high - low), 0, 1) if high - low > 1e-6 else 0.5
    return (channels * 255).round().astype(np.uint8).T.reshape(*field.shape[1:], 3)


def _most_varying(components: Float[np.ndarray, "all n"]) -> Float[np.ndarray, "kept n"]:
    """Components without those that are rounding noise beside the first."""
    spread = components.std(axis=1)
    return components[spread > 1e-4 * max(spread[0], 1e-12)]
