"""Losses: plain functions of tensors, one value an image or mask."""

from intarsia.losses.affinity_loss import affinity_loss
from intarsia.losses.discriminative_loss import DiscriminativeTerms, discriminative_loss, discriminative_terms
from intarsia.losses.lovasz_hinge import lovasz_hinge
from intarsia.losses.lovasz_softmax import lovasz_softmax
from intarsia.losses.panoptic_quality_surrogate import (
    MatchedMasks,
    match_masks,
    panoptic_quality_surrogate,
)
from intarsia.losses.top_k_cross_entropy import top_k_cross_entropy

__all__ = [
    "DiscriminativeTerms",
    "MatchedMasks",
    "affinity_loss",
    "discriminative_loss",
    "discriminative_terms",
    "lovasz_hinge",
    "lovasz_softmax",
    "match_masks",
    "panoptic_quality_surrogate",
    "top_k_cross_entropy",
]
