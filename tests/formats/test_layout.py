"""A folder is known for what it is: the same finder serves training, inspection and conversion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands.convert import TARGETS, convert
from intarsia.commands.inspect import inspect
from intarsia.data.dataset import PanopticDataset
from intarsia.errors import PartialFailure
from intarsia.formats.coco import CocoWriter
from intarsia.formats.layout import find_parts, format_of
from intarsia.metrics import evaluate_folders
from intarsia.metrics.measures import Request
from intarsia.panoptic import PanopticMap, Segment
from tests.formats.written_maps import TABLES


def write_source(folder: Path, table: str) -> Path:
    """Two images of stuff and a thing in `val`, with photos."""
    categories = Categories.named(table)
    thing, stuff = categories.things[0].id, categories.stuff[0].id
    (folder / "val" / "images").mkdir(parents=True)
    with CocoWriter(folder / "val" / "panoptic.json", categories) as writer:
        for name in ("town_000001_a", "town_000002_b"):
            ids = np.array([[1, 1, 2], [1, 0, 2]])
            writer.add(f"{name}.png", PanopticMap(ids, [Segment(1, thing), Segment(2, stuff)]), image_id=name)
            Image.new("RGB", (3, 2), (9, 8, 7)).save(folder / "val" / "images" / f"{name}.png")
    return folder


MEASURES = ("iou", "boundary", "mask-ap", "cityscapes-ap", "errors", "histogram", "leaf", "images")
KINDS = {"label-stack": "labels", "vistas-v2": "vistas"}


@pytest.mark.parametrize("format", TARGETS)
def test_what_convert_writes_is_known_trained_on_and_inspected(tmp_path: Path, format: str):
    source = write_source(tmp_path / "in", TABLES[format])
    convert("coco", str(source), str(tmp_path / "out"), to=format)
    assert format_of(tmp_path / "out") == KINDS.get(format, format)
    [part] = find_parts(tmp_path / "out")
    assert (part.name, part.split) == ("val", "val")
    data = PanopticDataset(tmp_path / "out", split="val")
    assert data[0].image[:, 0, 0].tolist() == [9, 8, 7]
    assert len(data[0].segments) == 2
    found = inspect(str(tmp_path / "out"), sheet=str(tmp_path / "sheet.png"))
    assert (found.num_images, found.num_pixels, found.num_void) == (2, 12, 2)
    assert sum(found.pixels.values()) == 10
    assert (tmp_path / "sheet.png").is_file()


def instances(folder: Path) -> None:
    box = [[0, 0, 2, 0, 2, 2, 0, 2]]
    rows = [{"id": n, "image_id": 1, "category_id": n, "segmentation": box} for n in (1, 2)]
    rows[1]["segmentation"] = [[2, 0, 4, 0, 4, 2, 2, 2]]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": 2, "width": 4}],
        "annotations": rows,
        "categories": [{"id": 1, "name": "bolt"}, {"id": 2, "name": "nut"}],
    }
    folder.mkdir(parents=True)
    Image.new("RGB", (4, 2)).save(folder / "a.png")
    (folder / "_annotations.coco.json").write_text(json.dumps(content))


def test_an_export_of_roboflow_is_trained_on_and_inspected_as_it_is(tmp_path: Path, capsys: Any):
    for part in ("train", "valid"):
        instances(tmp_path / part)
    assert format_of(tmp_path) == "coco-instances"
    assert len(PanopticDataset(tmp_path, split="train")[0].segments) == 2
    assert len(PanopticDataset(tmp_path, split="val")) == 1
    assert inspect(str(tmp_path)).num_images == 2
    assert "bolt" in capsys.readouterr().out


def test_what_is_wrong_in_another_format_is_named(tmp_path: Path):
    instances(tmp_path / "train")
    Image.new("RGB", (5, 2)).save(tmp_path / "train" / "a.png")
    with pytest.raises(PartialFailure, match=r"train/a.png` must be 2x4 pixels like its map a.png, got 2x5"):
        inspect(str(tmp_path))


def test_more_categories_than_fit_into_eight_bits_are_read_but_not_trained_on(tmp_path: Path):
    categories = Categories.from_coco([{"id": n, "name": f"kind {n}", "isthing": 1} for n in range(1, 301)])
    (tmp_path / "in" / "images").mkdir(parents=True)
    Image.new("RGB", (2, 1)).save(tmp_path / "in" / "images" / "a.png")
    with CocoWriter(tmp_path / "in" / "panoptic.json", categories) as writer:
        writer.add("a.png", PanopticMap(np.array([[1, 2]]), [Segment(1, 256), Segment(2, 300)]))
    for format in ("coco-instances", "semantic-instances", "label-divisor", "labels"):
        convert("coco", str(tmp_path / "in"), str(tmp_path / format), to=format)
        convert(format, str(tmp_path / format), str(tmp_path / f"{format} back"))
        found = inspect(str(tmp_path / f"{format} back"))
        assert dict(found.segments) == {256: 1, 300: 1}
    json_path = tmp_path / "in" / "panoptic.json"
    report = evaluate_folders(json_path, json_path, request=Request(MEASURES))
    assert report.all.pq == 1
    assert report.also["iou"].summary()["mIoU"] == "100.0"
    with pytest.raises(ValueError, match="a data set of at most 255 categories to train on, got 300"):
        PanopticDataset(tmp_path / "in")


def test_a_folder_of_no_known_kind_is_none(tmp_path: Path):
    (tmp_path / "a.txt").touch()
    assert format_of(tmp_path) is None
    assert find_parts(tmp_path) == []
