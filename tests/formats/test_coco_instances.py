"""Annotations of single instances: which lies on which, polygons and run lengths."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intarsia.categories import Categories
from intarsia.commands import convert as command
from intarsia.formats.coco_instances import map_of_annotations, mask_of_segmentation


def test_things_lie_on_stuff_and_small_things_on_large_ones():
    """Stuff everywhere, a crowd, a large thing over it, a small one over that, one hidden behind it."""
    categories = Categories.named("facades")
    spans = [(6, 0, 6, 0), (1, 0, 5, 1), (1, 1, 5, 0), (2, 2, 3, 0), (2, 2, 3, 0)]
    rows = []
    for category_id, first, last, crowd in spans:
        box = [[first, 0, last, 0, last, 1, first, 1]]
        rows.append({"category_id": category_id, "segmentation": box, "iscrowd": crowd})
    one = map_of_annotations(rows, categories, size=(1, 6))
    assert one.ids.tolist() == [[2, 3, 5, 3, 3, 1]]
    assert [s.is_crowd for s in one.segments] == [False, True, False, False]


def test_run_lengths_come_listed_and_compressed():
    listed = {"size": [2, 2], "counts": [1, 3]}
    assert mask_of_segmentation(listed, size=(2, 2)).tolist() == [[False, True], [True, True]]
    packed = {"size": [2, 2], "counts": "13"}
    assert mask_of_segmentation(packed, size=(2, 2)).tolist() == [[False, True], [True, True]]
    with pytest.raises(ValueError, match=r"`segmentation` must be of 3x2 pixels as its image, got \[2, 2\]"):
        mask_of_segmentation(listed, size=(3, 2))


@pytest.mark.parametrize(
    ("polygon", "sentence"),
    [
        ([0, 0, 1, 1], "polygons x, y, x, y, ... of at least three points"),
        ([0, 0, 1, 0, 1, 1, 0], "polygons x, y, x, y, ... of at least three points"),
        ([0, 0, 1, 0, 1e9, 1], "points in the image or near it, within 6 pixels"),
        ([0, 0, 1, 0, float("nan"), 1], "points in the image or near it, within 6 pixels"),
    ],
)
def test_polygons_that_are_none_are_refused(polygon: list[float], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        mask_of_segmentation([polygon], size=(2, 3))
    assert not mask_of_segmentation([], size=(2, 3)).any()


@pytest.mark.parametrize("size", [(None, None), (1 << 20, 1 << 20)])
def test_instances_of_an_impossible_size_are_refused(tmp_path: Path, size: tuple[int | None, int | None]):
    image = {"id": 1, "file_name": "a.jpg", "height": size[0], "width": size[1]}
    content = {"categories": Categories.named("facades").to_coco(), "images": [image], "annotations": []}
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations" / "instances_val.json").write_text(json.dumps(content))
    with pytest.raises(
        ValueError, match="instances_val.json` must be one of images of 1 to 268435456 pixels, got"
    ):
        command.convert("coco-instances", str(tmp_path), str(tmp_path / "out"))
