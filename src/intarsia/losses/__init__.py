"""Losses: plain functions of tensors. Each gives one value an image, and less is better.

What pools a batch says so in its name, `batch_...`; `lovasz_hinge` has a value for each of any leading axes.
Beside the losses stands what they are made of or need: terms, matchings, sums, and the smooth panoptic
quality itself. Nothing here keeps a state.
"""

from intarsia.clustering import HALF
from intarsia.losses._affinity import affinity_loss, batch_affinity_loss
from intarsia.losses._class_sums import ClassSums, class_sums
from intarsia.losses._discriminative import (
    DiscriminativeTerms,
    Reduction,
    discriminative_loss,
    discriminative_terms,
)
from intarsia.losses._hierarchical import (
    batch_hierarchical_lovasz_terms,
    hierarchical_lovasz_loss,
    hierarchical_lovasz_terms,
)
from intarsia.losses._hierarchical_levels import LevelLoss
from intarsia.losses._hierarchical_options import HierarchicalLovaszOptions, HierarchicalLovaszTerms
from intarsia.losses._lovasz_hinge import lovasz_hinge
from intarsia.losses._lovasz_softmax import lovasz_softmax
from intarsia.losses._mask_pairs import MaskPairs, MatchedMasks, SurrogateOptions
from intarsia.losses._match_masks import match_masks
from intarsia.losses._panoptic_matching import (
    DetectionMatch,
    Matching,
    Normalisation,
    match_detections,
    panoptic_matching_loss,
)
from intarsia.losses._panoptic_quality import (
    QualitySums,
    batch_panoptic_quality_loss,
    panoptic_quality_loss,
    panoptic_quality_sums,
    panoptic_quality_surrogate,
)
from intarsia.losses._top_k import batch_top_k_cross_entropy, top_k_cross_entropy

__all__ = [
    "HALF",
    "ClassSums",
    "DetectionMatch",
    "DiscriminativeTerms",
    "HierarchicalLovaszOptions",
    "HierarchicalLovaszTerms",
    "LevelLoss",
    "MaskPairs",
    "MatchedMasks",
    "Matching",
    "Normalisation",
    "QualitySums",
    "Reduction",
    "SurrogateOptions",
    "affinity_loss",
    "batch_affinity_loss",
    "batch_hierarchical_lovasz_terms",
    "batch_panoptic_quality_loss",
    "batch_top_k_cross_entropy",
    "class_sums",
    "discriminative_loss",
    "discriminative_terms",
    "hierarchical_lovasz_loss",
    "hierarchical_lovasz_terms",
    "lovasz_hinge",
    "lovasz_softmax",
    "match_detections",
    "match_masks",
    "panoptic_matching_loss",
    "panoptic_quality_loss",
    "panoptic_quality_sums",
    "panoptic_quality_surrogate",
    "top_k_cross_entropy",
]
