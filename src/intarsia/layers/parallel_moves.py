"""Nodes or pixels take the label that is cheapest for them, all at once where they are not neighbours."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Int64
from torch import Tensor

from intarsia.layers.coarse_graph import CoarseGraph
from intarsia.layers.integer_costs import IntegerCosts

LEAST = torch.iinfo(torch.int64).min // 4
AT_ONCE = {"cpu": 1 << 14}  # pixels; elsewhere 2^18: what fits a cache, and few launches


@dataclass(eq=False)
class Labels:
    """Panoptic labels.

    0 ... k-1 are the classes as wholes, for those that are not splittable; each label from k on is one
    instance.

    Attributes:
        of: The label of each node or pixel.
        class_of: The class of each label.
    """

    of: Int64[Tensor, " n"]
    class_of: Int64[Tensor, " l"]

    @classmethod
    def of_nodes(cls, nodes: Int64[Tensor, "n k"], splittable: Bool[Tensor, " k"]) -> Labels:
        """Every node is in its cheapest class, alone if that is splittable."""
        n, k = nodes.shape
        cheapest = nodes.argmin(1)
        every = torch.arange(k, device=nodes.device)
        own = torch.arange(n, device=nodes.device) + k
        return cls(torch.where(splittable[cheapest], own, cheapest), torch.cat([every, cheapest]))

    def give_new_labels(self, nodes: Tensor, classes: Tensor) -> None:
        """Give each of these nodes a new label of its class."""
        self.of[nodes] = len(self.class_of) + torch.arange(len(nodes), device=nodes.device)
        self.class_of = torch.cat([self.class_of, classes])


@dataclass(frozen=True, eq=False)
class CheapestClasses:
    """Of each node the cheapest splittable class, and its cost; LARGE if there is none."""

    thing: Tensor
    thing_cost: Tensor

    @classmethod
    def of(cls, nodes: Tensor, splittable: Tensor) -> CheapestClasses:
        """Find them, node by node; `LEAST` keeps classes out that may not be split."""
        cost, thing = torch.where(splittable, nodes, -LEAST).min(1)
        return cls(thing, cost)


def move_nodes(graph: CoarseGraph, z: Labels, splittable: Bool[Tensor, " k"], *, most_rounds: int) -> None:
    """Move nodes of a graph until none gains or the rounds are over. Every round lowers the cost.

    A node may take the label of a neighbour, any class that is not splittable, or a new label of its own. Of
    neighbours that want to move, the one that gains most does; ties go to the smaller number.
    """
    n = len(graph.nodes)
    own = torch.arange(n, device=z.of.device)
    cheapest = CheapestClasses.of(graph.nodes, splittable)
    stuff = (~splittable).nonzero()[:, 0]
    a, b = torch.cat([graph.ends, graph.ends.flip(0)], 1)
    costs = graph.edges.repeat(2)
    # attraction 0 of its own label and of all stuff, so that these are among the candidates of every node
    candidates_of_all = torch.cat([own, own.repeat_interleave(len(stuff))])
    for _ in range(most_rounds):
        labels = torch.cat([z.of[b], z.of, stuff.repeat(n)])
        nodes, candidates, values = _attractions(torch.cat([a, candidates_of_all]), labels, costs)
        values = values - graph.nodes[nodes, z.class_of[candidates]]
        # what a node gains where it is, and the best it is offered elsewhere; of equals the lowest label
        stay = torch.empty_like(own)
        mine = candidates == z.of[nodes]
        stay[nodes[mine]] = values[mine]
        values = values.masked_fill(mine, LEAST)
        best = torch.full_like(own, LEAST).scatter_reduce(0, nodes, values, "amax")
        target = torch.full_like(own, torch.iinfo(torch.int64).max)
        ties = values == best[nodes]
        target.scatter_reduce_(0, nodes[ties], candidates[ties], "amin")
        # or it founds a cluster of its own; of neighbours only the one that gains most moves
        alone = -cheapest.thing_cost > best
        gain = torch.maximum(best, -cheapest.thing_cost) - stay
        neighbours = own.new_zeros(n).scatter_reduce(0, a, gain[b], "amax")
        rival = torch.full_like(own, n)
        level = gain[b] == gain[a]
        rival.scatter_reduce_(0, a[level], b[level], "amin")
        moves = (gain > 0) & ((gain > neighbours) | ((gain == neighbours) & (own < rival)))
        # moved nodes get their new label, founders a fresh one
        if not moves.any():
            return
        z.of = torch.where(moves & ~alone, target, z.of)
        founders = (moves & alone).nonzero()[:, 0]
        z.give_new_labels(founders, cheapest.thing[founders])


def _attractions(nodes: Tensor, labels: Tensor, costs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The sum of the costs for each node and label offered to it; offers beyond `costs` attract by 0."""
    keys, order = ((nodes << 31) | labels).sort()
    costs = torch.cat([costs, costs.new_zeros(len(keys) - len(costs))])[order]
    last = torch.ones_like(keys, dtype=torch.bool)
    last[:-1] = keys[1:] != keys[:-1]
    ends = last.nonzero()[:, 0]
    sums = costs.cumsum(0)[ends].diff(prepend=costs.new_zeros(1))
    return keys[ends] >> 31, keys[ends] & ((1 << 31) - 1), sums


def move_pixels(costs: IntegerCosts, z: Labels, splittable: Bool[Tensor, " k"], *, most_rounds: int) -> None:
    """The same for the pixels of a batch of images, looking only at those that may gain.

    The bound
        c_V(i, z_i) - min_k c_V(i, k) + sum_{z_j != z_i} max(c_E(ij), 0) - sum_{z_j = z_i} c_E(ij)
    tells, and whose surroundings have changed since.
    """
    pixels = _Pixels(costs, splittable)
    fresh = torch.ones_like(z.of, dtype=torch.bool)
    at_once = AT_ONCE.get(z.of.device.type, 1 << 18)
    for _ in range(most_rounds):
        # what each pixel gains at most, and of those that may gain what they do
        active = (fresh & (pixels.bounds(z) > 0)).nonzero()[:, 0]
        parts = [pixels.best_moves(part, z) for part in active.split(at_once)]
        if not parts:
            return
        gain, target = (torch.cat(part) for part in zip(*parts, strict=True))
        fresh[active[gain <= 0]] = False
        gains = torch.zeros_like(z.of).index_put_((active,), gain.clamp(min=0))
        wants = gain > 0
        active, gain, target = active[wants], gain[wants], target[wants]
        near, _ = pixels.neighbours(active)
        # of neighbours that want to move only the one that gains most does
        near_gains = torch.where(near >= 0, gains[near], 0)
        earlier = (near_gains == gain[:, None]) & (near < active[:, None]) & (near >= 0)
        moves = ~((near_gains > gain[:, None]) | earlier).any(1)
        if not moves.any():
            return
        # move; a pixel that founds a segment takes the cheapest class; who is near looks again
        active, target = active[moves], target[moves]
        taken = target >= 0
        z.of[active[taken]] = target[taken]
        founders = active[~taken]
        z.give_new_labels(founders, pixels.cheapest.thing[founders])
        around = near[moves]
        fresh[around[around >= 0]] = True


class _Pixels:
    """Costs by pixel, and the neighbours of chosen pixels."""

    def __init__(self, costs: IntegerCosts, splittable: Tensor) -> None:
        self.costs = costs
        self.shape = costs.nodes[:, 0].shape
        self.nodes = costs.nodes.movedim(1, -1).flatten(0, 2)  # b k h w -> (b h w) k
        self.edges = costs.edges.flatten(2).movedim(1, 0).flatten(1)  # b o h w -> o (b h w)
        self.cheapest = CheapestClasses.of(self.nodes.long(), splittable)
        self.stuff = (~splittable).nonzero()[:, 0]
        self.least = self.nodes.amin(1)
        steps = [(*offset, o) for o, offset in enumerate(costs.offsets)]
        self.steps = torch.tensor(steps, dtype=torch.int64, device=splittable.device).reshape(-1, 3)

    def bounds(self, z: Labels) -> Tensor:
        """What a move of each pixel gains at most."""
        own = self.nodes.gather(1, z.class_of[z.of][:, None])[:, 0] - self.least
        bounds, labels = own.view(self.shape), z.of.view(self.shape)
        for o, first, second in self.costs.pairs():
            c = self.costs.edges[:, o][first]
            change = torch.where(labels[first] == labels[second], -c, c.clamp(min=0))
            bounds[first] += change
            bounds[second] += change
        return bounds.flatten()

    def neighbours(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """Of each pixel its neighbours both ways, -1 beyond the image, and what the edges to them cost."""
        _, height, width = self.shape
        row, col = pixels // width % height, pixels % width
        rows, cols, plane = self.steps.T
        near, costs = [], []
        for sign in (1, -1):
            r, c = row[:, None] + sign * rows, col[:, None] + sign * cols
            inside = (r >= 0) & (r < height) & (c >= 0) & (c < width)
            index = pixels[:, None] + sign * (rows * width + cols)
            holder = (pixels[:, None] if sign == 1 else index).where(inside, 0)
            near.append(index.where(inside, -1))
            costs.append(self.edges[plane, holder].where(inside, 0))
        return torch.cat(near, 1), torch.cat(costs, 1)

    def best_moves(self, pixels: Tensor, z: Labels) -> tuple[Tensor, Tensor]:
        """What the best move of each pixel gains, and the label it goes to; -1 for a new one."""
        near, costs = self.neighbours(pixels)
        labels = torch.where(near >= 0, z.of[near], z.of[pixels][:, None])
        candidates = torch.cat([labels, z.of[pixels][:, None], self.stuff.expand(len(pixels), -1)], 1)
        values = torch.zeros_like(candidates)
        for slot in range(costs.shape[1]):
            values += costs[:, slot, None] * (labels[:, slot, None] == candidates)
        values -= self.nodes[pixels].gather(1, z.class_of[candidates])
        own = candidates == z.of[pixels][:, None]
        stay = values[:, costs.shape[1]]
        values = values.masked_fill(own, LEAST)
        best = values.amax(1)
        target = candidates.masked_fill(values < best[:, None], torch.iinfo(torch.int64).max).amin(1)
        alone = -self.cheapest.thing_cost[pixels]
        return torch.maximum(best, alone) - stay, torch.where(alone > best, -1, target)
