"""Outlines: drawn back they give the same pixels, and every polygon is valid for others' geometry."""

from __future__ import annotations

import json

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st

from intarsia.categories import Categories
from intarsia.formats.geojson import features_of, write_geojson
from intarsia.formats.outlines import polygons_of
from intarsia.panoptic import PanopticMap, Segment

FACADES = Categories.named("facades")


def drawn(features: list[dict], size: tuple[int, int]) -> np.ndarray:
    """The map of the features, by asking shapely for each pixel's middle whether it is inside."""
    x, y = np.meshgrid(np.arange(size[1]) + 0.5, np.arange(size[0]) + 0.5)
    ids = np.zeros(size, int)
    for feature in features:
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        assert shape.is_valid, shapely.is_valid_reason(shape)
        inside = shapely.contains_xy(shape, x, y)
        assert not ids[inside].any()
        ids[inside] = feature["properties"]["segment_id"]
    return ids


def filled(rings: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """By the rule of even and odd: a pixel is inside if the vertical sides to its left are odd in number."""
    crossings = np.zeros((size[0], size[1] + 1), int)
    for ring in rings:
        for (x, y), (next_x, next_y) in zip(ring.tolist(), np.roll(ring, -1, axis=0).tolist(), strict=True):
            if x == next_x:
                crossings[min(y, next_y) : max(y, next_y), x] += 1
    return np.cumsum(crossings, axis=1)[:, :-1] % 2 == 1


@given(
    seed=st.integers(0, 100_000),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    kinds=st.integers(1, 4),
    block=st.integers(1, 3),
)
def test_drawn_back_the_polygons_give_the_same_pixels(seed, height, width, kinds, block):
    small = np.random.default_rng(seed).integers(0, kinds + 1, (height, width))
    ids = np.kron(small, np.ones((block, block), int)) * 7
    one = PanopticMap(ids, [Segment(int(n), 1) for n in np.unique(ids) if n])
    assert np.array_equal(drawn(features_of(one, FACADES), one.size), ids)


@given(seed=st.integers(0, 100_000), share=st.floats(0.2, 0.9))
def test_the_rule_of_even_and_odd_gives_the_same_pixels_too(seed, share):
    rows = (np.random.default_rng(seed).random((9, 11)) < share).astype(np.int32)
    rings = [ring for polygon in polygons_of(rows, 1)[0] for ring in (polygon.outer, *polygon.holes)]
    assert np.array_equal(filled(rings, rows.shape), rows == 1)


def test_a_hole_that_touches_the_outside_at_a_corner_is_a_hole():
    """The middle pixel and the missing corner meet in the point (2, 2), where no ring may meet itself."""
    rows = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 0]], np.int32)
    (polygon,) = polygons_of(rows, 1)[0]
    assert polygon.outer.tolist() == [[0, 0], [3, 0], [3, 2], [2, 2], [2, 3], [0, 3]]
    assert [sorted(hole.tolist()) for hole in polygon.holes] == [[[1, 1], [1, 2], [2, 1], [2, 2]]]


def test_parts_that_touch_at_a_corner_are_apart():
    rows = np.array([[1, 0], [0, 1]], np.int32)
    assert len(polygons_of(rows, 1)[0]) == 2
    one = PanopticMap(rows, [Segment(1, 1)])
    assert features_of(one, FACADES)[0]["geometry"]["type"] == "MultiPolygon"


def test_a_segment_inside_of_a_hole_has_its_own_polygon():
    rows = np.ones((5, 5), np.int32)
    rows[1:4, 1:4] = 2
    rows[2, 2] = 1
    ring, inner = polygons_of(rows, 2)
    assert [len(polygon.holes) for polygon in ring] == [1, 0]
    assert [len(polygon.holes) for polygon in inner] == [1]


def test_properties_are_what_qupath_and_maps_read():
    one = PanopticMap(np.array([[9, 4]]), [Segment(9, 6, 0.25), Segment(4, 1, 0.5)])
    stuff, window = features_of(one, FACADES)
    assert stuff["properties"]["objectType"] == "annotation"
    assert window["properties"] == {
        "objectType": "detection",
        "classification": {"name": "window", "color": list(FACADES[FACADES.index_of(1)].color)},
        "measurements": {"score": 0.5, "area px": 1},
        "segment_id": 4,
        "category_id": 1,
        "category": "window",
        "score": 0.5,
        "area": 1,
        "iscrowd": 0,
    }


def test_a_map_without_segments_is_an_empty_collection(tmp_path):
    path = write_geojson(tmp_path / "a.geojson", PanopticMap.empty(2, 3), FACADES)
    assert json.loads(path.read_text()) == {"type": "FeatureCollection", "features": []}


def test_ten_thousand_segments_are_outlined():
    ids = np.kron(np.arange(1, 10_001).reshape(100, 100), np.ones((4, 4), int)).astype(np.int32)
    polygons = polygons_of(ids, 10_000)
    assert {len(parts) for parts in polygons} == {1}
    assert polygons[-1][0].outer.tolist() == [[396, 396], [400, 396], [400, 400], [396, 400]]
