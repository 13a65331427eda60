"""Algorithm 2 of the COPS paper in rounds: every round merges many pairs that like each other best."""

from __future__ import annotations

import torch
from jaxtyping import Int64
from torch import Tensor

from intarsia.layers.coarse_graph import CoarseGraph

MOST_ROUNDS = 64


def contract(graph: CoarseGraph) -> Int64[Tensor, " n"]:
    """Merge nodes as long as a merge pays; returns the group of each node, numbered 0 ... C-1.

    In every round each node looks for the edge of largest similarity,
        t(ij) = [c_E(ij) + c_V(i, x_i) + c_V(j, x_j)] - min_k [c_V(i, k) + c_V(j, k)] > 0.
    Where two nodes choose each other, the one of larger number joins the other, the centre. All other nodes
    that chose this centre join it, too, except those that repel each other.

    Source: t and the greedy merging are Algorithm 2 of Abbas and Swoboda 2021; merging many best pairs at
    once is as in RAMA (Abbas and Swoboda 2022). Joining all at one centre is ours.
    """
    groups = torch.arange(len(graph.nodes), device=graph.nodes.device)
    for _ in range(MOST_ROUNDS):
        parents = _centres(graph)
        ids, group_of_root = torch.unique(parents, return_inverse=True)
        if len(ids) == len(parents):
            break
        groups = group_of_root[groups]
        graph = graph.contract(group_of_root, len(ids))
    return groups


def _centres(graph: CoarseGraph) -> Tensor:
    """The node that each node joins: its centre, itself if it joins none. Centres join none."""
    num_nodes = len(graph.nodes)
    own = torch.arange(num_nodes, device=graph.nodes.device)
    attracting = (graph.edges > 0).nonzero()[:, 0]  # t is at most c_E
    ends = graph.ends[:, attracting]
    similarity = _similarities(graph, ends, graph.edges[attracting])
    paying = similarity > 0
    ends, similarity = ends[:, paying], similarity[paying]
    best = own.new_zeros(num_nodes).scatter_reduce(0, ends.flatten(), similarity.repeat(2), "amax")
    partner = torch.full_like(own, num_nodes)
    for a, b in ((ends[0], ends[1]), (ends[1], ends[0])):
        best_edges = similarity == best[a]  # ties: the neighbour of least number
        partner.scatter_reduce_(0, a[best_edges], b[best_edges], "amin")
    partner = torch.where(partner == num_nodes, own, partner)
    mutual = (partner[partner] == own) & (partner != own)
    joins_mutual = mutual & (own > partner)
    is_centre = mutual & ~joins_mutual
    parents = torch.where(joins_mutual | (is_centre[partner] & ~mutual), partner, own)
    return _without_repelling_pairs(graph, parents, best, joins_mutual)


def _similarities(graph: CoarseGraph, ends: Tensor, costs: Tensor) -> Tensor:
    least = graph.nodes.amin(1)
    together = (graph.nodes[ends[0]] + graph.nodes[ends[1]]).amin(1)
    return costs + least[ends[0]] + least[ends[1]] - together


def _without_repelling_pairs(graph: CoarseGraph, parents: Tensor, best: Tensor, certain: Tensor) -> Tensor:
    """Of two nodes that repel each other and would join the same one, the one that gains less waits."""
    a, b = graph.ends
    joins = parents != torch.arange(len(parents), device=parents.device)
    repel = (graph.edges < 0) & (parents[a] == parents[b]) & joins[a] & joins[b]
    a, b = a[repel], b[repel]
    first_waits = ~certain[a] & (certain[b] | (best[a] < best[b]))
    waits = torch.zeros_like(certain)
    waits[torch.where(first_waits, a, b)] = True
    # the mutual pair is merged in any case: its similarity is the largest that either of them has
    return torch.where(waits & ~certain, torch.arange(len(parents), device=parents.device), parents)
