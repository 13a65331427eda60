"""Other formats to COCO panoptic: worked examples, the official rule written out, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands import convert as command
from intarsia.formats.arrays import from_supervision, from_torchmetrics, to_supervision, to_torchmetrics
from intarsia.formats.cityscapes import map_of_instance_ids
from intarsia.formats.coco import read_coco, read_map
from intarsia.formats.label_image import map_of_labels, map_of_semantic_and_instances, read_labels
from intarsia.panoptic import PanopticMap, Segment


def convert(format: str, source: Path, out: Path) -> Path:
    return command.convert(format, str(source), str(out))


LABELS = np.array([[0, 1, 300], [70000, 1, 0]])


@pytest.mark.parametrize(
    ("name", "count", "things"),
    [
        ("coco", 133, 80),
        ("cityscapes", 19, 8),
        ("cityscapes-raw", 34, 10),
        ("vistas", 65, 37),
        ("vistas-v2", 124, 72),
        ("ade20k", 150, 100),
        ("facades", 10, 5),
        ("nuclei", 2, 1),
    ],
)
def test_each_table_has_its_categories(name: str, count: int, things: int):
    table = Categories.named(name)
    assert (len(table), len(table.things)) == (count, things)


def cityscapes_folder(folder: Path) -> np.ndarray:
    values = np.array([[26001, 26001, 26, 7], [24000, 1, 33002, 21]])
    city = folder / "gtFine" / "val" / "bonn"
    city.mkdir(parents=True)
    Image.fromarray(values.astype(np.uint16)).save(city / "bonn_000_019_gtFine_instanceIds.png")
    images = folder / "leftImg8bit" / "val" / "bonn"
    images.mkdir(parents=True)
    Image.new("RGB", (4, 2)).save(images / "bonn_000_019_leftImg8bit.png")
    return values


def test_cityscapes_is_converted_by_the_official_rule(tmp_path: Path):
    """A group of cars (26) is a crowd, road (7) and vegetation (21) are segments, ego vehicle (1) is void."""
    values = cityscapes_folder(tmp_path / "in")
    out = convert("cityscapes", tmp_path / "in", tmp_path / "out") / "val"
    row = json.loads((out / "panoptic.json").read_text())["annotations"][0]
    assert (row["image_id"], row["file_name"]) == ("bonn_000_019", "bonn_000_019_gtFine_panoptic.png")
    got = {r["id"]: (r["category_id"], r["iscrowd"], r["area"], r["bbox"]) for r in row["segments_info"]}
    assert got == {
        26001: (26, 0, 2, [0, 0, 2, 1]),
        26: (26, 1, 1, [2, 0, 1, 1]),
        7: (7, 0, 1, [3, 0, 1, 1]),
        24000: (24, 0, 1, [0, 1, 1, 1]),
        33002: (33, 0, 1, [2, 1, 1, 1]),
        21: (21, 0, 1, [3, 1, 1, 1]),
    }
    coco = read_coco(out / "panoptic.json")
    one = read_map(coco.records[0], out / "panoptic")
    assert np.array_equal(one.ids, np.where(values == 1, 0, values))
    assert (out / "images" / coco.records[0].image_file).exists()


def test_cityscapes_train_ids_count_from_zero():
    one = map_of_instance_ids(np.array([[26001, 7]]), train_ids=True)
    assert [(s.id, s.category_id) for s in one.segments] == [(7, 0), (26001, 13)]


def test_vistas_is_read_with_its_own_config(tmp_path: Path):
    labels = [
        {"readable": "Bird", "instances": True, "evaluate": True, "color": [1, 2, 3]},
        {"readable": "Curb", "instances": False, "evaluate": True, "color": [4, 5, 6]},
        {"readable": "Unlabeled", "instances": False, "evaluate": False, "color": [0, 0, 0]},
    ]
    for version, config in (("v1.2", "config_v1.2.json"), ("v2.0", "config_v2.0.json"), ("", "config.json")):
        folder = tmp_path / f"in{version}"
        (folder / "training" / version / "instances").mkdir(parents=True)
        (folder / config).write_text(json.dumps({"labels": labels}))
        values = np.array([[0, 1, 256, 512]], np.uint16)
        Image.fromarray(values).save(folder / "training" / version / "instances" / "a.png")
        out = convert("vistas", folder, tmp_path / f"out{version}") / "train"
        coco = read_coco(out / "panoptic.json")
        assert read_map(coco.records[0], out / "panoptic").ids.tolist() == [[1, 2, 257, 0]]
        assert coco.categories.names == ("Bird", "Curb")


@pytest.mark.parametrize(
    ("kind", "suffix"), [("uint8", "png"), ("uint16", "png"), ("int32", "tif"), ("uint16", "tif")]
)
def test_label_images_of_every_depth(tmp_path: Path, kind: str, suffix: str):
    values = np.minimum(LABELS, np.iinfo(kind).max).astype(kind)
    Image.fromarray(values).save(tmp_path / f"a.{suffix}")
    assert np.array_equal(read_labels(tmp_path / f"a.{suffix}")[0], values)


def test_each_page_of_a_tiff_is_an_image(tmp_path: Path):
    pages = [Image.fromarray(np.full((2, 2), n, np.int32)) for n in (5, 0, 90000)]
    pages[0].save(tmp_path / "a.tif", save_all=True, append_images=pages[1:])
    out = convert("labels", tmp_path / "a.tif", tmp_path / "out")
    coco = read_coco(out / "panoptic.json")
    shown = [
        [(s.id, s.category_id) for s in read_map(record, out / "panoptic").segments]
        for record in coco.records
    ]
    assert shown == [[(5, 1)], [(1, 2)], [(90000, 1)]]


def test_what_is_no_data_set_is_refused(tmp_path: Path):
    with pytest.raises(
        ValueError, match="`format` must be a known format, got 'cityscape'. Did you mean `cityscapes`"
    ):
        convert("cityscape", tmp_path, tmp_path / "out")
    with pytest.raises(ValueError, match="must be a data set, got no such file or folder"):
        convert("labels", tmp_path / "none", tmp_path / "out")
    for format, sentence in (
        ("cityscapes", "a Cityscapes folder with gtFine"),
        ("vistas", "a Vistas folder with training"),
        ("labels", "a label image or a folder of them"),
    ):
        with pytest.raises(ValueError, match=sentence):
            convert(format, tmp_path, tmp_path / "out")


def test_colours_and_fractions_are_no_labels(tmp_path: Path):
    Image.new("RGB", (2, 2), (1, 2, 3)).save(tmp_path / "a.png")
    Image.fromarray(np.full((2, 2), 0.5, np.float32)).save(tmp_path / "b.tif")
    with pytest.raises(ValueError, match="a.png` must be a label image of one whole number.*got 3 channels"):
        read_labels(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"b.tif` must be a label image of whole numbers .*, got 0.5"):
        read_labels(tmp_path / "b.tif")


def test_labels_can_have_categories_of_their_own():
    one = map_of_labels(LABELS, {0: None, 1: 4, 300: 5, 70000: 4})
    assert [s.category_id for s in one.segments] == [4, 5, 4]
    assert (one.ids == 0).sum() == 2
    with pytest.raises(ValueError, match="got none for 0. Where 0 is void, give it `None`"):
        map_of_labels(LABELS, {1: 4, 300: 5, 70000: 4})
    with pytest.raises(
        ValueError, match="`category_of_label` must be a category for every label, got none for 300"
    ):
        map_of_labels(LABELS, {0: 6, 1: 4})


def test_semantic_and_instance_maps_must_be_of_one_size():
    with pytest.raises(ValueError, match=r"`instances` must be of shape \(1, 2\)"):
        map_of_semantic_and_instances(np.zeros((1, 2), int), np.zeros((2, 2), int))


def test_torchmetrics_arrays_come_back():
    facades = Categories.named("facades")
    one = PanopticMap(np.array([[3, 3, 4], [8, 0, 4]]), [Segment(3, 1), Segment(4, 1), Segment(8, 6)])
    back = from_torchmetrics(to_torchmetrics(one, facades))
    assert np.array_equal(back.ids > 0, one.ids > 0)
    assert np.array_equal(back.semantic(facades), one.semantic(facades))
    assert np.array_equal(back.instances(facades), one.instances(facades))
    crowd = PanopticMap(one.ids, [Segment(3, 1), Segment(4, 1, is_crowd=True), Segment(8, 6)])
    again = from_torchmetrics(to_torchmetrics(crowd, facades), categories=facades)
    assert sorted((s.category_id, s.is_crowd) for s in again.segments) == [(1, False), (1, True), (6, False)]
    with pytest.raises(ValueError, match=r"`array` must be of shape \(h, w, 2\), got \(2, 2\)"):
        from_torchmetrics(np.zeros((2, 2)))


class Detections:
    """The four fields of supervision's class that are read."""

    def __init__(
        self, mask: np.ndarray | None, confidence: np.ndarray | None, class_id: np.ndarray | None
    ) -> None:
        self.mask, self.confidence, self.class_id = mask, confidence, class_id
        self.data: dict[str, np.ndarray] = {}


def test_the_surer_detection_is_on_top():
    masks = np.array([[[1, 1, 0]], [[0, 1, 1]]], bool)
    found = Detections(masks, np.array([0.9, 0.5]), np.array([0, 2]))
    one = from_supervision(found, Categories.named("facades"))
    assert one.ids.tolist() == [[1, 1, 2]]
    assert [s.category_id for s in one.segments] == [1, 3]
    with pytest.raises(ValueError, match="`detections` must be with masks, got none"):
        from_supervision(Detections(None, None, np.zeros(0)), Categories.named("facades"))
    with pytest.raises(ValueError, match="with category indices in `class_id`, got none"):
        from_supervision(Detections(masks, None, None), Categories.named("facades"))


def test_detections_of_no_category_and_scores_that_are_no_numbers_are_refused():
    masks, facades = np.ones((1, 1, 2), bool), Categories.named("facades")
    for index in (-1, 10):
        with pytest.raises(ValueError, match=rf"`class_id` must be .* in \[0, 10\), got {index}"):
            from_supervision(Detections(masks, np.ones(1), np.array([index])), facades)
    with pytest.raises(ValueError, match="`confidence` must be made of finite scores, got nan"):
        from_supervision(Detections(masks, np.array([np.nan]), np.array([0])), facades)


@pytest.mark.filterwarnings("ignore:OpenCV:UserWarning")  # supervision works without it, and says so
def test_supervision_detections_come_back():
    supervision = pytest.importorskip("supervision", reason="the extra `dev` is not installed: make setup")
    facades = Categories.named("facades")
    ids = np.array([[3, 3, 4, 9], [8, 0, 4, 9]])
    rows = [Segment(3, 1, 0.5), Segment(4, 1, 0.25), Segment(8, 6, 0.75), Segment(9, 2, 1.0, is_crowd=True)]
    one = PanopticMap(ids, rows)
    found = to_supervision(one, facades)
    assert isinstance(found, supervision.Detections)
    assert found.xyxy.tolist() == [[0, 0, 1, 0], [2, 0, 2, 1], [0, 1, 0, 1], [3, 0, 3, 1]]
    assert from_supervision(found, facades) == one.renumbered()
    empty = to_supervision(PanopticMap.empty(2, 3), facades)
    assert from_supervision(empty, facades) == PanopticMap.empty(2, 3)
