"""Scores count in every decoder that groups: by seeds, by a cut, by mean shift, by centres."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import intarsia
from intarsia.decoding.centers import CenterDecoder, CenterGroupingConfig
from intarsia.decoding.image_view import ImageView
from intarsia.panoptic import Categories, Category, PanopticMap
from intarsia.pictures.reading import read_image

PHOTO = read_image(Path(__file__).parents[2] / "examples" / "photos" / "china.jpg")[100:292, 100:356]


def scores(panoptic_map: PanopticMap, categories: Categories) -> list[float]:
    """Of the things."""
    is_thing = {category.id: category.is_thing for category in categories}
    return [s.score for s in panoptic_map.segments if is_thing[s.category_id]]


@pytest.mark.parametrize(
    ("name", "group", "kind"),
    [
        ("facades-hierarchy", "decoding", "seeds"),
        ("facades-hierarchy", "decoding", "cut"),
        ("facades-embedding", "grouping", "mean_shift"),
        ("facades-embedding", "grouping", "cut"),
    ],
)
def test_a_bar_leaves_out_what_scores_less(name: str, group: str, kind: str):
    model = intarsia.load(name, threads=1)
    given: Any = model.decoder
    view = model.view(PHOTO)
    kept = {"kind": kind, "min_thing_px": 1, "category_score": ()}

    def found(min_score: float) -> list[float]:
        settings = replace(getattr(given, group), min_score=min_score, **kept)
        decoder = replace(given, **{group: settings})
        return scores(decoder.decode(view, model.categories), model.categories)

    everything = found(0.0)
    bar = float(np.median(everything))
    assert min(everything) < bar
    assert found(bar) == [score for score in everything if score >= bar]


def test_a_bar_is_above_the_heat_of_a_centre():
    """Two things of two points each, whose centres are hot by 0.9 and 0.4."""
    categories = Categories([Category(1, "cell", True, (9, 9, 9)), Category(2, "ground", False, (0, 0, 0))])
    logits = np.array([[[1, 1, -1, 1, 1]], [[-1, -1, 1, -1, -1]]], np.float32)
    heat = np.array([[0.9, 0, 0, 0, 0.4]], np.float32)
    steps = np.array([[[0, 0, 0, 0, 0]], [[0, -1, 0, 1, 0]]], np.float32)
    view = ImageView({"semantic_logits": logits, "heat": heat, "center_steps": steps}, (1, 5), 1)
    for min_score, kept in ((0.0, [0.9, 0.4]), (0.5, [0.9]), (1.0, [])):
        grouping = CenterGroupingConfig(min_thing_px=1, min_stuff_px=1, min_score=min_score)
        found = CenterDecoder(grouping=grouping, sigma_px=2.0).decode(view, categories)
        assert scores(found, categories) == pytest.approx(kept)
