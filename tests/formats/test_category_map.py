"""A category map gives plain label images their categories."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.commands import convert as command
from intarsia.formats.coco import read_coco
from tests.formats.written_maps import read_back


def test_a_category_map_names_the_labels(tmp_path: Path):
    (tmp_path / "in").mkdir()
    for name in "ab":
        Image.fromarray(np.array([[0, 1, 2]], np.uint8)).save(tmp_path / "in" / f"{name}.png")
    content = {"categories": "facades", "labels": {"1": "window", "2": 6}, "images": {"b": {"2": "fence"}}}
    (tmp_path / "map.json").write_text(json.dumps({**content, "crowds": {"b": [1]}}))
    out = command.convert(
        "labels", str(tmp_path / "in"), str(tmp_path / "out"), category_map=str(tmp_path / "map.json")
    )
    got = read_back(out)
    assert [(s.category_id, s.is_crowd) for s in got["a"].segments] == [(1, False), (6, False), (11, False)]
    assert [(s.category_id, s.is_crowd) for s in got["b"].segments] == [(1, True), (9, False), (11, False)]
    assert read_coco(out / "panoptic.json").categories.names[-1] == "background"


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "must be a category map, got text that is no JSON"),
        ("3", "must be of the shape its format has"),
        ('{"labels": {}}', "must be complete, got an entry without 'categories'"),
        ('{"categories": "facade"}', "Did you mean `facades`"),
        (
            '{"categories": "facades", "labels": {"1": "door"}}',
            "the id or name of a listed category, got 'door'",
        ),
        ('{"categories": "facades", "labels": {"x": 1}}', "`labels` must be whole numbers, got 'x'"),
        ('{"categories": "facades", "labels": {"2": 1}}', "a category for every label, got none for 1"),
    ],
)
def test_a_category_map_that_is_none_is_refused(tmp_path: Path, content: str, sentence: str):
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(tmp_path / "a.png")
    path = tmp_path / "map.json"
    path.write_text(content)
    with pytest.raises(ValueError, match=sentence):
        command.convert("labels", str(tmp_path / "a.png"), str(tmp_path / "out"), category_map=str(path))


def test_a_category_map_is_for_label_images(tmp_path: Path):
    with pytest.raises(ValueError, match="`category_map` must be used with the format `labels`, got 'coco'"):
        command.convert("coco", str(tmp_path), str(tmp_path / "out"), category_map="map.json")
    Image.fromarray(np.array([[0, 1]], np.uint8)).save(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"map.json` must be a readable category map, got No such file"):
        command.convert(
            "labels", str(tmp_path / "a.png"), str(tmp_path / "out"), category_map=str(tmp_path / "map.json")
        )
