"""What a pixel sees: numbers by hand, walks that stay inside, and every size and kind of model."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.categories import Categories
from intarsia.decoding.insight import Inside, view_of_pixel
from intarsia.panoptic import PanopticMap, Segment

FACADES = Categories.named("facades")
WINDOW, FACADE = 1, 6
OFFSETS = ((1, 0), (0, 1), (2, 0), (0, 2))


def two_windows(size: tuple[int, int] = (8, 12)) -> PanopticMap:
    """A window on the left, one on the right, and a column of void between."""
    ids = np.ones(size, np.int32)
    ids[:, size[1] // 2 :] = 2
    ids[:, size[1] // 2] = 0
    return PanopticMap(ids, [Segment(1, WINDOW), Segment(2, WINDOW)])


def prob_of(panoptic_map: PanopticMap) -> np.ndarray:
    semantic = panoptic_map.semantic(FACADES)
    return np.stack([semantic == k for k in range(len(FACADES))]).astype(np.float32)


def affinities_of(panoptic_map: PanopticMap, *, inside: float, across: float) -> np.ndarray:
    ids = panoptic_map.ids
    planes = np.full((len(OFFSETS), *ids.shape), inside, np.float32)
    height, width = ids.shape
    for o, (down, right) in enumerate(OFFSETS):
        same = ids[: height - down, : width - right] == ids[down:, right:]
        planes[o, : height - down, : width - right][~same] = across
    return planes


def test_alike_is_the_probability_of_the_category_of_the_pixel():
    """The pixel is a window with 0.75 and facade with 0.25; a sure window has 0.75, a sure facade 0.25."""
    prob = np.zeros((len(FACADES), 1, 3), np.float32)
    prob[[0, 5], 0, 0] = 0.75, 0.25
    prob[0, 0, 1] = prob[5, 0, 2] = 1
    one = PanopticMap(np.array([[1, 1, 1]]), [Segment(1, WINDOW)])
    view = view_of_pixel(Inside(1, prob), one, FACADES, pixel=(0, 0))
    assert view.alike.tolist() == [[0.625, 0.75, 0.25]]
    assert (view.category, view.segment_id, view.kind, view.joined) == ("window", 1, "none", None)


def test_distances_are_counted_in_margins_of_the_pixel():
    """Vectors 0, 3 and 12 with a margin of 1.5 at the pixel: 0, 2 and 8 margins; 4 and more are dark."""
    embeddings = np.array([[[0.0, 3.0, 12.0]]], np.float32)
    margin = np.array([[1.5, 9.0, 9.0]], np.float32)
    one = PanopticMap(np.array([[1, 1, 2]]), [Segment(1, WINDOW), Segment(2, WINDOW)])
    view = view_of_pixel(Inside(1, prob_of(one), embeddings, margin), one, FACADES, pixel=(0, 0))
    assert view.joined is not None
    assert view.heat is not None
    assert view.joined.tolist() == [[0, 2, 8]]
    assert view.heat.tolist() == [[1, 0.5, 0]]
    assert view.summary == (("its own segment", 1.0), ("other segments of window", 8.0))
    assert view.related == ((1, 1.0), (2, 8.0))


def test_a_walk_stays_in_its_segment():
    one = two_windows()
    inside = Inside(
        1, prob_of(one), affinity_prob=affinities_of(one, inside=0.98, across=0.02), offsets=OFFSETS
    )
    view = view_of_pixel(inside, one, FACADES, pixel=(3, 2))
    summary = dict(view.summary)
    assert summary["its own segment"] > 0.9
    assert sum(summary.values()) == pytest.approx(1, abs=1e-5)
    assert view.heat is not None
    assert view.heat[:, :6].min() > 4 * view.heat[:, 7:].max()
    assert view.related[0][0] == 1


def test_a_walk_without_borders_goes_everywhere():
    one = two_windows()
    inside = Inside(
        1, prob_of(one), affinity_prob=affinities_of(one, inside=0.9, across=0.9), offsets=OFFSETS
    )
    view = view_of_pixel(inside, one, FACADES, pixel=(3, 2))
    assert dict(view.summary)["other segments of window"] > 0.2


def test_a_walk_equals_the_matrix_power():
    one = two_windows((3, 4))
    prob = np.random.default_rng(0).uniform(0.05, 0.95, (len(OFFSETS), 3, 4)).astype(np.float32)
    odds = np.zeros((12, 12))
    index = np.arange(12).reshape(3, 4)
    for plane, (down, right) in zip(prob, OFFSETS, strict=True):
        for row in range(3 - down):
            for column in range(4 - right):
                a, b = index[row, column], index[row + down, column + right]
                p = float(plane[row, column])
                odds[a, b] = odds[b, a] = p / (1 - p)
    steps = odds / odds.sum(axis=0)
    start = np.eye(12)[5]
    share = start
    for _ in range(60):
        share = 0.97 * steps @ share + 0.03 * start
    inside = Inside(1, prob_of(one), affinity_prob=prob, offsets=OFFSETS)
    view = view_of_pixel(inside, one, FACADES, pixel=(1, 1))
    assert view.joined is not None
    assert np.allclose(view.joined.ravel(), share, atol=1e-6)


def test_a_void_pixel_has_no_segment_and_still_sees():
    one = two_windows()
    embeddings = np.zeros((1, *one.size), np.float32)
    margin = np.ones(one.size, np.float32)
    view = view_of_pixel(Inside(1, prob_of(one), embeddings, margin), one, FACADES, pixel=(0, 6))
    assert (view.category, view.segment_id, view.summary) == ("void", 0, ())
    assert len(view.related) == 2


@given(
    height=st.integers(1, 9),
    width=st.integers(1, 9),
    stride=st.integers(1, 4),
    kind=st.sampled_from(["embedding", "affinity", "none"]),
    seed=st.integers(0, 999),
)
def test_every_size_stride_and_model_has_a_view(height: int, width: int, stride: int, kind: str, seed: int):
    generator = np.random.default_rng(seed)
    ids = generator.integers(0, 3, (height, width))
    one = PanopticMap(ids, [Segment(int(n), WINDOW) for n in np.unique(ids) if n])
    grid = -(-height // stride), -(-width // stride)
    prob = generator.dirichlet(np.ones(len(FACADES)), grid).astype(np.float32).transpose(2, 0, 1)
    made = {
        "none": {},
        "embedding": {
            "embeddings": generator.normal(size=(3, *grid)).astype(np.float32),
            "margin": np.zeros(grid, np.float32),
        },
        "affinity": {
            "affinity_prob": generator.integers(0, 2, (4, *grid)).astype(np.float32),
            "offsets": OFFSETS,
        },
    }[kind]
    pixel = int(generator.integers(height)), int(generator.integers(width))
    view = view_of_pixel(Inside(stride, prob, **made), one, FACADES, pixel=pixel)
    assert view.alike.shape == grid
    assert ((view.alike >= 0) & (view.alike <= 1 + 1e-6)).all()
    if view.heat is not None:
        assert ((view.heat >= 0) & (view.heat <= 1)).all()
