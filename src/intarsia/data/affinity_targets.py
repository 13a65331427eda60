"""What affinities are trained towards: which pairs of grid points are in one segment, and how they count."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from intarsia._check import fail
from intarsia.cut.offsets import pair_slices
from intarsia.data.targets import PanopticTargets
from intarsia.panoptic import VOID_INDEX

__all__ = ["AffinityTargets", "affinity_targets"]


@dataclass(frozen=True, eq=False)
class AffinityTargets:
    """The pairs at each offset, each at its first point.

    Attributes:
        joined: Whether both points are in one segment; False where the pair is not valid.
        valid: Both points are in the image, and neither is void or a crowd.
        touching: The points are in two different things; False where the pair is not valid.
        weights: The larger weight of the two points; 0 where the pair is not valid.
    """

    joined: Bool[Tensor, "b o h w"]
    valid: Bool[Tensor, "b o h w"]
    touching: Bool[Tensor, "b o h w"]
    weights: Float[Tensor, "b o h w"]


def affinity_targets(
    grid: PanopticTargets,
    offsets: Sequence[tuple[int, int]],
    *,
    weights: Float[Tensor, "b h w"] | None = None,
) -> AffinityTargets:
    """The targets of affinities at these offsets.

    Instances are one segment each, and so is each stuff category of an image, even in several pieces.

    Source: Abbas and Swoboda 2021 (COPS), released code: the weight of an edge is the larger one of its ends.

    Args:
        grid: Targets on the grid, from `at_grid`.
        offsets: (rows, columns) from a point to its neighbour, other than (0, 0).
        weights: Of each point; 1 if they are not given.

    Raises:
        ValueError: If an offset is (0, 0).

    Example:
        >>> from intarsia.data.targets import targets_of
        >>> from intarsia.panoptic import Categories, Segment
        >>> ids = torch.tensor([[1, 1, 2, 0]], dtype=torch.int32)
        >>> grid = targets_of(ids, [Segment(1, 1), Segment(2, 1)], Categories.named("facades"))
        >>> targets = affinity_targets(grid, [(0, 1)])
        >>> targets.joined[0, 0].tolist(), targets.valid[0, 0].tolist()
        ([[True, False, False, False]], [[True, True, False, False]])
    """
    if (0, 0) in [tuple(offset) for offset in offsets]:
        fail("offsets", "other than (0, 0)", "an offset from a point to itself")
    labelled = (grid.semantic != VOID_INDEX) & ~grid.crowd  # b h w
    segment = torch.where(grid.instances > 0, VOID_INDEX + 1 + grid.instances, grid.semantic)
    segment = torch.where(labelled, segment, -1)
    is_thing = grid.instances > 0
    weight = labelled.float() if weights is None else weights * labelled
    shape = (len(grid), len(offsets), *segment.shape[1:])
    joined, valid, touching = torch.zeros(3, *shape, dtype=torch.bool, device=segment.device)
    of_pair = weight.new_zeros(shape)
    for o, offset in enumerate(offsets):
        first, second = pair_slices(segment.shape[1:], offset)
        a, b = (..., *first), (..., *second)
        both = labelled[a] & labelled[b]
        valid[:, o][a] = both
        same = segment[a] == segment[b]
        joined[:, o][a] = both & same
        touching[:, o][a] = both & ~same & is_thing[a] & is_thing[b]
        of_pair[:, o][a] = torch.maximum(weight[a], weight[b]) * both
    return AffinityTargets(joined, valid, touching, of_pair)
