"""Embeddings grouped by a cut: near ones attract, far ones repel, and categories are decided with them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia.cut import GridProblem
from intarsia.cut.offsets import pair_slices
from intarsia.decoding.cut import CutView
from intarsia.decoding.upsampling import grid_size
from intarsia.panoptic import Categories

__all__ = ["embedding_affinities", "embedding_cut_view"]

_LARGEST = 6.0  # log-odds; a pair of equal embeddings is not infinitely sure


def embedding_affinities(
    embeddings: Float[Tensor, "d h w"],
    offsets: Sequence[tuple[int, int]],
    *,
    radius: float | Float[Tensor, "h w"],
) -> Float[Tensor, "o h w"]:
    """Log-odds that two points are one instance: 0 where their embeddings are `radius` apart.

    The probability is exp(-ln 2 (distance / radius)^2), a Gaussian that is 1/2 at the radius.

    Source: Neven et al. 2019 for the Gaussian; to cut by its log-odds, clipped at 6, is ours.

    Args:
        embeddings: On the grid.
        offsets: (rows, columns) from a point to its neighbour.
        radius: Distance of which nothing can be said; where each point has its own, a pair has their
            geometric mean.

    Returns:
        c_E as `intarsia.cut.GridProblem` takes it; 0 for pairs that leave the grid.

    Example:
        >>> embedding_affinities(torch.tensor([[[0.0, 2.0, 2.0]]]), [(0, 1)], radius=2.0).round() + 0.0
        tensor([[[0., 6., 0.]]])
    """
    height, width = embeddings.shape[1:]
    costs = embeddings.new_zeros(len(offsets), height, width)
    radii = torch.as_tensor(radius, dtype=embeddings.dtype).expand(height, width)
    for plane, offset in zip(costs, offsets, strict=True):
        here, there = pair_slices((height, width), offset)
        distance = (embeddings[..., *here] - embeddings[..., *there]).square().sum(dim=0)
        decay = math.log(2) * distance / (radii[here] * radii[there])
        plane[here] = -torch.expm1(decay).clamp(min=1e-6).log()
    return costs.clamp(-_LARGEST, _LARGEST)


def embedding_cut_view(
    logits: Float[Tensor, "k hs ws"],
    embeddings: Float[Tensor, "d hs ws"],
    size: tuple[int, int],
    *,
    categories: Categories,
    offsets: Sequence[tuple[int, int]],
    radius: float | Float[Tensor, "hs ws"],
    stride: int,
) -> CutView:
    """The cut problem of one image: categories cost their negative logits, pairs what embeddings say.

    Stuff has no embeddings to speak of, so a pair counts as much as both ends are likely to be things.

    Args:
        logits: Of the categories, on the grid of the batch.
        embeddings: Likewise.
        size: Height and width of the image, which stands top left.
        categories: What the channels of the logits mean.
        offsets: (rows, columns) from a point to its neighbour.
        radius: As in `embedding_affinities`.
        stride: Pixels between neighbours on the grid.
    """
    rows, columns = grid_size(*size, stride=stride)
    logits = logits[:, :rows, :columns].detach().float().cpu()
    if isinstance(radius, Tensor):
        radius = radius[:rows, :columns].detach().float().cpu()
    costs = embedding_affinities(
        embeddings[:, :rows, :columns].detach().float().cpu(), offsets, radius=radius
    )
    thing = logits.softmax(dim=0)[torch.tensor(categories.is_thing)].sum(dim=0)  # rows columns
    for plane, (down, right) in zip(costs, offsets, strict=True):
        plane *= thing * thing.roll((-down, -right), (0, 1))
    return CutView(
        problem=GridProblem((-logits).numpy(), costs.numpy(), offsets, categories.is_thing.tolist()),
        logits=logits.numpy(),
        size=size,
        stride=stride,
    )
