"""Segments as GeoJSON: polygons with holes in pixels, as QuPath and programs for maps read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from intarsia._files import whole
from intarsia.formats.outlines import Polygon, polygons_of
from intarsia.panoptic import Categories, PanopticMap, Segment

__all__ = ["features_of", "write_geojson"]


def features_of(panoptic_map: PanopticMap, categories: Categories) -> list[dict[str, Any]]:
    """A GeoJSON feature for each segment, in the order of the map.

    The outlines run along the sides of pixels, so that drawn back they give the same pixels. A segment of
    several parts is a MultiPolygon; parts that touch at a corner only are apart. Things are detections and
    stuff annotations in QuPath.

    Args:
        panoptic_map: Its category ids are those of `categories`.
        categories: Names and colours.

    Returns:
        Points are (x, y) from the upper left corner of the image, y down; each ring ends where it begins.

    Raises:
        ValueError: A category is not in the table.

    Example:
        >>> import numpy as np
        >>> panoptic_map = PanopticMap(np.array([[0, 5, 5]]), [Segment(5, 1)])
        >>> feature = features_of(panoptic_map, Categories.named("facades"))[0]
        >>> feature["geometry"]["coordinates"], feature["properties"]["category"]
        ([[[1, 0], [3, 0], [3, 1], [1, 1], [1, 0]]], 'window')
    """
    numbered = panoptic_map.renumbered()
    outlines = polygons_of(numbered.ids, len(numbered.segments))
    return [
        {
            "type": "Feature",
            "geometry": _geometry(polygons),
            "properties": _properties(segment, categories, area=panoptic_map.area(segment.id)),
        }
        for segment, polygons in zip(panoptic_map.segments, outlines, strict=True)
    ]


def write_geojson(path: str | Path, panoptic_map: PanopticMap, categories: Categories) -> Path:
    """Write the features of a map, as `features_of` makes them, to one file.

    Raises:
        ValueError: A category is not in the table.
        OSError: The file cannot be written.

    Example:
        >>> import tempfile, numpy as np; path = f"{tempfile.mkdtemp()}/a.geojson"
        >>> panoptic_map = PanopticMap(np.array([[0, 5, 5]]), [Segment(5, 1)])
        >>> written = write_geojson(path, panoptic_map, Categories.named("facades"))
        >>> json.loads(written.read_text())["type"]
        'FeatureCollection'
    """
    content = {"type": "FeatureCollection", "features": features_of(panoptic_map, categories)}
    with whole(path) as partial:
        partial.write_text(json.dumps(content), encoding="utf-8")
    return Path(path)


def _geometry(polygons: list[Polygon]) -> dict[str, Any]:
    parts = [[_close(ring.tolist()) for ring in (polygon.outer, *polygon.holes)] for polygon in polygons]
    if len(parts) == 1:
        return {"type": "Polygon", "coordinates": parts[0]}
    return {"type": "MultiPolygon", "coordinates": parts}


def _close(points: list[list[int]]) -> list[list[int]]:
    return [*points, points[0]]


def _properties(segment: Segment, categories: Categories, *, area: int) -> dict[str, Any]:
    """QuPath reads the first three; programs for maps make a column of each plain value."""
    category = categories[categories.index_of(segment.category_id)]
    return {
        "objectType": "detection" if category.is_thing else "annotation",
        "classification": {"name": category.name, "color": list(category.color)},
        "measurements": {"score": segment.score, "area px": area},
        "segment_id": segment.id,
        "category_id": category.id,
        "category": category.name,
        "score": segment.score,
        "area": area,
        "iscrowd": int(segment.is_crowd),
    }
