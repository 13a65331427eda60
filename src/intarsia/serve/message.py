"""What the page is told about maps and pixels."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from intarsia import draw
from intarsia.decoding.insight import PixelView
from intarsia.draw.overlay import segment_colors
from intarsia.formats.coco import boxes_of
from intarsia.panoptic import Categories, PanopticMap

__all__ = ["jpeg", "map_message", "pixel_message"]


def map_message(panoptic_map: PanopticMap, categories: Categories) -> dict[str, Any]:
    """Size and segments; these in their order, which is also their number in `ids`."""
    boxes = boxes_of(panoptic_map.ids, [segment.id for segment in panoptic_map.segments])
    colors = {
        by: segment_colors(panoptic_map, categories, by=by)[1:].tolist() for by in ("category", "instance")
    }
    rows = []
    for n, segment in enumerate(panoptic_map.segments):
        category = categories[categories.index_of(segment.category_id)]
        rows.append(
            {
                "name": category.name,
                "thing": category.is_thing,
                "score": round(segment.score, 4),
                "area": panoptic_map.area(segment.id),
                "box": boxes[segment.id],
                "color": colors["category"][n],
                "own_color": colors["instance"][n],
            }
        )
    height, width = panoptic_map.size
    return {"height": height, "width": width, "void": panoptic_map.area(0), "segments": rows}


def pixel_message(view: PixelView, panoptic_map: PanopticMap) -> dict[str, Any]:
    """What a pixel sees; segments by their number in `map_message`."""
    number = {segment.id: n for n, segment in enumerate(panoptic_map.segments)}
    return {
        "step": view.step_px,
        "category": view.category,
        "segment": number.get(view.segment_id),
        "kind": view.kind,
        "alike": _heat(view.alike),
        "joined": None if view.heat is None else _heat(view.heat),
        "summary": [{"text": text, "value": round(value, 4)} for text, value in view.summary],
        "related": [{"segment": number[id], "value": round(value, 4)} for id, value in view.related],
    }


def jpeg(pixels: UInt8[np.ndarray, "h w 3"]) -> bytes:
    """The picture as browsers show it."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "JPEG", quality=92)
    return content.getvalue()


def _heat(values: np.ndarray) -> str:
    """Values from 0 to 1 as a small PNG in an address; a row that holds both ends is cut off again."""
    ends = np.linspace(0, 1, max(values.shape[1], 2))[None, : values.shape[1]]
    ends[0, -1] = 1
    drawn = draw.heat_map(np.concatenate([np.clip(values, 0, 1), ends, np.zeros_like(ends)]))[:-2]
    content = io.BytesIO()
    Image.fromarray(drawn).save(content, "PNG")
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
