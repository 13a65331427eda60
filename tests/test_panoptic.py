"""The one currency: what a map accepts, what it says about its segments, and every way there and back."""

from __future__ import annotations

import dataclasses
import io
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from intarsia.categories import Categories
from intarsia.panoptic import PanopticMap, Segment, ids_to_rgb, rgb_to_ids

FACADES = Categories.named("facades")
WINDOW, CAR, FACADE = 1, 3, 6
IDS = np.array([[5, 5, 0], [5, 9, 9]])
ONE = PanopticMap(IDS, [Segment(9, FACADE), Segment(5, WINDOW, score=0.5)])

RECIPES = st.tuples(st.integers(1, 5), st.lists(st.integers(0, 4), min_size=5, max_size=20))


def build(recipe: tuple[int, list[int]]) -> PanopticMap:
    width, values = recipe
    ids = np.array(values[: len(values) // width * width]).reshape(-1, width) * 1000
    rows = [(WINDOW, False), (WINDOW, False), (CAR, True), (FACADE, False)]
    segments = [Segment(1000 * n, k, is_crowd=crowd) for n, (k, crowd) in enumerate(rows, start=1)]
    return PanopticMap.keeping_visible(ids, segments)


def pixels(one: PanopticMap) -> set[tuple[bytes, int, bool]]:
    return {(one.mask(s.id).tobytes(), s.category_id, s.is_crowd) for s in one.segments}


def test_a_map_shows_itself_in_a_line_whatever_its_size():
    assert repr(ONE) == "PanopticMap(2x3, 2 segments)"
    assert repr(PanopticMap.empty(2000, 3000)) == "PanopticMap(2000x3000, 0 segments)"


def test_in_a_notebook_a_map_is_a_picture_of_its_segments():
    picture = np.asarray(Image.open(io.BytesIO(ONE._repr_png_())))
    assert picture.shape == (2, 3, 3)
    colors = {tuple(picture[id == IDS].reshape(-1, 3)[0].tolist()) for id in (0, 5, 9)}
    assert len(colors) == 3
    assert (0, 0, 0) in colors
    assert all(len(np.unique(picture[id == IDS], axis=0)) == 1 for id in (0, 5, 9))


@pytest.mark.parametrize("size", [(1, 2000), (2000, 1), (513, 600), (512, 512)])
def test_the_picture_of_a_large_map_is_small(size):
    ids = np.ones(size, np.int32)
    picture = Image.open(io.BytesIO(PanopticMap(ids, [Segment(1, CAR)])._repr_png_()))
    assert max(picture.size) <= 512
    assert min(picture.size) >= 1


def test_a_map_is_replaced_and_pickled_like_any_dataclass():
    assert dataclasses.replace(ONE, segments=ONE.segments) == ONE
    assert pickle.loads(pickle.dumps(ONE)) == ONE
    assert [field.name for field in dataclasses.fields(ONE)] == ["ids", "segments"]


def test_a_map_says_its_size_areas_and_masks():
    assert ONE.size == (2, 3)
    assert (ONE.area(5), ONE.area(9), ONE.area(0)) == (3, 2, 1)
    assert ONE.mask(9).tolist() == [[False, False, False], [False, True, True]]
    assert ONE.mask(0).sum() == 1
    assert PanopticMap(np.ones((2, 2), int), [Segment(1, 1)]).mask(0).sum() == 0


@pytest.mark.parametrize("ask", [ONE.area, ONE.mask])
def test_an_id_that_is_not_in_the_map_is_refused(ask: Any):
    with pytest.raises(ValueError, match="`id` must be of a segment in the map, got 7"):
        ask(7)


@pytest.mark.parametrize(
    ("ids", "segments", "sentence"),
    [
        (np.zeros((2, 2)), [], "a 2-d array of integers, at least 1x1, got float64 of shape (2, 2)"),
        (np.zeros((2, 2), bool), [], "a 2-d array of integers, at least 1x1, got bool"),
        (np.zeros(4, int), [], "a 2-d array of integers, at least 1x1, got int64 of shape (4,)"),
        (np.zeros((0, 4), int), [], "at least 1x1, got int64 of shape (0, 4)"),
        ([[-1]], [Segment(-1, 1)], "`ids` must be in [0, 2^31), got -1"),
        ([[1 << 31]], [Segment(1 << 31, 1)], "`ids` must be in [0, 2^31), got 2147483648"),
        ([[1]], [Segment(1, 1), Segment(1, 2)], "without two of the same id, got 1"),
        ([[1, 2, 3]], [Segment(1, 1)], "one for each id in the map; without one: 2 ids, got id 2"),
        ([[1]], [Segment(1, 1), Segment(4, 1)], "in the map; without a pixel: 1, got id 4"),
        ([[0]], [Segment(0, 1)], "in the map; without a pixel: 1, got id 0"),
    ],
)
def test_ids_and_segments_that_disagree_are_refused(ids: Any, segments: list[Segment], sentence: str):
    with pytest.raises(ValueError, match=re.escape(sentence)):
        PanopticMap(ids, segments)


@pytest.mark.parametrize("kind", ["uint8", "uint16", "int32", "uint32", "int64", "uint64"])
def test_every_kind_of_integer_is_taken_and_copied(kind: str):
    ids = IDS.astype(kind)
    one = PanopticMap(ids, ONE.segments)
    ids[:] = 0
    assert one == ONE
    assert one.ids.dtype == np.int32


def test_a_map_cannot_be_changed():
    with pytest.raises(ValueError, match="read-only"):
        ONE.ids[0, 0] = 1
    with pytest.raises(dataclasses.FrozenInstanceError):
        ONE.ids = IDS  # type: ignore[misc]
    with pytest.raises(TypeError, match="unhashable"):
        hash(ONE)


def test_maps_are_equal_whatever_the_order_of_their_segments():
    assert PanopticMap(IDS, ONE.segments[::-1]) == ONE
    assert PanopticMap(IDS, [Segment(9, FACADE), Segment(5, WINDOW)]) != ONE  # another score
    assert PanopticMap(IDS[:, ::-1], ONE.segments) != ONE
    assert ONE != "a map"


def test_one_pixel_and_ten_thousand_segments_are_maps():
    assert PanopticMap([[7]], [Segment(7, 1)]).area(7) == 1
    ids = np.arange(1, 10_001).reshape(100, 100)
    assert PanopticMap(ids, [Segment(n, WINDOW) for n in range(1, 10_001)]).instances(FACADES).max() == 10_000


def test_semantic_has_the_category_index_and_255_for_void():
    assert ONE.semantic(FACADES).tolist() == [[0, 0, 255], [0, 5, 5]]
    assert ONE.semantic(FACADES).dtype == np.uint8
    with pytest.raises(ValueError, match="`category id` must be one of .* got 6"):
        ONE.semantic(Categories.named("nuclei"))


def test_instances_number_things_without_crowds():
    rows = [Segment(4, CAR, is_crowd=True), Segment(3, CAR), Segment(2, FACADE), Segment(1, WINDOW)]
    assert PanopticMap([[1, 2, 3, 4, 0]], rows).instances(FACADES).tolist() == [[2, 0, 1, 0, 0]]


def test_resizing_takes_the_nearest_pixel_and_drops_what_vanishes():
    """Doubling repeats each pixel; the centre of a 1x1 map lies on the pixel (1, 1)."""
    assert ONE.resized(4, 6).ids.tolist() == np.kron(IDS, np.ones((2, 2), int)).tolist()
    assert ONE.resized(2, 3) == ONE
    small = ONE.resized(1, 1)
    assert small.ids.tolist() == [[9]]
    assert [segment.id for segment in small.segments] == [9]
    with pytest.raises(ValueError, match="`size` must be at least 1x1, got 0x3"):
        ONE.resized(0, 3)


def test_keeping_visible_drops_segments_without_pixels():
    assert PanopticMap.keeping_visible(IDS, [*ONE.segments, Segment(77, 1)]) == ONE


def test_the_empty_map_is_void():
    assert PanopticMap.empty(2, 3).area(0) == 6
    assert PanopticMap.empty(2, 3).segments == ()


def test_renumbering_counts_in_the_order_of_the_segments():
    one = ONE.renumbered()
    assert one.ids.tolist() == [[2, 2, 0], [2, 1, 1]]
    assert one.segments == (Segment(1, FACADE), Segment(2, WINDOW, score=0.5))


@given(RECIPES)
def test_every_encoding_comes_back(recipe: tuple[int, list[int]]):
    one = build(recipe)
    assert PanopticMap.from_transformers(one.to_transformers()) == one
    assert pixels(one.renumbered()) == pixels(one)
    assert rgb_to_ids(ids_to_rgb(one.ids)).tolist() == one.ids.tolist()
    labels = one.to_label_divisor(100, categories=FACADES)
    assert pixels(PanopticMap.from_label_divisor(labels, 100, categories=FACADES)) == pixels(one)


@given(RECIPES)
def test_areas_add_up_to_the_image(recipe: tuple[int, list[int]]):
    one = build(recipe)
    assert sum(one.area(segment.id) for segment in one.segments) + one.area(0) == one.ids.size
    assert (one.semantic(FACADES) == 255).sum() == one.area(0)


def test_segments_of_transformers_are_numbered_from_0_or_from_1():
    """EoMT and DETR: id 0 is a segment, -1 void. Mask2Former: ids from 1, 0 void."""
    from_0 = [{"id": 0, "label_id": 5, "score": 0.5}, {"id": 1, "label_id": 6}]
    one = PanopticMap.from_transformers({"segmentation": [[0, 0, 1, -1]], "segments_info": from_0})
    assert [(s.category_id, one.area(s.id)) for s in one.segments] == [(5, 2), (6, 1)]
    assert (one.ids == 0).sum() == 1
    from_1 = [{"id": 1, "label_id": 5}, {"id": 2, "label_id": 6}]
    other = PanopticMap.from_transformers({"segmentation": [[1, 1, 2, 0]], "segments_info": from_1})
    assert other.ids.tolist() == [[1, 1, 2, 0]]


@pytest.mark.parametrize("kind", ["bfloat16", "float32", "int32"])
def test_results_of_transformers_may_be_tensors_of_any_kind(kind: str):
    import torch

    values = torch.tensor([[0, 0, 1, -1]], dtype=getattr(torch, kind), requires_grad=kind != "int32")
    info = [{"id": 0, "label_id": 5}, {"id": 1, "label_id": 6}]
    one = PanopticMap.from_transformers({"segmentation": values, "segments_info": info})
    assert one.ids.tolist() == [[1, 1, 2, 0]]


def test_what_transformers_gives_is_read():
    """-1 marks pixels of no segment in some of its models, 0 in others; fused stuff is no crowd."""
    rows = [
        {"id": 1, "label_id": 17, "was_fused": True, "score": 0.75},
        {"id": 2, "label_id": 3, "was_fused": False},
    ]
    one = PanopticMap.from_transformers({"segmentation": np.array([[-1, 1], [0, 2]]), "segments_info": rows})
    assert one.ids.tolist() == [[0, 1], [0, 2]]
    assert one.segments == (Segment(1, 17, 0.75), Segment(2, 3))


def test_label_divisors_by_hand():
    rows = [Segment(1, WINDOW), Segment(2, WINDOW), Segment(3, FACADE), Segment(4, WINDOW, is_crowd=True)]
    one = PanopticMap([[1, 2, 3, 4, 0]], rows)
    assert one.to_label_divisor().tolist() == [[1001, 1002, 6001, 1003, -1]]
    assert one.to_label_divisor(100, categories=FACADES).tolist() == [[101, 102, 600, 100, -1]]
    back = PanopticMap.from_label_divisor([[101, 102, 600, 100, -1]], 100, categories=FACADES)
    assert pixels(back) == pixels(one)
    with pytest.raises(ValueError, match="larger than the number of segments of category 1, got 2"):
        one.to_label_divisor(2)
    twice = PanopticMap([[1, 2]], [Segment(1, FACADE), Segment(2, FACADE)])
    with pytest.raises(ValueError, match="of one stuff segment or crowd a category, got two of 6"):
        twice.to_label_divisor(categories=FACADES)


def test_a_saved_map_comes_back_whole(tmp_path: Path):
    one = PanopticMap(IDS * 70_000, [Segment(630_000, FACADE), Segment(350_000, WINDOW, 0.125, True)])
    one.save(tmp_path / "a.png")
    assert PanopticMap.load(tmp_path / "a.png") == one
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
    PanopticMap.empty(3, 1).save(tmp_path / "a.png")
    assert PanopticMap.load(tmp_path / "a.png") == PanopticMap.empty(3, 1)


def test_a_foreign_png_is_not_loaded_and_a_wide_id_not_saved(tmp_path: Path):
    Image.new("RGB", (2, 2)).save(tmp_path / "a.png")
    with pytest.raises(
        ValueError, match=r"a.png` must be a PNG written by PanopticMap.save, got one without"
    ):
        PanopticMap.load(tmp_path / "a.png")
    with pytest.raises(
        ValueError, match=r"below 2\^24 to fit into a PNG, got 16777216. PanopticMap.renumbered"
    ):
        PanopticMap([[1 << 24]], [Segment(1 << 24, 1)]).save(tmp_path / "b.png")
    assert not (tmp_path / "b.png").exists()
