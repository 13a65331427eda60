"""Losses: plain functions of tensors, one value an image or mask."""

from intarsia.losses.affinity_loss import affinity_loss
from intarsia.losses.class_means import ClassMeans, class_sums, nearest_mean_logits
from intarsia.losses.discriminative_loss import DiscriminativeTerms, discriminative_loss, discriminative_terms
from intarsia.losses.hierarchical_lovasz_loss import (
    HierarchicalLovaszTerms,
    hierarchical_lovasz_loss,
    hierarchical_lovasz_terms,
)
from intarsia.losses.lovasz_hinge import lovasz_hinge
from intarsia.losses.lovasz_softmax import lovasz_softmax
from intarsia.losses.match_masks import MatchedMasks, match_masks
from intarsia.losses.membership_loss import membership_loss
from intarsia.losses.panoptic_matching import DetectionMatch, match_detections, panoptic_matching_loss
from intarsia.losses.panoptic_quality_surrogate import panoptic_quality_surrogate
from intarsia.losses.pooled_quality import PooledQuality
from intarsia.losses.top_k_cross_entropy import top_k_cross_entropy

__all__ = [
    "ClassMeans",
    "DetectionMatch",
    "DiscriminativeTerms",
    "HierarchicalLovaszTerms",
    "MatchedMasks",
    "PooledQuality",
    "affinity_loss",
    "class_sums",
    "discriminative_loss",
    "discriminative_terms",
    "hierarchical_lovasz_loss",
    "hierarchical_lovasz_terms",
    "lovasz_hinge",
    "lovasz_softmax",
    "match_detections",
    "match_masks",
    "membership_loss",
    "nearest_mean_logits",
    "panoptic_matching_loss",
    "panoptic_quality_surrogate",
    "top_k_cross_entropy",
]
