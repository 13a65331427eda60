"""Grouping: from embeddings, or centres and offsets, to instances."""

from intarsia.clustering.center_offset import CenterGroups, center_offset_grouping
from intarsia.clustering.majority_vote import majority_vote
from intarsia.clustering.mean_shift import assign_to_centers, mean_shift, resolve_bandwidth

__all__ = [
    "CenterGroups",
    "assign_to_centers",
    "center_offset_grouping",
    "majority_vote",
    "mean_shift",
    "resolve_bandwidth",
]
