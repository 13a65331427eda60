"""Instances over stuff: areas, order, void; too small is void."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from intarsia.decoding.assembly import Thing, Thresholds, assembled
from intarsia.decoding.centers import CenterGroupingConfig
from intarsia.decoding.cut import CutConfig
from intarsia.decoding.mean_shift import MeanShiftConfig
from intarsia.errors import InputError
from intarsia.panoptic import VOID_INDEX, Categories, Category

CATEGORIES = Categories(
    Category(id, name, is_thing, (id, 0, 0))
    for id, name, is_thing in [(10, "car", True), (20, "road", False), (30, "dog", True), (40, "sky", False)]
)


def test_things_come_first_then_stuff_and_things_without_an_instance_are_void():
    semantic = np.array([[0, 0, 1, 1], [2, 255, 3, 1]], np.uint8)
    instances = np.array([[2, 2, 0, 1], [0, 0, 0, 0]], np.int32)
    result = assembled(semantic, instances, [Thing(2, 0.5), Thing(0, 0.75)], categories=CATEGORIES)
    assert result.ids.tolist() == [[2, 2, 3, 1], [0, 0, 4, 3]]
    assert [(s.id, s.category_id, s.score) for s in result.segments] == [
        (1, 30, 0.5),
        (2, 10, 0.75),
        (3, 20, 1.0),
        (4, 40, 1.0),
    ]


def test_too_small_segments_become_void_and_the_others_close_up():
    semantic = np.array([[1, 1, 1, 3]], np.uint8)
    instances = np.array([[1, 0, 0, 0]], np.int32)
    two = Thresholds(min_thing_px=2, min_stuff_px=2)
    result = assembled(semantic, instances, [Thing(0)], categories=CATEGORIES, thresholds=two)
    assert result.ids.tolist() == [[0, 1, 1, 0]]
    assert [s.category_id for s in result.segments] == [20]


def test_doubtful_things_become_void_by_one_score_for_all_or_one_a_category():
    """Things of categories 0, 2 and 2; stuff has score 1 and stays whatever is asked for."""
    instances = np.array([[1, 2, 3, 0]], np.int32)
    semantic = np.array([[0, 2, 2, 1]], np.uint8)
    things = [Thing(0, 0.5), Thing(2, 0.5), Thing(2, 0.7)]

    def shown(**settings):
        thresholds = Thresholds(min_thing_px=1, min_stuff_px=1, **settings)
        result = assembled(semantic, instances, things, categories=CATEGORIES, thresholds=thresholds)
        return result.semantic(CATEGORIES)[0].tolist()

    assert shown() == shown(min_score=0.5) == [0, 2, 2, 1]
    assert shown(min_score=0.6) == [VOID_INDEX, VOID_INDEX, 2, 1]
    assert shown(min_score=1.0) == [VOID_INDEX, VOID_INDEX, VOID_INDEX, 1]
    assert shown(category_score=(0.5, 1.0, 0.6, 1.0), min_score=1.0) == [0, VOID_INDEX, 2, 1]


def test_scores_that_no_segment_can_have_are_refused():
    with pytest.raises(InputError, match=r"`decoding.min_score` must be in \[0, 1\], got 1.5"):
        Thresholds(min_score=1.5)
    with pytest.raises(InputError, match=r"`cut.category_score` must be scores in \[0, 1\], got \(nan,\)"):
        CutConfig(category_score=(float("nan"),))
    with pytest.raises(InputError, match="`grouping.min_score`"):
        CenterGroupingConfig(min_score=-0.1)
    expected = "`grouping.category_score` must be a score for each of 4 categories, got 2"
    with pytest.raises(InputError, match=expected):
        MeanShiftConfig(category_score=(0.5, 0.5)).least_score(CATEGORIES)


def test_a_thing_of_no_category_is_void_with_pixels_or_without():
    """What `majority_vote` gives for a centre that no point belongs to, between two that have points."""
    instances = np.array([[1, 1, 3, 4]], np.int32)
    things = [Thing(0), Thing(255), Thing(0), Thing(255)]
    one = assembled(np.zeros((1, 4), np.uint8), instances, things, categories=CATEGORIES)
    assert one.ids.tolist() == [[1, 1, 2, 0]]
    assert [segment.category_id for segment in one.segments] == [CATEGORIES[0].id] * 2


def test_ten_thousand_instances_are_kept():
    instances = np.arange(1, 10_001, dtype=np.int32).reshape(100, 100)
    result = assembled(np.zeros((100, 100), np.uint8), instances, [Thing(0)] * 10_000, categories=CATEGORIES)
    assert len(result.segments) == 10_000


@settings(max_examples=50, deadline=None)
@given(
    semantic=arrays(np.uint8, (5, 6), elements=st.sampled_from([0, 1, 2, 3, 255])),
    instances=arrays(np.int32, (5, 6), elements=st.integers(0, 4)),
    least=st.integers(0, 8),
)
def test_every_pixel_shows_its_instance_else_its_stuff_else_void(semantic, instances, least):
    things = [Thing(0), Thing(2), Thing(0), Thing(2)]
    thresholds = Thresholds(min_thing_px=least, min_stuff_px=least)
    result = assembled(semantic, instances, things, categories=CATEGORIES, thresholds=thresholds)
    category = np.where(instances > 0, np.array([255, 0, 2, 0, 2], np.uint8)[instances], semantic)
    category[(instances == 0) & np.isin(category, [0, 2])] = 255
    shown = result.semantic(CATEGORIES)
    assert (shown[result.ids > 0] == category[result.ids > 0]).all()
    assert all(result.area(segment.id) >= least for segment in result.segments)
    if least <= 1:
        assert (shown == category).all()
