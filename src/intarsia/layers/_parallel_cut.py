"""The cut in tensor operations only: on a GPU, for many images at a time, the same answer on every run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from intarsia._check import fail
from intarsia.layers.coarse_graph import CoarseGraph
from intarsia.layers.integer_costs import IntegerCosts
from intarsia.layers.parallel_contraction import contract
from intarsia.layers.parallel_moves import Labels, move_nodes, move_pixels

TILE = 8
CLUSTER_ROUNDS, SUPERPIXEL_ROUNDS, PIXEL_ROUNDS = 32, 32, 12


@dataclass(frozen=True, eq=False)
class ParallelCut:
    """Feasible answers for a batch of images.

    Attributes:
        labels: The class of each pixel, x.
        clusters: Its cluster: the pixels of one segment that are connected, numbered 0 ... C-1 in each
            image in the order of first pixels.

    Example:
        >>> pixel = torch.zeros(1, 1, 1, dtype=torch.int64)
        >>> ParallelCut(pixel, pixel).labels.shape
        torch.Size([1, 1, 1])
    """

    labels: Int64[Tensor, "b h w"]
    clusters: Int64[Tensor, "b h w"]


@torch.no_grad()
def parallel_cut(
    node_costs: Float[Tensor, "b k h w"],
    affinity_costs: Float[Tensor, "b o h w"],
    *,
    offsets: Sequence[tuple[int, int]],
    splittable: Sequence[bool],
) -> ParallelCut:
    """Find segments of low cost for a batch of images, on the device of the costs.

    The problem is that of `intarsia.cut.GridProblem`, and so are the stages: superpixels in tiles, parallel
    contraction of their graph, moves of clusters, of superpixels and of pixels. Costs are rounded to 20 bits
    first, so that no sum depends on the order in which a device adds: the answer is the same on every run
    and every device, and that of a batch is that of its images. `intarsia.cut.solve` on the CPU finds
    slightly lower costs, and is faster there.

    Source: the problem is eq. (2) of Abbas and Swoboda 2021 (COPS); parallel contraction as in RAMA (Abbas
    and Swoboda 2022), parallel moves as in Shi et al. 2021; the combination is ours.

    Args:
        node_costs: c_V of each class and point, finite.
        affinity_costs: c_E; plane o joins pixel (r, c) with (r, c) + offsets[o] and attracts where
            positive. Pairs that leave the image are not looked at.
        offsets: (rows, columns), not (0, 0).
        splittable: Which classes may form several segments that touch; one flag a class.

    Raises:
        ValueError: If costs are not finite, or arguments do not fit together.

    Example:
        >>> affinity_costs = torch.tensor([[[[1.0, -2.0, 1.0, 0.0]]]])
        >>> cut = parallel_cut(torch.zeros(1, 1, 1, 4), affinity_costs, offsets=[(0, 1)], splittable=[True])
        >>> cut.clusters.tolist()
        [[[0, 0, 1, 1]]]
    """
    _check(node_costs, affinity_costs, offsets, splittable)
    costs = IntegerCosts.of(
        node_costs.float(), affinity_costs.float(), [(int(r), int(c)) for r, c in offsets]
    )
    flags = torch.tensor([bool(flag) for flag in splittable], device=node_costs.device)
    superpixels, number = _superpixels(costs)
    fine = CoarseGraph.of_pixels(costs, superpixels, number)
    clusters = contract(fine)
    coarse = fine.contract(clusters, int(clusters.max()) + 1)
    z = Labels.of_nodes(coarse.nodes, flags)
    move_nodes(coarse, z, flags, most_rounds=CLUSTER_ROUNDS)
    z.of = z.of[clusters]
    move_nodes(fine, z, flags, most_rounds=SUPERPIXEL_ROUNDS)
    z.of = z.of[superpixels.flatten()]
    move_pixels(costs, z, flags, most_rounds=PIXEL_ROUNDS)
    labels = z.of.view(superpixels.shape)
    return ParallelCut(z.class_of[labels], _connect(costs, labels))


def _check(
    node_costs: Tensor,
    affinity_costs: Tensor,
    offsets: Sequence[tuple[int, int]],
    splittable: Sequence[bool],
) -> None:
    if 0 in node_costs.shape:
        fail("node_costs", "of at least one image, class and pixel", f"shape {tuple(node_costs.shape)}")
    wanted = (len(node_costs), len(offsets), *node_costs.shape[2:])
    if tuple(affinity_costs.shape) != wanted:
        fail("affinity_costs", f"shaped {wanted}, one plane an offset", tuple(affinity_costs.shape))
    if len(splittable) != node_costs.shape[1]:
        fail("splittable", f"one flag a class ({node_costs.shape[1]})", len(splittable))
    if any(tuple(offset) == (0, 0) for offset in offsets):
        fail("offsets", "other than (0, 0)", "an offset from a pixel to itself")


def _superpixels(costs: IntegerCosts) -> tuple[Int64[Tensor, "b h w"], int]:
    """Pixels joined inside a tile by edges of length 1 above a fifth of what such edges cost on average."""
    batch, _, height, width = costs.nodes.shape
    index = torch.arange(batch * height * width, device=costs.nodes.device).view(batch, height, width)
    tile = (
        torch.arange(height, device=index.device)[:, None] // TILE * width
        + torch.arange(width, device=index.device) // TILE
    )
    tile = tile.expand_as(index)
    joined = []
    for o, first, second in costs.pairs():
        if sum(map(abs, costs.offsets[o])) == 1 and costs.edges[:, o][first].numel():
            c = costs.edges[:, o][first].long()
            weak = c.abs().sum((1, 2), keepdim=True) // (5 * c[0].numel())
            joined.append((first, second, (c > weak) & (tile[first] == tile[second])))
    roots = _spread(index, joined)
    own = roots == index.flatten()
    return (own.cumsum(0) - 1)[roots].view_as(index), int(own.sum())


def _connect(costs: IntegerCosts, labels: Int64[Tensor, "b h w"]) -> Int64[Tensor, "b h w"]:
    """Pixels of one label that edges connect."""
    index = torch.arange(labels.numel(), device=labels.device).view_as(labels)
    same = [(first, second, labels[first] == labels[second]) for _, first, second in costs.pairs()]
    roots = _spread(index, same)
    ordered = (roots == index.flatten()).view(len(labels), -1).cumsum(1).flatten() - 1
    return ordered[roots].view_as(labels)


def _spread(index: Tensor, joined: list[tuple[tuple, tuple, Tensor]]) -> Tensor:
    """The smallest pixel that each pixel is connected with."""
    roots = index.clone()
    while True:
        before = roots.clone()
        for first, second, links in joined:
            a, b = roots[first], roots[second]
            least = torch.minimum(a, b)
            roots[first] = torch.where(links, least, a)
            roots[second] = torch.where(links, torch.minimum(least, roots[second]), roots[second])
        # hook the old root below the new one, then shorten the chains
        flat = roots.flatten().scatter_reduce(0, before.flatten(), roots.flatten(), "amin")
        roots = flat[flat][flat].view_as(index)
        if torch.equal(roots, before):
            return roots.flatten()
