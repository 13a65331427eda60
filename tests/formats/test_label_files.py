"""Label images, stacks and arrays: what they say, and what is no label."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories, Category
from intarsia.commands import convert as command
from intarsia.formats.label_image import map_of_semantic_and_instances, read_labels
from intarsia.formats.semantic_instances import semantic_and_instances_of
from intarsia.formats.source import write_values
from intarsia.panoptic import PanopticMap, Segment
from tests.formats.written_maps import pixels, read_back, write_coco


def test_pages_of_a_stack_have_their_sizes_and_names(tmp_path: Path):
    """Pages of other sizes, an id of 31 bits; one file, and a name for each page."""
    one = PanopticMap(np.array([[1, 2, 0]]), [Segment(1, 1), Segment(2, 6)])
    two = PanopticMap(np.array([[3], [(1 << 24) - 1]]), [Segment(3, 1), Segment((1 << 24) - 1, 2)])
    source = write_coco(tmp_path / "in", [one, two], Categories.named("facades"))
    out = command.convert("coco", str(source), str(tmp_path / "out"), to="label-stack")
    assert [page.tolist() for page in read_labels(out / "labels" / "pages.tif")] == [
        one.ids.tolist(),
        two.ids.tolist(),
    ]
    assert sorted(path.name for path in out.iterdir()) == ["category_map.json", "images", "labels"]
    back = read_back(command.convert("label-stack", str(out), str(tmp_path / "back")))
    assert back == {"town_000000_x": one, "town_000001_x": two}
    names = json.loads((out / "category_map.json").read_text())
    names["pages"]["pages"].pop()
    (out / "category_map.json").write_text(json.dumps(names))
    with pytest.raises(ValueError, match="pages.tif` must be of 1 page as its category map names, got 2"):
        command.convert("label-stack", str(out), str(tmp_path / "again"))


@pytest.mark.parametrize("suffix", ["npy", "npz", "png", "tif"])
def test_label_divisor_arrays_come_in_several_files(tmp_path: Path, suffix: str):
    """Two windows and a crowd of them on a facade, by a divisor of 100; 9900 is void."""
    values = np.array([[101, 102, 100, 600, 9900]], np.int32)
    (tmp_path / "in" / "labels").mkdir(parents=True)
    path = tmp_path / "in" / "labels" / f"a.{suffix}"
    if suffix == "npy":
        np.save(path, values)
    elif suffix == "npz":
        np.savez_compressed(path, anything=values)
    else:
        Image.fromarray(values if suffix == "tif" else values.astype(np.uint16)).save(path)
    table = {"categories": Categories.named("facades").to_coco(), "divisor": 100, "void": 9900}
    (tmp_path / "in" / "categories.json").write_text(json.dumps(table))
    got = read_back(command.convert("label-divisor", str(tmp_path / "in"), str(tmp_path / "out")))["a"]
    rows = [Segment(1, 1, is_crowd=True), Segment(2, 1), Segment(3, 1), Segment(4, 6)]
    assert got.renumbered() == PanopticMap(np.array([[2, 3, 1, 4, 0]]), rows)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (np.zeros((2, 2, 2), int), r"a.npy` must be a 2-d array of whole numbers, .* got int64 of shape"),
        (np.zeros((2, 2)), r"a.npy` must be a 2-d array of whole numbers, .* got float64"),
        (np.array([[None]]), "a.npy` must be a readable NumPy array, got ValueError: Object arrays"),
        (np.array([[77001]]), "a.npy: `category id` must be one of"),
        (b"no array", "a.npy` must be a readable NumPy array"),
        (b"", "a.npy` must be a readable NumPy array"),
    ],
)
def test_arrays_that_are_no_labels_are_refused(tmp_path: Path, values: Any, sentence: str):
    (tmp_path / "labels").mkdir()
    path = tmp_path / "labels" / "a.npy"
    if isinstance(values, bytes):
        path.write_bytes(values)
    else:
        np.save(path, values, allow_pickle=True)
    table = {"categories": Categories.named("facades").to_coco()}
    (tmp_path / "categories.json").write_text(json.dumps(table))
    with pytest.raises(ValueError, match=sentence):
        command.convert("label-divisor", str(tmp_path), str(tmp_path / "out"))


def test_category_ids_too_large_for_a_label_divisor_are_refused(tmp_path: Path):
    categories = Categories([Category(3_000_000, "far", True, (0, 0, 0))])
    source = write_coco(
        tmp_path / "in", [PanopticMap(np.ones((1, 1), int), [Segment(1, 3_000_000)])], categories
    )
    with pytest.raises(ValueError, match="of ids below 2147482 for this format, got 3000000"):
        command.convert("coco", str(source), str(tmp_path / "out"), to="label-divisor")


def test_semantic_and_instance_maps_keep_crowds():
    categories = Categories.named("facades")
    one = PanopticMap(np.array([[1, 2, 3, 0]]), [Segment(1, 1), Segment(2, 1, is_crowd=True), Segment(3, 6)])
    semantic, instances = semantic_and_instances_of(one, categories)
    assert (semantic.tolist(), instances.tolist()) == ([[1, 1, 6, 255]], [[1, 0, 0, 0]])
    back = map_of_semantic_and_instances(semantic, instances, categories=categories)
    assert pixels(back) == pixels(one)


@pytest.mark.parametrize(
    ("most", "mode"),
    [(0, "L"), (255, "L"), (256, "I;16"), (65535, "I;16"), (65536, "RGBA"), (2**31 - 1, "RGBA")],
)
def test_values_of_every_depth_come_back(tmp_path: Path, most: int, mode: str):
    values = np.array([[0, most // 2], [most, 1 if most else 0]])
    write_values(tmp_path / "a.png", values)
    with Image.open(tmp_path / "a.png") as image:
        assert image.mode == mode
    assert np.array_equal(read_labels(tmp_path / "a.png")[0], values)


def test_values_that_no_file_holds_are_refused(tmp_path: Path):
    with pytest.raises(ValueError, match=r"a.png` must be made of numbers in \[0, 2\^31\), got -1 to 0"):
        write_values(tmp_path / "a.png", np.array([[-1, 0]]))
    Image.fromarray(np.array([[[9, 8, 7, 255]]], np.uint8)).save(tmp_path / "photo.png")
    with pytest.raises(ValueError, match="one whole number from 0 a pixel, got 4 channels of colour"):
        read_labels(tmp_path / "photo.png")
