"""Logits of the truth, in place of the network's: which part of a prediction loses the quality?"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from intarsia.data.affinity_targets import affinity_targets
from intarsia.data.targets import PanopticTargets
from intarsia.panoptic import VOID_INDEX

__all__ = ["true_affinity_logits", "true_semantic_logits"]

_SURE = 50.0  # a logit that no sum of a network's overrules


def true_semantic_logits(logits: Float[Tensor, "b k h w"], grid: PanopticTargets) -> Float[Tensor, "b k h w"]:
    """Certain logits of the true categories; in void those of the network.

    Source: Abbas and Swoboda 2021 (COPS), appendix A.8.
    """
    classes = torch.arange(logits.shape[1], device=logits.device)[:, None, None]
    certain = torch.where(grid.semantic[:, None] == classes, _SURE, -_SURE)
    return torch.where(grid.semantic[:, None] != VOID_INDEX, certain, logits.float())


def true_affinity_logits(
    logits: Float[Tensor, "b o h w"], grid: PanopticTargets, offsets: Sequence[tuple[int, int]]
) -> Float[Tensor, "b o h w"]:
    """Certain logits of the true pairs; where an end is void those of the network."""
    pairs = affinity_targets(grid, offsets)
    certain = torch.where(pairs.joined, _SURE, -_SURE)
    return torch.where(pairs.valid, certain, logits.float())
