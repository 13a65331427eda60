"""From costs to a map: segments, up-sampling, scores by hand and against loops."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.cut import GridProblem
from intarsia.decoding.cut import CutConfig, CutDecoder, CutView, cut_map, cut_segments, segment_scores
from intarsia.decoding.image_view import ImageView
from intarsia.decoding.upsampling import upsampled_segments
from intarsia.errors import InputError
from intarsia.panoptic import VOID_INDEX, Categories, Category

WINDOW, DOOR, WALL = (Category(n, name, n < 3, (n, n, n)) for n, name in enumerate(("w", "d", "f"), 1))
CATEGORIES = Categories([WINDOW, DOOR, WALL])


def view_of(labels, joins, *, size, stride=4):
    """A view whose nodes are certain of their labels, with affinities to the right."""
    labels = np.array(labels)
    logits = 8.0 * (labels == np.arange(3)[:, None, None]).astype(np.float32)
    problem = GridProblem(-logits, np.array([joins], np.float32), [(0, 1)], [c.is_thing for c in CATEGORIES])
    return CutView(problem, logits, size, stride)


def random_view(seed):
    rng = np.random.default_rng(seed)
    nodes = rng.normal(size=(3, 5, 6)).astype(np.float32)
    offsets = [(0, 1), (1, 0), (2, -3), (7, 0)]
    affinities = rng.normal(size=(4, 5, 6)).astype(np.float32)
    problem = GridProblem(nodes, affinities, offsets, [True, True, False])
    return CutView(problem, -nodes, (20, 24), 4)


def test_things_are_clusters_and_stuff_is_one_segment():
    """Two windows that touch, wall on either side: three segments."""
    segments = cut_segments(view_of([[2, 0, 0, 2]], [[0, -3, 0, 0]], size=(4, 16)).problem)
    assert segments.ids[0, 0] == segments.ids[0, 3] != segments.ids[0, 1] != segments.ids[0, 2]
    assert sorted(segments.categories) == [0, 0, 2]


def test_a_map_of_two_windows_on_a_wall():
    view = view_of([[2, 0, 0, 2]], [[0, -3, 0, 0]], size=(3, 15))
    result = cut_map(view, CATEGORIES, CutConfig(min_thing_px=1, min_stuff_px=1))
    assert result.size == (3, 15)
    assert result.semantic(CATEGORIES)[0].tolist() == [2] * 4 + [0] * 8 + [2] * 3
    assert result.instances(CATEGORIES)[0].tolist() == [0] * 4 + [1] * 4 + [2] * 4 + [0] * 3


def test_small_things_are_void_or_absorbed():
    """The second window has 16 pixels, one grid point of four; its neighbour window takes it in."""
    view = view_of([[0, 0, 0, 0, 2, 2]], [[3, 3, -2, 0, 0, 0]], size=(4, 24))
    areas = {}
    for small in ("absorbed", "void"):
        config = CutConfig(min_thing_px=32, min_stuff_px=1, small=small)
        result = cut_map(view, CATEGORIES, config)
        areas[small] = sorted(result.area(s.id) for s in result.segments), int((result.ids == 0).sum())
    assert areas == {"absorbed": ([32, 64], 0), "void": ([32, 48], 16)}


def test_stuff_below_its_least_area_is_void():
    view = view_of([[0, 0, 2]], [[3, 0, 0]], size=(4, 12))
    result = cut_map(view, CATEGORIES, CutConfig(min_thing_px=1, min_stuff_px=17))
    assert result.semantic(CATEGORIES)[0].tolist() == [0] * 8 + [255] * 4


def test_borders_follow_the_up_sampled_logits_or_the_grid():
    """The window's logit is 8 (1 - w) and the wall's 4 w, with w = 1/8, 3/8, 5/8, 7/8 at pixels 2 ... 5.

    So the window wins up to w = 2/3, which is up to pixel 4.
    """
    view = view_of([[0, 2]], [[0, 0]], size=(4, 8))
    view.logits[2, 0, 1] = 4.0
    config = CutConfig(min_thing_px=1, min_stuff_px=1)
    guided = cut_map(view, CATEGORIES, config).semantic(CATEGORIES)
    nearest = cut_map(view, CATEGORIES, dataclasses.replace(config, upsampling="nearest"))
    assert guided[0].tolist() == [0] * 5 + [2] * 3
    assert nearest.semantic(CATEGORIES)[0].tolist() == [0] * 4 + [2] * 4


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    size=st.tuples(st.integers(1, 14), st.integers(1, 14)),
    stride=st.sampled_from([1, 2, 4]),
)
def test_up_sampled_segments_equal_a_loop_over_pixels(seed, size, stride):
    rng = np.random.default_rng(seed)
    rows, columns = (-(-n // stride) for n in size)
    ids = rng.integers(0, 4, (rows, columns)).astype(np.int32)
    categories = np.array([0, 1, 1, 2])
    logits = rng.normal(size=(3, rows, columns)).astype(np.float32)
    got = upsampled_segments(ids, categories, logits, size=size, stride=stride)
    for r, c in np.ndindex(*size):
        y, x = (r + 0.5) / stride - 0.5, (c + 0.5) / stride - 0.5
        corners: dict[int, float] = {}
        mixed = np.zeros(3)
        for i in (0, 1):
            for j in (0, 1):
                top, left = int(np.floor(y)) + i, int(np.floor(x)) + j
                weight = (1 - abs(y - top)) * (1 - abs(x - left))
                point = min(max(top, 0), rows - 1), min(max(left, 0), columns - 1)
                segment = int(ids[point])
                corners[segment] = corners.get(segment, 0.0) + weight
                mixed += weight * logits[(slice(None), *point)]
        best = max(mixed[categories[s]] for s in corners)
        fitting = {s: w for s, w in corners.items() if mixed[categories[s]] > best - 1e-5}
        assert fitting[int(got[r, c])] > max(fitting.values()) - 1e-5


def test_a_doubtful_thing_of_a_cut_is_void():
    """Two windows that a pair holds together firmly and hardly: the second scores less, and is left out."""
    view = view_of([[0, 0, 2, 0, 0]], [[6, -1, -1, 0.5, 0]], size=(4, 20))
    sizes = CutConfig(min_thing_px=1, min_stuff_px=1)
    whole = cut_map(view, CATEGORIES, sizes)
    sure, doubtful = (one.score for one in whole.segments if one.category_id == WINDOW.id)
    assert sure > doubtful
    result = cut_map(view, CATEGORIES, dataclasses.replace(sizes, min_score=sure))
    assert result.semantic(CATEGORIES)[0].tolist() == [0] * 8 + [2] * 4 + [VOID_INDEX] * 8


def test_scores_of_one_window():
    """Of two points, c_V = -8; the pair inside costs 3, the one that is cut -1: u = 8 + 3 + 1 = 12.

    Released: 8 + (3 - -1) / 3 points of the grid = 28/3. A score is 1/2 + u / (2 + 2 u).
    """
    view = view_of([[0, 0, 2]], [[3, -1, 0]], size=(4, 12))
    segments = cut_segments(view.problem)
    window = int(segments.ids[0, 0])
    got = {kind: segment_scores(segments, view, kind=kind)[window] for kind in ("costs", "released")}
    assert got["costs"] == pytest.approx(0.5 + 12 / 26)
    assert got["released"] == pytest.approx(0.5 + (28 / 3) / (2 + 56 / 3))
    certainty = np.exp(8) / (np.exp(8) + 2)
    assert segment_scores(segments, view, kind="probability")[window] == pytest.approx(certainty)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_scores_equal_a_loop_over_pairs(seed):
    view = random_view(seed)
    problem, segments = view.problem, cut_segments(view.problem)
    costs = segment_scores(segments, view)
    released = segment_scores(segments, view, kind="released")
    for s, category in enumerate(segments.categories):
        inside, cut = [], []
        for o, (dr, dc) in enumerate(problem.offsets.tolist()):
            for r, c in np.ndindex(5, 6):
                if 0 <= r + dr < 5 and 0 <= c + dc < 6:
                    ends = segments.ids[r, c] == s, segments.ids[r + dr, c + dc] == s
                    if any(ends):
                        (inside if all(ends) else cut).append(problem.affinity_costs[o, r, c])
        member = segments.ids == s
        surety = -problem.node_costs[category][member].mean()
        as_released = view.logits[category][member].mean() + (sum(inside) - sum(cut)) / 30
        surety += (np.mean(inside) if inside else 0) - (np.mean(cut) if cut else 0)
        assert costs[s] == pytest.approx(0.5 + surety / (2 + 2 * abs(surety)), abs=1e-5)
        assert released[s] == pytest.approx(0.5 + as_released / (2 + 2 * abs(as_released)), abs=1e-5)


def test_scores_of_very_sure_things_still_differ():
    sure, surer = (
        dataclasses.replace(view, problem=GridProblem(*scaled), logits=view.logits)
        for view in [view_of([[0, 0, 2]], [[3, -1, 0]], size=(4, 12))]
        for scaled in [
            (
                factor * view.problem.node_costs,
                factor * view.problem.affinity_costs,
                [(0, 1)],
                [True, True, False],
            )
            for factor in (100, 101)
        ]
    )
    first, second = (max(segment_scores(cut_segments(v.problem), v)) for v in (sure, surer))
    assert 0 < first < second < 1


def test_wrong_settings_are_refused():
    with pytest.raises(InputError, match="`cut.solver` must be the name of one, got 'gredy'. Did you mean"):
        CutConfig(solver="gredy")
    with pytest.raises(InputError, match='`cut.small` must be "void" for another solver'):
        CutConfig(solver="contraction")


def test_the_class_beyond_the_categories_is_void():
    """Window, void, wall: the middle grid point shows nothing, though its block is as large as the others."""
    labels = np.array([[0, 3, 2]])
    logits = 8.0 * (labels == np.arange(4)[:, None, None]).astype(np.float32)
    view = ImageView(
        {"node_costs": -logits, "affinity_costs": np.zeros((1, 1, 3), np.float32), "semantic_logits": logits},
        (4, 12),
        4,
    )
    decoder = CutDecoder(cut=CutConfig(min_thing_px=1, min_stuff_px=1), offsets=((0, 1),), void_class=True)
    assert decoder.decode(view, CATEGORIES).semantic(CATEGORIES)[0].tolist() == [0] * 4 + [255] * 4 + [2] * 4
