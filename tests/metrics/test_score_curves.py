"""Where doubtful things should go: by hand, and against panoptic quality of maps without them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.categories import Categories
from intarsia.metrics import PanopticQuality, ScoreCurves
from intarsia.panoptic import PanopticMap, Segment
from tests.metrics.random_maps import found_map, random_map

FACADES = Categories.named("facades")


def scored(panoptic_map: PanopticMap, rng: np.random.Generator) -> PanopticMap:
    """The map with scores of a few values, so that some are equal."""
    segments = [dataclasses.replace(s, score=float(rng.integers(1, 6)) / 8) for s in panoptic_map.segments]
    return PanopticMap(panoptic_map.ids, segments)


def without(panoptic_map: PanopticMap, below: float) -> PanopticMap:
    """The map with things of a lower score turned to void."""
    kept = [
        s
        for s in panoptic_map.segments
        if s.score >= below or not FACADES.is_thing[FACADES.index_of(s.category_id)]
    ]
    shown = np.isin(panoptic_map.ids, [s.id for s in kept])
    return PanopticMap(np.where(shown, panoptic_map.ids, 0), kept)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_a_curve_is_the_quality_of_maps_without_what_scores_less(seed: int):
    rng = np.random.default_rng(seed)
    truths = [random_map(seed + number) for number in range(3)]
    found = [scored(found_map(seed + number), rng) for number in range(3)]
    whole, part, rest = (ScoreCurves(FACADES) for _ in range(3))
    for number, (prediction, truth) in enumerate(zip(found, truths, strict=True)):
        whole.update(prediction, truth)
        (part if number else rest).update(prediction, truth)
    part.merge(rest)
    report = whole.compute()
    assert part.compute().to_json() == report.to_json()
    for id, curve in report.per_category.items():
        for score, pq, num_found in zip(curve.scores, curve.pq, curve.num_found, strict=True):
            quality = PanopticQuality(FACADES)
            for prediction, truth in zip(found, truths, strict=True):
                quality.update(without(prediction, score), truth)
            row = quality.compute().per_category[id]
            assert (pq, num_found) == (pytest.approx(row.pq), row.tp)
        kept = [s for s in curve.scores if s >= curve.least_score]
        assert curve.pq[len(kept) - 1] >= curve.pq.max() - 0.005
        assert len(kept) == curve.best_row + 1


def test_bars_are_for_the_categories_of_things_that_were_found():
    """A window that is right, one that is not, and a balcony that nobody has drawn."""
    truth = PanopticMap(np.array([[1, 1, 8, 8, 8, 8]]), [Segment(1, 1), Segment(8, 6)])
    segments = [Segment(5, 1, score=0.9), Segment(6, 1, score=0.4), Segment(7, 2, score=0.7)]
    curves = ScoreCurves(FACADES)
    curves.update(PanopticMap(np.array([[5, 5, 6, 6, 7, 7]]), segments), truth)
    report = curves.compute()
    assert report.least_scores(FACADES) == (0.65, *(0.0,) * (len(FACADES) - 1))
    assert report.summary() == {
        "PQ of window, all and from score 0.650": "66.7, 100.0",
        "PQ of balcony, all and from score 0.000": "0.0, 0.0",
    }
    assert ScoreCurves(FACADES).compute().least_scores(FACADES) == (0.0,) * len(FACADES)
