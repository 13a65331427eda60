"""The table of segments: its columns, scikit-image's numbers, micrometres where they are known."""

from __future__ import annotations

import csv
import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from skimage.measure import regionprops_table

from intarsia.categories import Categories
from intarsia.formats.resolution import Resolution
from intarsia.formats.segment_table import COLUMNS, LENGTHS, SegmentTable, segment_table
from intarsia.panoptic import PanopticMap, Segment

FACADES = Categories.named("facades")
OURS = {
    "segment_id": "label",
    "area": "area",
    "centroid_row": "centroid-0",
    "centroid_column": "centroid-1",
    "box_top": "bbox-0",
    "box_left": "bbox-1",
    "box_bottom": "bbox-2",
    "box_right": "bbox-3",
    "perimeter": "perimeter",
}
MEASURES = ("label", "area", "centroid", "bbox", "perimeter", "mean_intensity")


def map_of(ids: np.ndarray) -> PanopticMap:
    return PanopticMap(ids, [Segment(int(n), 1) for n in np.unique(ids) if n])


@given(
    seed=st.integers(0, 10_000),
    height=st.integers(1, 24),
    width=st.integers(1, 24),
    block=st.integers(1, 5),
    channels=st.integers(1, 3),
)
def test_the_numbers_are_those_of_scikit_image(seed, height, width, block, channels):
    generator = np.random.default_rng(seed)
    ids = np.kron(generator.integers(0, 5, (height, width)), np.ones((block, block), int))
    picture = generator.integers(0, 65_536, (*ids.shape, channels)).astype(np.uint16)
    one = map_of(ids)
    if not one.segments:
        return
    table = segment_table(one, FACADES, picture=picture)
    theirs = regionprops_table(ids, picture, properties=MEASURES)
    for name, other in OURS.items():
        assert np.allclose(table[name], theirs[other], rtol=1e-12, atol=1e-12), name
    for c in range(channels):
        assert np.allclose(table[f"mean_{c + 1}"], theirs[f"mean_intensity-{c}"], rtol=1e-12)


def test_rows_follow_the_segments_of_the_map_and_carry_their_category_and_score():
    one = PanopticMap(np.array([[9, 4]]), [Segment(9, 6, 0.25), Segment(4, 1, 0.5)])
    table = segment_table(one, FACADES, image="x/a.png")
    assert tuple(table) == COLUMNS
    assert [table[name] for name in COLUMNS[:5]] == [
        ["x/a.png", "x/a.png"],
        [9, 4],
        [6, 1],
        [FACADES[FACADES.index_of(6)].name, "window"],
        [0.25, 0.5],
    ]


def test_a_pixel_size_adds_lengths():
    """2 x 3 pixels of 0.5: 6 px are 1.5 square micrometres, the centre (0.5, 1.0) px is (0.25, 0.5)."""
    one = PanopticMap(np.ones((2, 3), int), [Segment(1, 1)])
    table = segment_table(one, FACADES, resolution=Resolution.of_pixel_size(0.5))
    assert tuple(table) == COLUMNS + LENGTHS
    assert [table[name][0] for name in LENGTHS] == [1.5, 0.25, 0.5, table["perimeter"][0] / 2, 0.5, 0.5]


def test_the_perimeter_of_pixels_that_are_not_square_is_left_empty():
    one = PanopticMap(np.ones((2, 3), int), [Segment(1, 1)])
    table = segment_table(one, FACADES, resolution=Resolution.of_pixel_size((0.5, 2.0)))
    assert (table["area_um2"], table["perimeter_um"]) == ([6.0], [None])


def test_a_resolution_without_a_size_adds_nothing():
    one = PanopticMap(np.ones((2, 3), int), [Segment(1, 1)])
    assert "area_um2" not in segment_table(one, FACADES, resolution=Resolution((72, 1), (72, 1), 2))


def test_a_picture_of_another_size_is_refused():
    with pytest.raises(ValueError, match="`picture` must be of the map's size 2x3, got 3x2"):
        segment_table(PanopticMap.empty(2, 3), FACADES, picture=np.zeros((3, 2)))


def test_a_map_without_segments_has_no_rows(tmp_path):
    table = segment_table(PanopticMap.empty(2, 3), FACADES, picture=np.zeros((2, 3)))
    assert not any(table.values())
    with SegmentTable(tmp_path / "a.csv") as file:
        file.add(table)
    assert (tmp_path / "a.csv").read_text() == ",".join([*COLUMNS, "mean_1"]) + "\n"


def test_a_run_of_different_pictures_has_one_header_and_empty_cells(tmp_path):
    one = PanopticMap(np.array([[9, 4]]), [Segment(9, 6), Segment(4, 1)])
    rgb = np.arange(6).reshape(1, 2, 3)
    with SegmentTable(tmp_path / "a.csv") as file:
        file.add(segment_table(one, FACADES, image='gray, "1".png', picture=rgb[..., 0]))
        file.add(segment_table(one, FACADES, image="rgb.png", picture=rgb))
        size = Resolution.of_pixel_size(2.0)
        file.add(segment_table(one, FACADES, image="sized.tif", picture=rgb[..., 0], resolution=size))
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text(encoding="utf-8"))))
    assert list(rows[0]) == [*COLUMNS, "mean_1", "mean_2", "mean_3", *LENGTHS]
    cells = [(row["image"], row["mean_1"], row["mean_3"], row["area_um2"]) for row in rows[::2]]
    assert cells == [
        ('gray, "1".png', "0.0", "", ""),
        ("rgb.png", "0.0", "2.0", ""),
        ("sized.tif", "0.0", "", "4.0"),
    ]


def test_a_stopped_run_leaves_no_table(tmp_path):
    with pytest.raises(KeyboardInterrupt), SegmentTable(tmp_path / "a.csv"):
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_rows_without_a_column_are_refused(tmp_path):
    with SegmentTable(tmp_path / "a.csv") as file, pytest.raises(ValueError, match="one without segment_id"):
        file.add({"image": ["a"]})


def test_ten_thousand_segments_are_measured():
    ids = np.kron(np.arange(1, 10_001).reshape(100, 100), np.ones((4, 4), int))
    table = segment_table(map_of(ids), FACADES)
    assert table["area"] == [16] * 10_000
    assert set(table["perimeter"]) == {12.0}
