"""One parser for COCO's JSON: all who read it take a value for the same, or all refuse it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands.convert import convert
from intarsia.commands.inspect import inspect
from intarsia.errors import InputError
from intarsia.formats.coco import CocoWriter, read_coco
from intarsia.formats.coco_check import check_json
from intarsia.formats.coco_instances import read_coco_instances
from intarsia.formats.coco_json import read_panoptic_json
from intarsia.formats.coco_places import CocoPlace
from intarsia.metrics import evaluate_folders
from intarsia.metrics.annotations import read_annotations
from intarsia.panoptic import PanopticMap, Segment

FACADES = Categories.named("facades")
BOX = [[0, 0, 2, 0, 2, 1, 0, 1]]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """One image: a window of two pixels, one of one pixel, facade of one."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    Image.new("RGB", (4, 1)).save(folder / "images" / "a.png")
    with CocoWriter(folder / "panoptic.json", FACADES) as writer:
        segments = [Segment(1, 1), Segment(2, 1), Segment(3, 6)]
        writer.add("a.png", PanopticMap(np.array([[1, 1, 2, 3]]), segments))
    return folder


def change(folder: Path, edit: Callable[[dict[str, Any]], Any]) -> Path:
    path = folder / "panoptic.json"
    content = json.loads(path.read_text())
    edit(content)
    path.write_text(json.dumps(content))
    return path


def outcomes(folder: Path) -> list[Any]:
    """What each of the readers makes of the folder: its segments, or that it refuses them."""
    path = folder / "panoptic.json"

    def of_train() -> Any:
        return [(s.id, s.category_id, s.is_crowd, s.score) for s in read_coco(path).records[0].segments]

    def of_evaluate() -> Any:
        content = read_annotations(path, None)
        [row] = content.maps.values()
        ids = [content.categories[index].id for index in row.segments.category_index.tolist()]
        columns = row.segments.ids, ids, row.segments.is_crowd, row.segments.score
        return [tuple(np.asarray(value).item() for value in values) for values in zip(*columns, strict=True)]

    def of_inspect() -> Any:
        checked = check_json(CocoPlace("", path, folder / "images"))
        if checked.problems:
            raise InputError(checked.problems[0])
        segments = checked.maps[0].record.segments
        return [(s.id, s.category_id, s.is_crowd, s.score) for s in segments]

    def outcome(read: Callable[[], Any]) -> Any:
        try:
            return read()
        except InputError:
            return "refused"

    return [outcome(read) for read in (of_train, of_evaluate, of_inspect)]


def first_segment(key: str, value: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["annotations"][0]["segments_info"][0].update({key: value})


@pytest.mark.parametrize(
    ("key", "value", "meaning"),
    [
        *[("iscrowd", value, False) for value in (0, "0", "false", "False", False, 0.0, None)],
        *[("iscrowd", value, True) for value in (1, "1", "true", True, 1.0)],
        *[("iscrowd", value, "refused") for value in (2, -1, "no", "", [0], float("nan"), 0.5)],
        *[("id", value, 1) for value in (1, "1", 1.0, "01")],
        *[("id", value, "refused") for value in ("one", 1.5, True, None, [1], -1, 0, 1 << 31)],
        *[("category_id", value, 1) for value in (1, "1", 1.0)],
        *[("category_id", value, "refused") for value in ("window", 1.5, None, True, {})],
        *[("score", value, 0.5) for value in (0.5, "0.5")],
        *[("score", value, "refused") for value in (float("nan"), float("inf"), "good", None, [1])],
    ],
)
def test_a_value_of_a_segment_means_the_same_to_every_reader(
    folder: Path, key: str, value: Any, meaning: Any
):
    change(folder, first_segment(key, value))
    train, evaluate, inspection = outcomes(folder)
    assert train == evaluate == inspection
    assert meaning == (
        train if train == "refused" else train[0][("id", "category_id", "iscrowd", "score").index(key)]
    )


@pytest.mark.parametrize(
    ("value", "meaning"),
    [(0, False), ("0", False), ("false", False), (False, False), (0.0, False), ("true", True), (1, True)]
    + [(value, "refused") for value in (2, "thing", None)],
)
def test_isthing_means_the_same_to_every_reader(folder: Path, value: Any, meaning: Any):
    path = change(folder, lambda content: content["categories"][0].update(isthing=value))
    if meaning == "refused":
        assert outcomes(folder) == ["refused"] * 3
        with pytest.raises(
            ValueError, match="panoptic.json: `isthing` must be 0 or 1 for each category, got"
        ):
            read_coco(path)
    else:
        for categories in (read_coco(path).categories, read_annotations(path, None).categories):
            assert categories[0].is_thing is meaning


@pytest.mark.parametrize("id", [7, "7", 7.0, "town_7", "007"])
def test_ids_of_images_and_categories_may_be_text(folder: Path, id: Any):
    """Everything as text, as Labelbox writes it; images and annotations need not agree on the kind."""

    def edit(content: dict[str, Any]) -> None:
        content["images"][0].update(id=id, height="1", width=4.0)
        content["annotations"][0]["image_id"] = 7 if id in (7, "7") else id
        for row in content["categories"]:
            row["id"] = str(row["id"])

    path = change(folder, edit)
    assert len({str(outcome) for outcome in outcomes(folder)}) == 1
    assert read_coco(path).records[0].image_id == (7 if id in (7, "7") else id)
    inspect(str(folder))


def test_pq_is_the_same_before_and_after_a_conversion(folder: Path, tmp_path: Path):
    """Flags as text: three windows found of six, nothing spurious: PQ 3 / (3 + 1.5) = 66.7."""
    truth = np.arange(1, 7)[None]
    for name, ids in (("truth", truth), ("prediction", np.where(truth < 4, truth, 0))):
        (tmp_path / name / "images").mkdir(parents=True)
        with CocoWriter(tmp_path / name / "panoptic.json", FACADES) as writer:
            writer.add("a.png", PanopticMap(ids, [Segment(int(n), 1) for n in ids[ids > 0]]))
        change(
            tmp_path / name,
            lambda content: [info.update(iscrowd="0") for info in content["annotations"][0]["segments_info"]],
        )
        convert("coco", str(tmp_path / name), str(tmp_path / f"{name} again"))
    for suffix in ("", " again"):
        jsons = [tmp_path / f"{name}{suffix}" / "panoptic.json" for name in ("truth", "prediction")]
        assert evaluate_folders(*jsons).things.pq == pytest.approx(2 / 3)


def test_two_images_of_one_id_are_refused_by_every_reader(folder: Path):
    path = change(folder, lambda content: content["images"].append(content["images"][0] | {"file_name": "b"}))
    words = "must be without two images of one id, got 1 for a.png and b"
    for read in (read_coco, lambda path: read_annotations(path, None)):
        with pytest.raises(ValueError, match=words):
            read(path)
    assert any(words in problem for problem in check_json(CocoPlace("", path, folder / "images")).problems)


def instances(folder: Path, **changes: Any) -> Path:
    """A data set of single instances: two windows of which the second has the change."""
    (folder / "annotations").mkdir(parents=True, exist_ok=True)
    row = {"id": 1, "image_id": 1, "category_id": 1, "segmentation": BOX, "iscrowd": 0}
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": 2, "width": 4}],
        "annotations": [row, row | {"id": 2, "segmentation": [[2, 1, 4, 1, 4, 2, 2, 2]]} | changes],
        "categories": [{"id": 1, "name": "window"}],
    }
    path = folder / "annotations" / "instances_val.json"
    path.write_text(json.dumps(content))
    return path


@pytest.mark.parametrize(
    ("changes", "meaning"),
    [
        *[({"iscrowd": value}, False) for value in (0, "0", "false", False, 0.0, None)],
        *[({"iscrowd": value}, True) for value in (1, "1", "true", True, 1.0)],
        *[({"category_id": "1", "image_id": "1"}, False)],
        ({"iscrowd": 2}, "`iscrowd` 0 or 1, got 2 for segment 2 of image 1, annotation 2"),
        ({"category_id": "car"}, "made of the listed categories, got 'car' for segment 2 of image 1"),
        ({"score": "nan"}, "one with finite scores, got 'nan' for segment 2"),
        ({"image_id": 3}, "made of annotations of listed images, got one of image 3"),
    ],
)
def test_flags_and_ids_of_single_instances_are_read_alike(tmp_path: Path, changes: Any, meaning: Any):
    instances(tmp_path, **changes)
    if isinstance(meaning, str):
        with pytest.raises(ValueError, match=meaning):
            read_coco_instances(tmp_path)
    else:
        [part] = read_coco_instances(tmp_path)
        assert [segment.is_crowd for segment in part.maps[0].read().segments[:2]] == [False, meaning]


def test_two_images_of_one_id_are_refused_among_single_instances(tmp_path: Path):
    path = instances(tmp_path)
    content = json.loads(path.read_text())
    content["images"].append(content["images"][0] | {"file_name": "b.png"})
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match="without two images of one id, got 1 for a.png and b.png"):
        read_coco_instances(tmp_path)


@pytest.mark.parametrize("key", ["images", "annotations"])
def test_an_object_of_rows_is_read_as_their_list(tmp_path: Path, folder: Path, key: str):
    """LIVECell's annotations are an object whose keys are the ids."""
    path = instances(tmp_path)
    before = read_coco_instances(tmp_path)[0].maps[0].read()
    for file in (path, folder / "panoptic.json"):
        content = json.loads(file.read_text())
        content[key] = {str(n): row for n, row in enumerate(content[key], start=1)}
        file.write_text(json.dumps(content))
    assert read_coco_instances(tmp_path)[0].maps[0].read() == before
    assert len(read_coco(folder / "panoptic.json").records[0].segments) == 3


def test_annotations_without_image_id_belong_to_the_image_of_their_name(folder: Path):
    path = change(folder, lambda content: content["annotations"][0].pop("image_id"))
    assert read_coco(path).records[0].image_id == 1
    inspect(str(folder))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
def test_a_json_may_have_any_unicode_encoding(folder: Path, encoding: str):
    path = folder / "panoptic.json"
    content = path.read_text().replace("window", "Fenêtre")
    path.write_text(content, encoding=encoding)
    assert read_coco(path).categories[0].name == "Fenêtre"


def text(content: str) -> bytes:
    return content.encode()


WRONG_KINDS = {
    "cp1252": ('{"categories": "Fenêtre"}'.encode("cp1252"), "in UTF-8, got the byte 0xea at place 19"),
    "cut off": (text('{"images": ['), "must be a COCO panoptic JSON, got text that is no JSON"),
    "a list": (
        text("[]"),
        "must be a COCO panoptic JSON with categories, images, annotations, got a JSON that is a list",
    ),
    "text": (text('"a"'), "got a JSON that is text"),
    "null": (text("null"), "got a JSON that is null"),
    "GeoJSON": (
        text('{"type": "FeatureCollection", "features": []}'),
        "got one without categories, images, annot",
    ),
    "images as text": (
        text('{"images": "a", "annotations": [], "categories": [{"id": 1, "name": "a", "isthing": 1}]}'),
        "must be one whose `images` are a list, got text",
    ),
    "instances": (
        text('{"images": [], "annotations": [{"image_id": 1, "bbox": []}], "categories": []}'),
        "whose annotations have `segments_info`, got one of single instances. `intarsia convert coco-inst",
    ),
}


@pytest.mark.parametrize("kind", WRONG_KINDS)
def test_a_json_of_another_kind_is_refused_in_one_sentence(tmp_path: Path, kind: str):
    content, words = WRONG_KINDS[kind]
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_panoptic_json(path)
    assert words in str(error.value)
    assert str(error.value).count(str(path)) == 1
    assert "\n" not in str(error.value)


def test_numbers_of_numpy_and_torch_are_written_as_plain_ones(tmp_path: Path):
    segments = {
        "plain": [Segment(3, 1, 0.5, True), Segment(4, 6, 1.0)],
        "foreign": [
            Segment(np.int64(3), np.uint8(1), np.float32(0.5), np.bool_(True)),
            Segment(torch.tensor(4), np.uint16(6), torch.tensor(1.0), torch.tensor(False)),
        ],
    }
    for name, rows in segments.items():
        with CocoWriter(tmp_path / f"{name}.json", FACADES) as writer:
            image_id: Any = 5 if name == "plain" else np.int64(5)
            writer.add("a.jpg", PanopticMap(np.array([[3, 4]]), rows), image_id=image_id)
        PanopticMap(np.array([[3, 4]]), rows).save(tmp_path / f"{name}.png")
    assert (tmp_path / "plain.json").read_bytes() == (tmp_path / "foreign.json").read_bytes()
    assert (tmp_path / "plain.png").read_bytes() == (tmp_path / "foreign.png").read_bytes()


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((1.5, 1), "`id` must be a whole number, got 1.5"),
        ((1, float("inf")), "`category_id` must be a whole number, got inf"),
        ((1, 1, float("nan")), "`score` must be a finite number, got nan"),
        ((1, 1, 1.0, 2), "`is_crowd` must be True or False, got 2"),
    ],
)
def test_a_segment_of_no_numbers_is_refused_where_it_is_made(values: Any, sentence: str):
    with pytest.raises(ValueError, match=sentence):
        Segment(*values)


@pytest.mark.parametrize("name", ["[/bold]", "car [small]", "[red]stop", ":car:", "a\\"])
def test_brackets_in_names_are_printed_as_they_are(folder: Path, capsys: Any, name: str):
    from intarsia.cli import main

    path = change(folder, lambda content: content["categories"][0].update(name=name))
    for command in (["inspect", str(folder)], ["evaluate", "--truth", str(path), "--prediction", str(path)]):
        assert main(command) == 0
        assert name in capsys.readouterr().out
