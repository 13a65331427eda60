"""Grouping: from embeddings, seeds, or centres and offsets, to instances."""

from intarsia.clustering.centers import CenterGroups, center_offset_grouping
from intarsia.clustering.means import assign_to_centers, mean_shift, resolve_bandwidth
from intarsia.clustering.seeds import HALF, SeedGroups, assign_by_membership, seed_decoding
from intarsia.clustering.votes import majority_vote

__all__ = [
    "HALF",
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
