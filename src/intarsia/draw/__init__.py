"""Pictures of what the library sees: overlays with names, legends, contact sheets, heat maps, embeddings."""

from intarsia.draw.fields import embedding_rgb, heat_map
from intarsia.draw.overlay import overlay
from intarsia.draw.sheets import contact_sheet, side_by_side, with_legend

__all__ = ["contact_sheet", "embedding_rgb", "heat_map", "overlay", "side_by_side", "with_legend"]
