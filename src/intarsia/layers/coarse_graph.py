"""A cut problem on groups of pixels, and its parallel contraction and moves: sorts and sums of integers."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Int64
from torch import Tensor

from intarsia.layers.integer_costs import IntegerCosts


@dataclass(frozen=True, eq=False)
class CoarseGraph:
    """Nodes with summed class costs, and between two nodes at most one edge.

    Attributes:
        nodes: c_V of each node and class.
        ends: The two nodes of each edge, the smaller first; sorted.
        edges: c_E; positive attracts.
    """

    nodes: Int64[Tensor, "n k"]
    ends: Int64[Tensor, "2 e"]
    edges: Int64[Tensor, " e"]

    @classmethod
    def of_pixels(cls, costs: IntegerCosts, groups: Int64[Tensor, "b h w"], num_groups: int) -> CoarseGraph:
        """The problem in which each group of pixels is one node."""
        by_pixel = costs.nodes.movedim(1, -1).flatten(0, 2).long()  # b k h w -> (b h w) k
        nodes = by_pixel.new_zeros(num_groups, by_pixel.shape[1]).index_add_(0, groups.flatten(), by_pixel)
        empty = (groups.new_empty(0), groups.new_empty(0))
        parts = [empty, *(runs(groups[a], groups[z], costs.edges[:, o][a]) for o, a, z in costs.pairs())]
        keys, edges = (torch.cat(part) for part in zip(*parts, strict=True))
        return cls(nodes, *edges_of(keys, edges, num_groups))

    def contract(self, groups: Int64[Tensor, " n"], num_groups: int) -> CoarseGraph:
        """The problem in which each group of nodes is one node."""
        nodes = self.nodes.new_zeros(num_groups, self.nodes.shape[1]).index_add_(0, groups, self.nodes)
        keys = pair_keys(*groups[self.ends])
        apart = keys >= 0
        return CoarseGraph(nodes, *edges_of(keys[apart], self.edges[apart], num_groups))


def runs(first: Tensor, second: Tensor, costs: Tensor) -> tuple[Tensor, Tensor]:
    """Keys of pairs of groups, one for each run of pairs with the same groups, and their summed costs."""
    keys, costs = pair_keys(first.flatten(), second.flatten()), costs.flatten().long()
    return summed_runs(keys, costs)


def pair_keys(first: Tensor, second: Tensor) -> Tensor:
    """One number a pair of nodes, whatever their order; -1 for a node with itself."""
    low, high = torch.minimum(first, second), torch.maximum(first, second)
    return torch.where(low == high, -1, (low << 31) | high)


def summed_runs(keys: Tensor, costs: Tensor) -> tuple[Tensor, Tensor]:
    """The key of each run of equal ones that is not -1, with its sum."""
    if not len(keys):
        return keys, costs
    last = torch.ones_like(keys, dtype=torch.bool)
    last[:-1] = keys[1:] != keys[:-1]
    ends = last.nonzero()[:, 0]
    sums = costs.cumsum(0)[ends].diff(prepend=costs.new_zeros(1))
    inner = keys[ends] >= 0
    return keys[ends][inner], sums[inner]


def edges_of(keys: Tensor, costs: Tensor, num_nodes: int) -> tuple[Tensor, Tensor]:
    """Ends and summed costs of edges given by the keys of their ends, some several times."""
    keys, order = keys.sort()
    keys, costs = summed_runs(keys, costs[order])
    return torch.stack([keys >> 31, keys & ((1 << 31) - 1)]), costs
