"""Grouping: from embeddings, seeds, or centres and offsets, to instances."""

from intarsia.clustering.center_offset import CenterGroups, center_offset_grouping
from intarsia.clustering.majority_vote import majority_vote
from intarsia.clustering.mean_shift import assign_to_centers, mean_shift, resolve_bandwidth
from intarsia.clustering.seed_decoding import SeedGroups, assign_by_membership, seed_decoding

__all__ = [
    "CenterGroups",
    "SeedGroups",
    "assign_by_membership",
    "assign_to_centers",
    "center_offset_grouping",
    "majority_vote",
    "mean_shift",
    "resolve_bandwidth",
    "seed_decoding",
]
