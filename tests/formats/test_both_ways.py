"""A map written in another format and read back is the same map, and what a format cannot hold is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands import convert as command
from intarsia.errors import PartialFailure
from intarsia.formats.cityscapes import instance_ids_of
from intarsia.formats.coco import CocoWriter, read_coco
from intarsia.formats.semantic_instances import semantic_and_instances_of
from intarsia.panoptic import PanopticMap, Segment
from tests.formats.written_maps import TABLES, pixels, random_map, read_back, write_coco

NO_CROWDS = ("ade20k", "vistas", "vistas-v2")


@pytest.mark.parametrize("format", TABLES)
def test_a_data_set_comes_back_as_it_was(tmp_path: Path, format: str):
    categories = Categories.named(TABLES[format])
    maps = [random_map(categories, seed, crowds=format not in NO_CROWDS) for seed in range(4)]
    maps.append(PanopticMap.empty(10, 21))
    source = write_coco(tmp_path / "in" / "val", maps, categories).parent
    command.convert("coco", str(source), str(tmp_path / "there"), to=format)
    assert not list((tmp_path / "there").rglob("*.partial"))
    assert not list((tmp_path / "there").glob("*.unfinished"))
    back = "vistas" if format == "vistas-v2" else format
    command.convert(back, str(tmp_path / "there"), str(tmp_path / "back"))
    got = read_back(tmp_path / "back" / "val")
    assert {id: pixels(one) for id, one in got.items()} == {
        f"town_{n:06d}_x": pixels(one) for n, one in enumerate(maps)
    }
    coco = read_coco(tmp_path / "back" / "val" / "panoptic.json")
    shown = {segment.category_id for one in maps for segment in one.segments}
    wanted = {row.id: (row.name, row.is_thing) for row in categories if row.id in shown}
    assert {row.id: (row.name, row.is_thing) for row in coco.categories if row.id in shown} == wanted
    for record, n in zip(coco.records, range(len(maps)), strict=True):
        with Image.open(tmp_path / "back" / "val" / "images" / record.image_file) as image:
            assert image.convert("RGB").getpixel((0, 0)) == (n, 0, 0)


def test_integer_image_ids_and_a_folder_without_parts_come_back(tmp_path: Path):
    one = random_map(Categories.named("facades"), 1)
    with CocoWriter(tmp_path / "in.json", Categories.named("facades")) as writer:
        writer.add("a.jpg", one, image_id=7)
    for format in ("coco", "coco-instances"):
        command.convert("coco", str(tmp_path / "in.json"), str(tmp_path / format), to=format)
        back = command.convert(format, str(tmp_path / format), str(tmp_path / f"{format}-back"))
        assert {id: pixels(got) for id, got in read_back(back).items()} == {7: pixels(one)}
    assert read_coco(tmp_path / "coco" / "panoptic.json").records[0].segments == one.segments


@pytest.mark.parametrize(
    ("crowd", "sentence"), [(False, "one stuff segment a category"), (True, "one crowd a category")]
)
def test_two_segments_of_one_value_are_refused(crowd: bool, sentence: str):
    category = 24 if crowd else 7
    rows = [Segment(n, category, is_crowd=crowd) for n in (1, 2)]
    one, categories = PanopticMap(np.array([[1, 2]]), rows), Categories.named("cityscapes")
    for write in (instance_ids_of, semantic_and_instances_of):
        with pytest.raises(ValueError, match=f"of {sentence} at most in this format, got two of category"):
            write(one, categories)


def test_one_image_that_a_format_cannot_hold_is_named(tmp_path: Path):
    categories = Categories.named("vistas")
    maps = [
        random_map(categories, 0, crowds=False),
        PanopticMap(np.ones((2, 2), int), [Segment(1, 1, is_crowd=True)]),
    ]
    source = write_coco(tmp_path / "in", maps, categories)
    with pytest.raises(
        PartialFailure, match="1 of 2 failed: town_000001_x: `segments` must be without crowds"
    ):
        command.convert("coco", str(source), str(tmp_path / "out"), to="vistas")


def test_what_is_missing_is_named(tmp_path: Path):
    for format, sentence in (
        ("coco", "a COCO panoptic folder with panoptic.json"),
        ("coco-instances", "a folder with annotations/instances_PART.json"),
        ("label-divisor", "a folder with labels/ and categories.json, got no labels"),
        ("label-stack", "a label image or a folder of them"),
        ("semantic-instances", "semantic/, instances/ and categories.json, got no semantic"),
        ("ade20k", "an ADE20K folder with annotations/training"),
    ):
        with pytest.raises(ValueError, match=sentence):
            command.convert(format, str(tmp_path), str(tmp_path / "out"))
    with pytest.raises(ValueError, match="`to` must be a known format, got 'vista'. Did you mean `vistas`"):
        command.convert("coco", str(tmp_path), str(tmp_path / "out"), to="vista")
