"""The rules of Cityscapes, Vistas and ADE20K, and what they cannot hold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.categories import Categories
from intarsia.commands import convert as command
from intarsia.formats.ade20k import ade20k_of_map, map_of_ade20k
from intarsia.formats.cityscapes import cityscapes_categories, instance_ids_of, map_of_instance_ids
from intarsia.formats.label_image import read_labels
from intarsia.formats.vistas import map_of_vistas_instances, vistas_instances_of
from intarsia.panoptic import PanopticMap, Segment
from tests.formats.written_maps import pixels, write_coco


@given(st.lists(st.sampled_from([0, 1, 4, 7, 8, 24, 26, 24000, 24003, 26001, 33002]), min_size=1, max_size=9))
def test_cityscapes_pixels_come_back_label_for_label(values: list[int]):
    """With every label each pixel; else each that is evaluated, the others as 0."""
    raw = np.array([values])
    everything = map_of_instance_ids(raw, every_label=True)
    assert instance_ids_of(everything, cityscapes_categories(every_label=True)).tolist() == [values]
    for train_ids in (False, True):
        one = map_of_instance_ids(raw, train_ids=train_ids)
        evaluated = [0 if value in (1, 4) else value for value in values]
        assert instance_ids_of(one, cityscapes_categories(train_ids=train_ids)).tolist() == [evaluated]


def test_cityscapes_files_are_those_of_the_data_set(tmp_path: Path):
    one = map_of_instance_ids(np.array([[26001, 26, 7, 0]]))
    source = write_coco(tmp_path / "in" / "train", [one], Categories.named("cityscapes")).parent
    out = command.convert("coco", str(source), str(tmp_path / "out"), to="cityscapes")
    stem = "gtFine/train/town/town_000000_x_gtFine_"
    for kind, wanted in (
        ("instanceIds", [26001, 26, 7, 0]),
        ("labelIds", [26, 26, 7, 0]),
        ("labelTrainIds", [13, 13, 0, 255]),
    ):
        assert read_labels(out / f"{stem}{kind}.png")[0].tolist() == [wanted]
    assert (out / "leftImg8bit/train/town/town_000000_x_leftImg8bit.png").exists()


def test_things_of_other_data_sets_are_numbered_for_cityscapes():
    categories = Categories.named("cityscapes")
    one = PanopticMap(np.array([[5, 26000, 9]]), [Segment(5, 26), Segment(26000, 26), Segment(9, 26)])
    assert instance_ids_of(one, categories).tolist() == [[26001, 26000, 26002]]
    row = np.arange(1, 1002)[None]
    with pytest.raises(ValueError, match="at most 1000 instances of a category, got more of label 26"):
        instance_ids_of(PanopticMap(row, [Segment(int(n), 26) for n in row[0]]), categories)
    with pytest.raises(ValueError, match="`category` must be one of Cityscapes', got 'window'"):
        instance_ids_of(PanopticMap(row[:, :1], [Segment(1, 1)]), Categories.named("facades"))


def test_vistas_has_256_instances_and_no_crowds():
    categories = Categories.named("vistas")
    row = np.arange(1, 258)[None]
    bird = categories[0].id
    full = PanopticMap(row[:, :256], [Segment(int(n), bird) for n in row[0, :256]])
    assert pixels(map_of_vistas_instances(vistas_instances_of(full, categories), categories)) == pixels(full)
    with pytest.raises(ValueError, match="at most 256 of a category, got more of category 1"):
        vistas_instances_of(PanopticMap(row, [Segment(int(n), bird) for n in row[0]]), categories)
    with pytest.raises(ValueError, match="without crowds, which Vistas does not have, got segment 3"):
        vistas_instances_of(PanopticMap(np.array([[3]]), [Segment(3, 1, is_crowd=True)]), categories)
    with pytest.raises(ValueError, match=r"of ids in \[1, 256\) for Vistas, got 0 to 149"):
        vistas_instances_of(PanopticMap.empty(1, 1), Categories.named("ade20k"))


@pytest.mark.parametrize("content", ["{", "3", "{}", '{"labels": [{}]}', '{"labels": [1]}'])
def test_a_config_of_vistas_that_is_none_is_refused(tmp_path: Path, content: str):
    (tmp_path / "training" / "instances").mkdir(parents=True)
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(ValueError, match="config.json` must be"):
        command.convert("vistas", str(tmp_path), str(tmp_path / "out"))


def test_ade20k_things_lie_on_stuff_and_need_their_instance():
    """Wall is 1 and bed 8 in `annotations`; bed is thing 1. A bed without instance is void."""
    instances = np.zeros((1, 4, 3), np.uint8)
    instances[0, 0] = instances[0, 1] = (1, 9, 77)
    one = map_of_ade20k(np.array([[8, 1, 8, 1]]), instances)
    assert [(s.id, s.category_id) for s in one.segments] == [(1, 0), (2, 7)]
    assert one.ids.tolist() == [[2, 2, 0, 1]]
    instances[0, 0, 0] = 101
    with pytest.raises(ValueError, match=r"`instances` must be of things 1 ... 100 in red, got 101"):
        map_of_ade20k(np.array([[8, 1, 8, 1]]), instances)
    with pytest.raises(ValueError, match=r"as large as the categories' map, \(1, 2\), got \(1, 4\)"):
        map_of_ade20k(np.array([[8, 1]]), instances)


def test_ade20k_has_255_things_and_its_own_categories():
    table = Categories.named("ade20k")
    row = np.arange(1, 257)[None]
    with pytest.raises(ValueError, match="at most 255 things in an image of ADE20K, got more"):
        ade20k_of_map(PanopticMap(row, [Segment(int(n), 7) for n in row[0]]), table)
    with pytest.raises(ValueError, match="one of ADE20K's, got 'facade'"):
        ade20k_of_map(PanopticMap(row[:, :1], [Segment(1, 6)]), Categories.named("facades"))
