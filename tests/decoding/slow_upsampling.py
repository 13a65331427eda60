"""Up-sampling written out in NumPy: every channel and every label at every pixel."""

from __future__ import annotations

import numpy as np

from intarsia.decoding.upsampling import grid_size


def bilinear(values: np.ndarray, height: int, width: int, stride: int) -> np.ndarray:
    """Values (k hs ws) at each pixel, rounded where torch's kernel for contiguous maps rounds."""
    row, next_row, down = _points_around(height, values.shape[1], stride)
    column, next_column, right = _points_around(width, values.shape[2], stride)
    top = _between(values[:, row][:, :, column], values[:, row][:, :, next_column], right)
    bottom = _between(values[:, next_row][:, :, column], values[:, next_row][:, :, next_column], right)
    return _between(top, bottom, down[:, None])


def _points_around(pixels: int, points: int, stride: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    position = np.maximum((np.arange(pixels) + 0.5) / stride - 0.5, 0)
    before = np.floor(position).astype(int)
    return before, np.minimum(before + 1, points - 1), (position - before).astype(np.float32)


def _between(before: np.ndarray, after: np.ndarray, share: np.ndarray) -> np.ndarray:
    """fma(before, 1 - share, after * share): the second product is rounded, the first is not."""
    return (before.astype(np.float64) * (1 - share) + after * share).astype(np.float32)


def voted_labels(
    labels: np.ndarray, group_of_label: np.ndarray, groups: np.ndarray, free: np.ndarray, stride: int
) -> np.ndarray:
    """All four points around each pixel, with padding by the nearest point."""
    height, width = groups.shape
    (at_row, down), (at_column, right) = _left_neighbour(height, stride), _left_neighbour(width, stride)
    votes = _four(np.pad(labels, 1, mode="edge"), at_row, at_column)
    weights = _weights(down, right)
    score = np.stack([(weights * (votes == vote)).sum(axis=0) for vote in votes])
    allowed = (group_of_label[votes] == groups) & (votes > 0) & (score > 0)
    winner = np.where(
        allowed.any(axis=0), np.where(allowed, score, -1.0).argmax(axis=0), weights.argmax(axis=0)
    )
    result = np.take_along_axis(votes, winner[None], axis=0)[0]
    return np.where(np.isin(groups, free), 0, result).astype(np.int32)


def fitted_segments(
    ids: np.ndarray, categories: np.ndarray, logits: np.ndarray, size: tuple[int, int], stride: int
) -> np.ndarray:
    """Of the segments at four points the one of the largest logit, then of the most weight."""
    (at_row, down), (at_column, right) = _left_neighbour(size[0], stride), _left_neighbour(size[1], stride)
    votes = _four(np.pad(ids, 1, mode="edge"), at_row, at_column)
    weights = _weights(down, right).astype(np.float32)
    padded = np.stack([np.pad(one, 1, mode="edge") for one in logits])
    corners = [_four(one, at_row, at_column) for one in padded]  # k of 4 h w
    all_fits = np.stack([sum(weights[i] * four[i] for i in range(4)) for four in corners])  # k h w
    fit = np.stack([np.take_along_axis(all_fits, categories[vote][None], axis=0)[0] for vote in votes])
    mass = np.stack([(weights * (votes == vote)).sum(axis=0) for vote in votes])
    winner = np.where(fit == fit.max(axis=0), mass, -1.0).argmax(axis=0)
    return np.take_along_axis(votes, winner[None], axis=0)[0]


def _four(padded: np.ndarray, row: np.ndarray, column: np.ndarray) -> np.ndarray:
    return np.stack([padded[np.ix_(row + i, column + j)] for i in (0, 1) for j in (0, 1)])  # 4 h w


def _weights(down: np.ndarray, right: np.ndarray) -> np.ndarray:
    rows, columns = [1 - down, down], [1 - right, right]
    return np.stack([np.outer(row, column) for row in rows for column in columns])


def _left_neighbour(size: int, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """For each pixel the point before it, on the grid padded by one, and the weight of the next."""
    position = (np.arange(size) + 0.5) / stride + 0.5
    index = np.floor(position).astype(int)
    return index, position - index


def random_grid(rng: np.random.Generator, channels: int, size: tuple[int, int], stride: int) -> np.ndarray:
    """Values on the grid over an image, smooth enough that there are cells without an edge."""
    values = rng.normal(size=(channels, *grid_size(*size, stride=stride)))
    for axis in (1, 2):
        values = values + np.roll(values, 1, axis) + np.roll(values, 2, axis)
    return values.astype(np.float32)
