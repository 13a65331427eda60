"""Timings say what was timed, on what and in which size; the parts are no longer than the whole."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.commands.bench import bench, picture_of
from intarsia.errors import InputError


def test_each_model_and_size_has_a_row_that_says_what_it_is(tmp_path: Path, capsys):
    timings = bench(
        ("facades", "facades-embedding"), sizes=(64, 96), repeats=1, json=str(tmp_path / "t.json")
    )
    assert [(one.model, one.height, one.width) for one in timings] == [
        ("facades", 64, 64),
        ("facades", 96, 96),
        ("facades-embedding", 64, 64),
        ("facades-embedding", 96, 96),
    ]
    for one in timings:
        assert "cpu" in one.network
        assert "float32" in one.network
        assert min(one.network_ms, one.grouping_ms) > 0
        assert one.whole_ms > 0.3 * one.network_ms
    printed = capsys.readouterr().out
    assert "grouping" in printed
    assert "drawn wall" in printed
    assert "Timed     by the wall clock, once; one time before does not count" in printed
    assert len(json.loads((tmp_path / "t.json").read_text())) == 4


def test_a_photo_keeps_its_shape(tmp_path: Path):
    path = tmp_path / "a.png"
    Image.fromarray(np.zeros((40, 80, 3), np.uint8)).save(path)
    [timing] = bench(("facades",), image=str(path), sizes=(64,), repeats=1)
    assert (timing.height, timing.width) == (32, 64)


def test_the_drawn_picture_has_windows():
    drawn = picture_of(None, 160).astype(int)
    assert drawn[30, 30].sum() + 150 < drawn[5, 5].sum()


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"repeats": 0}, "`repeats` must be at least 1, got 0"),
        ({"sizes": (64, 0)}, "`sizes` must be at least 1, got 64, 0"),
        ({"sizes": ()}, "`sizes` must be at least 1, got none"),
        ({"models": ("facade",)}, "Did you mean `facades`"),
    ],
)
def test_wrong_numbers_and_names_are_refused(options, sentence):
    with pytest.raises(InputError, match=sentence):
        bench(**{"models": ("facades",), "sizes": (64,), **options})
