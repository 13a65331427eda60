"""Things in three dimensions: by hand, against cuts of single pages, and what is kept of their ends."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from intarsia.cut import GridProblem
from intarsia.decoding.cut import CutSegments, cut_map
from intarsia.decoding.cut_view import CutConfig, CutView
from intarsia.decoding.layers import layer_of, overlap_log_odds
from intarsia.decoding.stack import stack_maps, stack_problem
from intarsia.panoptic import Categories, Category

NUCLEI = Categories([Category(1, "nucleus", True, (9, 9, 9)), Category(2, "ground", False, (0, 0, 0))])
CONFIG = CutConfig(upsampling="nearest", min_thing_px=2, min_stuff_px=1)
SURE = 5.0


def page(things: str, joints: dict[int, float] | None = None) -> CutView:
    """One row of points: a letter is a nucleus, a dot the ground; neighbours of one letter attract.

    `joints` replaces the cost between a point and the next.
    """
    letters = np.array(list(things))
    is_thing = letters != "."
    node_costs = np.where([is_thing, ~is_thing], -SURE, SURE).astype(np.float32)[:, None]
    costs = np.zeros((1, 1, len(letters)), np.float32)
    costs[0, 0, :-1] = np.where(letters[:-1] == letters[1:], SURE, -SURE)
    for point, cost in (joints or {}).items():
        costs[0, 0, point] = cost
    problem = GridProblem(node_costs, costs, [(0, 1)], NUCLEI.is_thing)
    return CutView(problem, -node_costs, (1, len(letters)), 1)


def ids(views: list[CutView], config: CutConfig = CONFIG) -> list[list[int]]:
    """Rows of numbers, things from 1 in the order they are met, 0 for the rest."""
    maps = stack_maps(views, NUCLEI, config=config)
    numbers: dict[int, int] = {}
    rows = []
    for one in maps:
        things = {segment.id for segment in one.segments if segment.category_id == 1}
        row = [numbers.setdefault(id, 1 + len(numbers)) if id in things else 0 for id in one.ids[0].tolist()]
        rows.append(row)
    return rows


def test_two_that_run_together_on_one_page_are_told_apart_by_the_others():
    """On the middle page the joint attracts by 0.3, less than 4 points each want to their own by 4.6."""
    views = [page("aaaabbbb"), page("aaaabbbb", {3: 0.3}), page("aaaabbbb")]
    assert len(cut_map(views[1], NUCLEI, CONFIG).segments) == 1
    assert ids(views) == [[1, 1, 1, 1, 2, 2, 2, 2]] * 3


def test_one_that_falls_apart_on_one_page_is_one():
    """The break repels by 0.3."""
    views = [page("aaaaaaaa"), page("aaaaaaaa", {3: -0.3}), page("aaaaaaaa")]
    assert len(cut_map(views[1], NUCLEI, CONFIG).segments) == 2
    assert ids(views) == [[1] * 8] * 3


def test_neighbours_that_barely_overlap_are_two():
    """One point of four lies upon the other: log-odds -1.1."""
    assert ids([page("aaaa..."), page("...bbbb")]) == [[1, 1, 1, 1, 0, 0, 0], [0, 0, 0, 2, 2, 2, 2]]


def test_a_page_without_anything_ends_a_thing():
    assert ids([page(".aaa."), page("....."), page(".aaa.")]) == [[0, 1, 1, 1, 0], [0] * 5, [0, 2, 2, 2, 0]]


def test_the_ends_of_a_thing_stay_where_its_middle_is_large_enough():
    views = [page("..a.."), page(".aaa."), page("..b..")]
    assert ids(views) == [[0, 0, 1, 0, 0], [0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]
    alone = CutConfig(upsampling="nearest", min_thing_px=4, min_stuff_px=1)
    assert ids(views, alone) == [[0] * 5] * 3


def test_a_thing_stays_where_one_page_is_sure_of_it():
    """The thing of both pages is surer on the first; a bar between its scores keeps both pages of it."""
    views = [page(".aaa."), page("..a..")]
    maps = stack_maps(views, NUCLEI, config=CONFIG)
    sure, doubtful = (segment.score for one in maps for segment in one.segments if segment.category_id == 1)
    assert sure > doubtful
    for min_score, expected in (
        ((sure + doubtful) / 2, [[0, 1, 1, 1, 0], [0, 0, 1, 0, 0]]),
        ((1 + sure) / 2, [[0] * 5] * 2),
    ):
        assert ids(views, replace(CONFIG, min_score=min_score)) == expected


def test_sizes_of_categories_count_in_stacks_as_in_single_pages():
    views = [page("..a.."), page(".aaa.")]
    learned = CutConfig(upsampling="nearest", min_thing_px=1, min_stuff_px=1, category_px=(4, 1))
    assert ids(views, learned) == [[0] * 5] * 2
    assert [len(one.segments) for one in stack_maps(views, NUCLEI, config=learned)] == [1, 1]


def test_stuff_has_one_id_on_all_pages_and_scores_are_probabilities():
    maps = stack_maps([page(".aa."), page("..aa")], NUCLEI, config=CONFIG)
    assert [one.ids[0, 0] for one in maps] == [2, 2]
    assert all(0 < segment.score <= 1 for one in maps for segment in one.segments)


def test_a_stack_of_one_page_is_cut_as_the_page():
    node_costs, costs = np.random.default_rng(0).normal(size=(2, 2, 12, 14)).astype(np.float32)
    problem = GridProblem(node_costs, costs, [(0, 1), (1, 0)], NUCLEI.is_thing)
    view = CutView(problem, -node_costs, (12, 14), 1)
    config = CutConfig(upsampling="nearest", small="void", min_thing_px=1, min_stuff_px=1)
    [stacked] = stack_maps([view], NUCLEI, config=config)
    alone = cut_map(view, NUCLEI, config)
    pairs = np.unique(np.stack([stacked.ids.ravel(), alone.ids.ravel()]), axis=1)
    assert pairs.shape[1] == len(stacked.segments) == len(alone.segments)


def test_overlap_is_that_of_the_smaller_segment_and_stuff_says_nothing():
    """2 of 2 points, clipped to 0.99; 1 of 3; 0 where one is stuff."""
    first = CutSegments(np.array([[0, 0, 1, 1, 1]], np.int32), np.array([0, 0]))
    second = CutSegments(np.array([[0, 0, 0, 1, 1]], np.int32), np.array([0, 1]))
    expected = [np.log(99), np.log(99), np.log(0.5), 0, 0]
    got = overlap_log_odds(first, second, is_thing=NUCLEI.is_thing)
    assert got[0].tolist() == pytest.approx(expected, rel=1e-5)


def test_layers_name_things_alike_and_merge_stuff():
    labels = np.array([[0, 0, 1, 1]], np.int32)
    one = layer_of(labels, np.array([[3, 5, 0, 9]], np.int32), NUCLEI.is_thing)
    other = layer_of(labels, np.array([[5, 5, 1, 1]], np.int32), NUCLEI.is_thing)
    assert one.things[one.segments.ids[0]].tolist() == [4, 6, 0, 0]
    assert other.things[other.segments.ids[0]].tolist() == [6, 6, 0, 0]


def test_the_costs_of_pages_are_those_of_the_volume():
    views = [page("aab"), page("abb")]
    problem = stack_problem(views)
    assert problem.offsets.tolist() == [[0, 0, 1], [1, 0, 0]]
    assert np.array_equal(problem.affinity_costs[0, 1], views[1].problem.affinity_costs[0])
    assert not problem.affinity_costs[1, 1].any()


def test_points_that_are_void_show_nothing():
    """The last class of the costs is void, where the problem has one more than there are categories."""
    views = []
    for view in [page("aaa.."), page("aaa..")]:
        costs = np.concatenate([view.problem.node_costs, np.ones((1, 1, 5), np.float32)])
        costs[:, 0, 3:] = [[9], [9], [-9]]
        problem = GridProblem(costs, view.problem.affinity_costs, [(0, 1)], [True, False, False])
        views.append(CutView(problem, -costs, view.size, 1))
    maps = stack_maps(views, NUCLEI, config=CONFIG)
    assert [one.ids[0].tolist() for one in maps] == [[3, 3, 3, 0, 0]] * 2


def test_mistakes_are_told():
    with pytest.raises(ValueError, match="`views` must be at least one page, got none"):
        stack_maps([], NUCLEI, config=CONFIG)
    with pytest.raises(ValueError, match="`views` must be pages of one size, got 1x2 and 1x3"):
        stack_maps([page("aa"), page("aaa")], NUCLEI, config=CONFIG)
