"""Annotations of single instances: which lies on which, polygons and run lengths."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intarsia.categories import Categories
from intarsia.commands import convert as command
from intarsia.formats.coco_instances import map_of_annotations, mask_of_segmentation, read_coco_instances
from intarsia.metrics import evaluate_folders


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


def export(root: Path, count: int, *, stuff: bool = False) -> Path:
    """An export of so many cells of four pixels each, side by side in an image with room between them."""
    rows = []
    for n in range(count):
        left = 4 * n
        box = [left, 0, left + 2, 0, left + 2, 2, left, 2]
        rows.append({"id": n + 1, "image_id": 1, "category_id": 1, "segmentation": [box]})
    image = {"id": 1, "file_name": "a.png", "height": 2, "width": 144}
    content = {"images": [image], "annotations": rows, "categories": [{"id": 1, "name": "cell"}]}
    (root / "annotations").mkdir(parents=True)
    (root / "annotations" / "instances_default.json").write_text(json.dumps(content))
    if stuff:
        content = {"images": [image], "annotations": [], "categories": []}
        (root / "annotations" / "stuff_default.json").write_text(json.dumps(content))
    return root


def test_false_cells_on_what_nobody_annotated_are_false(tmp_path: Path):
    """Six cells are found and thirty false ones: PQ 6 / (6 + 30 / 2) = 28.6, and not 100."""
    jsons = []
    for name, count in (("truth", 6), ("prediction", 36)):
        command.convert("coco-instances", str(export(tmp_path / name, count)), str(tmp_path / f"{name} out"))
        jsons.append(tmp_path / f"{name} out" / "default" / "panoptic.json")
    report = evaluate_folders(*jsons)
    assert report.things.pq == pytest.approx(6 / 21)
    assert report.stuff.n == 1


@pytest.mark.parametrize(
    ("options", "names", "void"),
    [
        ({}, ("cell", "background"), 0),
        ({"background": "glass"}, ("cell", "glass"), 0),
        ({"background": "void"}, ("cell",), 288 - 24),
    ],
)
def test_what_no_instance_covers_is_background(
    tmp_path: Path, options: dict, names: tuple[str, ...], void: int
):
    [part] = read_coco_instances(export(tmp_path, 6), **options)
    assert part.categories.names == names
    assert part.maps[0].read().area(0) == void


def test_a_data_set_with_stuff_of_its_own_says_itself_what_is_void(tmp_path: Path):
    [part] = read_coco_instances(export(tmp_path, 6, stuff=True))
    assert part.categories.names == ("cell",)
    assert part.maps[0].read().area(0) == 288 - 24
