"""From the grid of a network's output to the pixels of the image."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int, Int32, Int64, UInt8
from torch import Tensor

__all__ = [
    "grid_size",
    "upsampled",
    "upsampled_argmax",
    "upsampled_labels",
    "upsampled_segments",
    "upsampled_winners",
]

_BAND_ROWS = 64
_MIXED_AT_ONCE = 1 << 18
_BLOCK_NUMBERS = 1 << 24


def grid_size(height: int, width: int, *, stride: int = 4) -> tuple[int, int]:
    """Rows and columns of the grid over an image: divided by the stride, rounded up.

    Example:
        >>> grid_size(1, 9)
        (1, 3)
    """
    return -(-height // stride), -(-width // stride)


def upsampled(
    grid: Float[Tensor, "b k hs ws"], height: int, width: int, *, stride: int = 4
) -> Float[Tensor, "b k h w"]:
    """Values at every pixel, bilinear; what the grid covers beyond the image is cut off."""
    pixels = F.interpolate(grid, scale_factor=stride, mode="bilinear", align_corners=False)
    return pixels[..., :height, :width]


def upsampled_argmax(
    logits: Float[Tensor, "k hs ws"], height: int, width: int, *, stride: int = 4
) -> UInt8[np.ndarray, "h w"]:
    """The index of the largest value at every pixel, in bands of rows, so that memory stays small.

    Example:
        >>> upsampled_argmax(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]), 1, 8)
        array([[0, 0, 0, 0, 1, 1, 1, 1]], dtype=uint8)
    """
    rows = logits.shape[1]
    bands = []
    for start in range(0, rows, _BAND_ROWS):
        stop = min(start + _BAND_ROWS, rows)
        above, below = max(start - 1, 0), min(stop + 1, rows)  # interpolation sees one row beyond
        band = upsampled(logits[None, :, above:below], (below - above) * stride, width, stride=stride)[0]
        band = band[:, (start - above) * stride : (stop - above) * stride]
        bands.append(band.argmax(dim=0).to(torch.uint8).cpu())
    return torch.cat(bands)[:height].numpy()


def upsampled_winners(
    values: Float[Tensor, "s hs ws"], height: int, width: int, *, stride: int = 4
) -> Int32[np.ndarray, "h w"]:
    """The number of the largest of any number of channels at every pixel, as if all were up-sampled.

    Between four points of the grid with the same winner, that channel wins everywhere; only the other cells,
    those along edges, are interpolated. Hundreds of channels cost little more than a few.

    Example:
        >>> upsampled_winners(torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]]), 1, 8)
        array([[0, 0, 0, 0, 1, 1, 1, 1]], dtype=int32)
    """
    winners = values.argmax(dim=0)  # hs ws
    if stride == 1:
        return winners[:height, :width].int().cpu().numpy()
    around = F.pad(winners[None].float(), (1, 1, 1, 1), mode="replicate")[0].long()
    corners = torch.stack([around[:-1, :-1], around[:-1, 1:], around[1:, :-1], around[1:, 1:]])
    half = stride // 2
    pixels = winners.repeat_interleave(stride, dim=0).repeat_interleave(stride, dim=1)
    pixels = F.pad(pixels[None].float(), (half,) * 4, mode="replicate")[0].int()
    cells = pixels.view(around.shape[0] - 1, stride, around.shape[1] - 1, stride)
    rows, columns = (corners != corners[0]).any(dim=0).nonzero(as_tuple=True)
    padded = F.pad(values[None], (1, 1, 1, 1), mode="replicate")[0]
    share = (torch.arange(stride, device=values.device) + 0.5) / stride
    sides = torch.stack([1 - share, share])  # 2 i
    weights = torch.einsum("ai,bj->abij", sides, sides).reshape(4, stride**2).to(values.dtype)
    for row, column in zip(*(x.split(_block_cells(values, stride)) for x in (rows, columns)), strict=True):
        four = torch.stack([padded[:, row + a, column + b] for a in (0, 1) for b in (0, 1)], dim=-1)
        cells[row, :, column] = (four @ weights).argmax(dim=0).view(-1, stride, stride).int()
    return pixels[half : half + height, half : half + width].cpu().numpy()


def _block_cells(values: Tensor, stride: int) -> int:
    return max(_BLOCK_NUMBERS // (max(len(values), 1) * stride**2), 1)


def upsampled_labels(
    labels: Int32[np.ndarray, "hs ws"],
    group_of_label: UInt8[np.ndarray, " n"],
    groups: UInt8[np.ndarray, "h w"],
    *,
    free: UInt8[np.ndarray, " f"],
    stride: int = 4,
) -> Int32[np.ndarray, "h w"]:
    """Labels at every pixel: the four grid points around a pixel vote with their bilinear weights.

    Only labels of the pixel's own group may win; where none of the four is, the nearest point's label does.
    This is the argmax of the bilinearly up-sampled masks, without ever making a mask for each label.

    Args:
        labels: Labels on the grid, 0 for none.
        group_of_label: The group of each label; the entry of label 0 is unused.
        groups: The group of each pixel.
        free: Groups whose pixels keep label 0.
        stride: Pixels between neighbours on the grid.

    Returns:
        The label of each pixel, 0 where its group is free or no label is near.

    Example:
        >>> labels, of_group = np.array([[1, 2]], np.int32), np.array([0, 7, 7], np.uint8)
        >>> upsampled_labels(labels, of_group, np.full((1, 8), 7, np.uint8), free=np.array([9], np.uint8))
        array([[1, 1, 1, 1, 2, 2, 2, 2]], dtype=int32)
    """
    height, width = groups.shape
    nearest = labels.repeat(stride, axis=0).repeat(stride, axis=1)[:height, :width]
    nearest[np.isin(groups, free)] = 0
    row, row_weight = _left_neighbour(height, stride)
    column, column_weight = _left_neighbour(width, stride)
    around = np.pad(labels, 1, mode="edge")
    corners = [around[:-1, :-1], around[:-1, 1:], around[1:, :-1], around[1:, 1:]]  # each hs+1 ws+1
    mixed = np.logical_or.reduce([corner != corners[0] for corner in corners[1:]])
    unclear = mixed[row[:, None], column] | (group_of_label[nearest] != groups)
    unclear &= ~np.isin(groups, free)
    at_row, at_column = np.nonzero(unclear)
    votes = np.stack([corner[row[at_row], column[at_column]] for corner in corners])  # 4 n
    down, right = row_weight[at_row], column_weight[at_column]
    weights = np.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right])
    nearest[at_row, at_column] = _elected(votes, weights, group_of_label, groups[at_row, at_column])
    return nearest


def upsampled_segments(
    ids: Int32[np.ndarray, "hs ws"],
    categories: Int64[np.ndarray, " s"],
    logits: Float32[np.ndarray, "k hs ws"],
    *,
    size: tuple[int, int],
    stride: int = 4,
) -> Int32[np.ndarray, "h w"]:
    """The segment of each pixel: of those at the four grid points around it the one that fits best.

    That is the one whose category has the largest bilinear logit; of several of that category, the one with
    the most bilinear weight. Only pixels between different segments are looked at.

    Source: ours; the paper on the cut takes the nearest grid point.

    Args:
        ids: Segment of each grid point, from 0.
        categories: Category index of each segment.
        logits: Of the categories.
        size: Height and width of the image.
        stride: Pixels between neighbours on the grid.

    Example:
        >>> logits = np.array([[[1.0, 0.0]], [[0.0, 3.0]]], np.float32)  # the right point is surer
        >>> ids = np.array([[0, 1]], np.int32)
        >>> upsampled_segments(ids, np.array([0, 1]), logits, size=(1, 8))
        array([[0, 0, 0, 1, 1, 1, 1, 1]], dtype=int32)
    """
    height, width = size
    pixels = ids.repeat(stride, axis=0).repeat(stride, axis=1)[:height, :width]
    row, row_weight = _left_neighbour(height, stride)
    column, column_weight = _left_neighbour(width, stride)
    around = np.pad(ids, 1, mode="edge")
    mixed = np.logical_or.reduce(
        [corner != around[:-1, :-1] for corner in (around[:-1, 1:], around[1:, :-1], around[1:, 1:])]
    )
    at_row, at_column = np.nonzero(mixed[row][:, column])
    for start in range(0, len(at_row), _MIXED_AT_ONCE):
        some = slice(start, start + _MIXED_AT_ONCE)
        r, c = at_row[some], at_column[some]
        down, right = row_weight[r], column_weight[c]
        weights = np.stack([(1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right])
        points = [
            np.clip(row[r] + i - 1, 0, ids.shape[0] - 1) * ids.shape[1]
            + np.clip(column[c] + j - 1, 0, ids.shape[1] - 1)
            for i in (0, 1)
            for j in (0, 1)
        ]
        pixels[r, c] = _best_fitting(ids, categories, logits, np.stack(points), weights.astype(np.float32))
    return pixels


def _best_fitting(
    ids: Int32[np.ndarray, "hs ws"],
    categories: Int64[np.ndarray, " s"],
    logits: Float32[np.ndarray, "k hs ws"],
    points: Int64[np.ndarray, "4 n"],
    weights: Float32[np.ndarray, "4 n"],
) -> Int32[np.ndarray, " n"]:
    """Of the segments at four points with weights the one of the largest logit, then of the most weight."""
    votes = ids.ravel()[points]  # 4 n
    flat = logits.reshape(len(logits), -1)
    fit = np.stack(
        [sum(weights[i] * flat[category, points[i]] for i in range(4)) for category in categories[votes]]
    )
    mass = np.stack([(weights * (votes == vote)).sum(axis=0) for vote in votes])
    winner = np.where(fit == fit.max(axis=0), mass, -1.0).argmax(axis=0)
    return np.take_along_axis(votes, winner[None], axis=0)[0]


def _elected(
    votes: Int32[np.ndarray, "4 n"],
    weights: Float[np.ndarray, "4 n"],
    group_of_label: UInt8[np.ndarray, " l"],
    groups: UInt8[np.ndarray, " n"],
) -> Int32[np.ndarray, " n"]:
    """Of four labels the one with the most weight among those of the right group, else the nearest."""
    score = np.stack([(weights * (votes == vote)).sum(axis=0) for vote in votes])
    allowed = (group_of_label[votes] == groups) & (votes > 0) & (score > 0)
    winner = np.where(
        allowed.any(axis=0), np.where(allowed, score, -1.0).argmax(axis=0), weights.argmax(axis=0)
    )
    return np.take_along_axis(votes, winner[None], axis=0)[0]


def _left_neighbour(size: int, stride: int) -> tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
    """For each pixel the grid point before it, on the grid padded by one, and the weight of the next."""
    position = (np.arange(size) + 0.5) / stride + 0.5
    index = np.floor(position).astype(np.int64)
    return index, position - index
