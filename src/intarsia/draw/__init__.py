"""Pictures of what the library sees: overlays with names, legends, contact sheets, heat maps, embeddings."""

from intarsia.draw.distances import distance_map, distances_from, mark_pixel
from intarsia.draw.fields import embedding_rgb, heat_map
from intarsia.draw.overlay import overlay
from intarsia.draw.pairs import pairs_map
from intarsia.draw.sheets import contact_sheet, side_by_side, with_legend

__all__ = [
    "contact_sheet",
    "distance_map",
    "distances_from",
    "embedding_rgb",
    "heat_map",
    "mark_pixel",
    "overlay",
    "pairs_map",
    "side_by_side",
    "with_legend",
]
