"""Costs as integers, so that their sums are the same in any order, on any device."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int32
from torch import Tensor

from intarsia._check import counted, fail
from intarsia.cut.offsets import pair_slices

BITS = 20


@dataclass(frozen=True, eq=False)
class IntegerCosts:
    """The costs of a batch of images in units of 2^-20 of (a power of two above) their largest one.

    Sums of many floats depend on their order, which a GPU does not keep; sums of integers do not. Costs of
    pairs that leave the image are 0, those that exist are listed by `pairs`.

    Attributes:
        nodes: c_V of each class and point.
        edges: c_E; positive attracts.
        offsets: From the first pixel of a pair to its second.

    Example:
        >>> IntegerCosts.of(torch.ones(1, 1, 1, 2), torch.full((1, 1, 1, 2), -0.5), [(0, 1)]).edges.tolist()
        [[[[-262144, 0]]]]
    """

    nodes: Int32[Tensor, "b k h w"]
    edges: Int32[Tensor, "b o h w"]
    offsets: list[tuple[int, int]]

    @classmethod
    def of(
        cls,
        node_costs: Float[Tensor, "b k h w"],
        affinity_costs: Float[Tensor, "b o h w"],
        offsets: list[tuple[int, int]],
    ) -> IntegerCosts:
        """Round to multiples of the unit, image by image.

        Raises:
            ValueError: If a cost is not finite.

        Example:
            >>> IntegerCosts.of(torch.zeros(1, 2, 3, 3), torch.zeros(1, 0, 3, 3), []).nodes.shape
            torch.Size([1, 2, 3, 3])
        """
        inside = torch.zeros_like(affinity_costs)
        for o, offset in enumerate(offsets):
            first, _ = _slices_of_batch(affinity_costs, offset)
            inside[:, o][first] = affinity_costs[:, o][first]
        for name, values in (("node_costs", node_costs), ("affinity_costs", inside)):
            if not values.isfinite().all():
                fail(name, "finite", f"NaN or infinity {counted(int((~values.isfinite()).sum()), 'time')}")
        largest = torch.cat([node_costs.flatten(1), inside.flatten(1)], 1).abs().amax(1)
        unit = torch.ldexp(torch.ones_like(largest), torch.frexp(largest).exponent - BITS)[
            :, None, None, None
        ]
        return cls((node_costs / unit).round().int(), (inside / unit).round().int(), offsets)

    def pairs(self) -> Iterator[tuple[int, tuple[slice, ...], tuple[slice, ...]]]:
        """Each offset with where the first pixels of its pairs are in a (b, h, w) tensor, and the second.

        Example:
            >>> costs = IntegerCosts.of(torch.zeros(1, 1, 1, 3), torch.zeros(1, 1, 1, 3), [(0, -1)])
            >>> [(first[2], second[2]) for _, first, second in costs.pairs()]
            [(slice(1, 3, None), slice(0, 2, None))]
        """
        return ((o, *_slices_of_batch(self.nodes, offset)) for o, offset in enumerate(self.offsets))


def _slices_of_batch(costs: Tensor, offset: tuple[int, int]) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """`pair_slices` of every image of a batch."""
    first, second = pair_slices(costs.shape[-2:], offset)
    return (slice(None), *first), (slice(None), *second)
