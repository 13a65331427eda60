"""What people's tools export is converted whole, or what was lost is counted, named, and the exit code 1."""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tifffile
from PIL import Image

from intarsia.categories import Categories
from intarsia.cli import main
from intarsia.commands.convert import convert
from intarsia.commands.inspect import inspect
from intarsia.errors import PartialFailure
from intarsia.formats.coco import CocoWriter, read_coco
from intarsia.panoptic import PanopticMap, Segment

SQUARE = [[0, 0, 2, 0, 2, 2, 0, 2]]
NEXT = [[2, 0, 4, 0, 4, 2, 2, 2]]


def annotation(number: int, segmentation: Any = SQUARE, **more: Any) -> dict[str, Any]:
    return {"id": number, "image_id": 1, "category_id": 1, "segmentation": segmentation, "iscrowd": 0, **more}


def write(
    json_path: Path, *annotations: dict[str, Any], names: tuple[str, ...] = ("a.png",), **more: Any
) -> None:
    """An export of instances in images of 4x2 pixels."""
    content = {
        "images": [
            {"id": n, "file_name": name, "height": 2, "width": 4, **more}
            for n, name in enumerate(names, start=1)
        ],
        "annotations": list(annotations) or [annotation(1), annotation(2, NEXT, category_id=2)],
        "categories": [{"id": 1, "name": "bolt"}, {"id": 2, "name": "nut"}],
    }
    json_path.parent.mkdir(parents=True, exist_ok=True)
    json_path.write_text(json.dumps(content))


def photo(path: Path, size: tuple[int, int] = (4, 2)) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (9, 8, 7)).save(path)
    return path.read_bytes()


def losses_of(source: Path, out: Path, **options: Any) -> str:
    with pytest.raises(PartialFailure) as failure:
        convert("coco-instances", str(source), str(out), **options)
    return str(failure.value)


def test_images_without_an_annotation_are_counted_and_named(tmp_path: Path, capsys):
    """They may show nothing, or nobody looked at them yet; in truth they are background."""
    write(tmp_path / "in" / "annotations" / "instances_val.json", names=("a.png", "b.png", "c.png"))
    for name in "abc":
        photo(tmp_path / "in" / "val" / f"{name}.png")
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"))
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == [
        "val: 3 maps (each with its photo), 2 segments.",
        "val: Without an annotation: 2 (b.png, c.png).",
    ]


PARTS = {
    "default": "default",
    "train2014": "train",
    "val2014": "val",
    "valid": "valid",
    "validation": "validation",
    "Train": "Train",
    "test-dev2017": "test-dev",
    "minitrain2017": "minitrain",
    "train_2017": "train",
    "fold0": "fold0",
}


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("to", ["coco", "coco-instances"])
def test_a_part_may_have_any_name(tmp_path: Path, part: str, to: str):
    write(tmp_path / "in" / "annotations" / f"instances_{part}.json")
    content = photo(tmp_path / "in" / part / "a.png")
    out = tmp_path / "out"
    convert("coco-instances", str(tmp_path / "in"), str(out), to=to)
    assert not list(out.rglob("*.unfinished"))
    if to == "coco":
        assert (out / PARTS[part] / "images" / "a.png").read_bytes() == content
        assert inspect(str(out)).num_images == 1
    else:
        assert (out / "annotations" / f"instances_{PARTS[part]}.json").is_file()


TO_COCOS_TABLE = ["label-divisor", "label-stack", "labels", "semantic-instances"]


@pytest.mark.parametrize("part", ["default", "fold0", "valid", "test-dev"])
@pytest.mark.parametrize("to", TO_COCOS_TABLE)
def test_other_formats_take_parts_of_any_name(tmp_path: Path, part: str, to: str):
    write(tmp_path / "in" / "annotations" / f"instances_{part}.json")
    photo(tmp_path / "in" / part / "a.png")
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"), to=to)
    assert not list((tmp_path / "out").rglob("*.unfinished"))
    convert(to, str(tmp_path / "out"), str(tmp_path / "back"))
    assert inspect(str(tmp_path / "back")).num_images == 1


@pytest.mark.parametrize(
    ("to", "table"), [("cityscapes", "cityscapes"), ("vistas", "vistas"), ("ade20k", "ade20k")]
)
def test_named_data_sets_keep_parts_of_any_name_apart(tmp_path: Path, to: str, table: str):
    """Two folds with images of one name: neither overwrites the other."""
    categories = Categories.named(table)
    for fold, row in (("fold0", categories[0]), ("fold1", categories[1])):
        with CocoWriter(tmp_path / "in" / fold / "panoptic.json", categories) as writer:
            writer.add("a.png", PanopticMap(np.ones((1, 2), int), [Segment(1, row.id)]), image_id="a")
    convert("coco", str(tmp_path / "in"), str(tmp_path / "out"), to=to)
    convert(to, str(tmp_path / "out"), str(tmp_path / "back"))
    shown = [
        read_coco(path).records[0].segments[0].category_id for path in sorted(tmp_path.glob("back/*/*.json"))
    ]
    assert len(shown) == 2
    assert len(set(shown)) == 2


def test_parts_that_differ_in_the_year_alone_keep_it(tmp_path: Path):
    for year in ("2014", "2017"):
        write(tmp_path / "in" / "annotations" / f"instances_val{year}.json")
        photo(tmp_path / "in" / f"val{year}" / "a.png")
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"))
    assert {path.parent.name for path in (tmp_path / "out").glob("*/panoptic.json")} == {"val2014", "val2017"}


NFC = unicodedata.normalize("NFC", "Bäume.png")
PLACES = {
    "CVAT": ("annotations/instances_default.json", "a.png", "images/default/a.png"),
    "COCO": ("annotations/instances_val2017.json", "a.png", "val2017/a.png"),
    "datumaro": ("annotations/instances_val.json", "a.png", "images/val/a.png"),
    "Label Studio": ("result.json", "images/a.png", "images/a.png"),
    "Label Studio on Windows": ("result.json", r"images\a.png", "images/a.png"),
    "Roboflow": ("train/_annotations.coco.json", "a.png", "train/a.png"),
    "Roboflow without parts": ("_annotations.coco.json", "a.png", "a.png"),
    "macOS": ("annotations/instances_val.json", NFC, "images/" + unicodedata.normalize("NFD", NFC)),
    "letter case": ("annotations/instances_val.json", "A.PNG", "images/a.png"),
    "coco-annotator": ("dataset.json", "a.png", "pictures/a.png"),
    "LVIS": ("annotations/instances_val.json", None, "val/a.png"),
}


@pytest.mark.parametrize("tool", PLACES)
def test_photos_come_along_from_where_tools_put_them(tmp_path: Path, tool: str):
    json_file, name, photo_file = PLACES[tool]
    url = {"coco_url": "http://images.cocodataset.org/val/a.png"} if name is None else {}
    write(tmp_path / "in" / json_file, names=(name,), **url)  # pyright: ignore[reportArgumentType]
    content = photo(tmp_path / "in" / photo_file)
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"))
    [path] = (tmp_path / "out").rglob("panoptic.json")
    [record] = read_coco(path).records
    written = path.parent / "images" / record.image_file
    assert written.read_bytes() == content
    assert inspect(str(tmp_path / "out")).problems == []


def test_photos_that_are_not_found_are_counted_and_named(tmp_path: Path, capsys: Any):
    write(tmp_path / "in" / "annotations" / "instances_val.json", names=("a.png", "b.png", "c.png"))
    photo(tmp_path / "in" / "images" / "a.png")
    command = ["convert", "coco-instances", str(tmp_path / "in"), str(tmp_path / "out")]
    assert main(command) == 1
    out, err = capsys.readouterr()
    assert "val: 3 maps (1 with a photo), 2 segments." in out
    assert "folder with the photo of each map; missing: 2 of 3, got none of b.png, c.png." in err
    assert len(read_coco(tmp_path / "out" / "val" / "panoptic.json").records) == 3


def test_a_source_without_any_photo_loses_none(tmp_path: Path, capsys: Any):
    write(tmp_path / "in" / "annotations" / "instances_val.json")
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"))
    assert "val: 1 map (no photo), 2 segments." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["/a.png", r"C:\data\a.png", "../a.png", "https://a.org/a.png"])
def test_names_outside_of_the_data_set_are_refused(tmp_path: Path, name: str):
    write(tmp_path / "in" / "annotations" / "instances_val.json", names=(name,))
    with pytest.raises(ValueError, match="`file_name` must be a name inside the data set's folder"):
        convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("empty", [[], None, [[0.1, 0.1, 0.2, 0.1, 0.2, 0.2]]])
def test_annotations_without_a_pixel_are_counted(tmp_path: Path, empty: Any):
    """Boxes only, and polygons of normalised numbers."""
    rows = annotation(1, empty), annotation(2, empty)
    write(tmp_path / "in" / "annotations" / "instances_val.json", *rows)
    text = losses_of(tmp_path / "in", tmp_path / "out")
    assert "`val` must be made of annotations that show pixels; without any: 2 of 2, got 2 of a.png." in text


def test_annotations_hidden_under_others_are_counted(tmp_path: Path):
    write(tmp_path / "in" / "annotations" / "instances_val.json", *(annotation(n) for n in (1, 2, 3)))
    assert "without any: 2 of 3, got 2 of a.png." in losses_of(tmp_path / "in", tmp_path / "out")


def test_crowds_are_counted_and_all_crowds_teach_nothing(tmp_path: Path, capsys: Any):
    """CVAT's brush masks are crowds, all of them."""
    write(tmp_path / "in" / "annotations" / "instances_val.json", annotation(1, iscrowd=1))
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"))
    out = capsys.readouterr().out
    assert "val: 1 map (no photo), 1 segment, 1 of them crowds." in out
    assert "Nothing can be learned from it: every object (1) is a crowd" in out
    inspect(str(tmp_path / "out"))
    assert "Nothing can be learned from it: every object (1) is a crowd" in capsys.readouterr().out


def test_a_photo_of_another_size_is_named_and_left_out(tmp_path: Path):
    write(tmp_path / "in" / "annotations" / "instances_val.json", names=("a.png", "b.png"))
    photo(tmp_path / "in" / "images" / "a.png", (2, 4))
    photo(tmp_path / "in" / "images" / "b.png")
    text = losses_of(tmp_path / "in", tmp_path / "out")
    assert "1 of 2 failed: `" in text
    assert "images/a.png` must be 2x4 pixels like its map a.png, got 4x2." in text
    assert [record.image_file for record in read_coco(tmp_path / "out/val/panoptic.json").records] == [
        "b.png"
    ]


def test_a_photo_that_is_cut_off_is_named_and_left_out(tmp_path: Path):
    """Its header says the right size; training would stop at it, after hours perhaps."""
    write(tmp_path / "in" / "annotations" / "instances_val.json", names=("a.jpg", "b.jpg"))
    content = photo(tmp_path / "in" / "images" / "a.jpg")
    photo(tmp_path / "in" / "images" / "b.jpg")
    header = content[: content.index(b"\xff\xda") + 14]  # up to the first pixel
    (tmp_path / "in" / "images" / "a.jpg").write_bytes(header)
    sentence = "images/a.jpg` must be a readable image, got OSError: image file is truncated"
    with pytest.raises(PartialFailure, match=sentence):
        inspect(str(tmp_path / "in"))
    text = losses_of(tmp_path / "in", tmp_path / "out")
    assert "1 of 2 failed: `" in text
    assert sentence in text
    assert [record.image_file for record in read_coco(tmp_path / "out/val/panoptic.json").records] == [
        "b.jpg"
    ]


def test_photos_of_several_channels_wait_for_the_choice_of_training(tmp_path: Path):
    """They are whole; which channels are seen `train` is told."""
    write(tmp_path / "in" / "annotations" / "instances_val.json", names=("a.tif",))
    path = tmp_path / "in" / "images" / "a.tif"
    path.parent.mkdir()
    tifffile.imwrite(path, np.zeros((2, 2, 4), np.uint16), imagej=True, metadata={"axes": "CYX"})
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"))
    assert (tmp_path / "out" / "val" / "images" / "a.tif").read_bytes() == path.read_bytes()
    assert inspect(str(tmp_path / "out")).problems == []


def test_a_photo_on_its_side_fits_an_upright_map(tmp_path: Path):
    write(tmp_path / "in" / "annotations" / "instances_val.json", names=("a.jpg",))
    exif = Image.Exif()
    exif[0x0112] = 6
    (tmp_path / "in" / "images").mkdir()
    Image.new("RGB", (2, 4)).save(tmp_path / "in" / "images" / "a.jpg", exif=exif)
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"))
    assert inspect(str(tmp_path / "out")).problems == []


@pytest.mark.parametrize(
    ("rows", "names", "sentence"),
    [
        ((annotation(1), annotation(2, [])), ("a.png",), "annotations that show pixels; without any: 1 of 2"),
        ((), ("a.png", "b.png"), "photo of each map; missing: 1 of 2, got none of b.png."),
        ((annotation(1, [[0, 0]]),), ("a.png",), "polygons x, y, x, y"),
        ((annotation(1, []),), ("b.png", "a.png"), "There are 1 more such sentences without `--strict`."),
    ],
)
def test_strict_writes_nothing_if_anything_would_be_lost(
    tmp_path: Path, rows: Any, names: tuple[str, ...], sentence: str
):
    write(tmp_path / "in" / "annotations" / "instances_val.json", *rows, names=names)
    photo(tmp_path / "in" / "images" / "a.png")
    with pytest.raises(ValueError, match=sentence):
        convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"), strict=True)
    assert not (tmp_path / "out").exists()


def test_strict_converts_what_is_whole(tmp_path: Path):
    write(tmp_path / "in" / "annotations" / "instances_val.json")
    photo(tmp_path / "in" / "images" / "a.png")
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"), strict=True)
    assert len(read_coco(tmp_path / "out" / "val" / "panoptic.json").records) == 1


def test_two_photos_that_differ_in_the_suffix_keep_their_maps(tmp_path: Path):
    rows = annotation(1), annotation(2, NEXT, image_id=2)
    write(tmp_path / "in" / "annotations" / "instances_val.json", *rows, names=("a.png", "a.jpg"))
    convert("coco-instances", str(tmp_path / "in"), str(tmp_path / "out"))
    records = read_coco(tmp_path / "out" / "val" / "panoptic.json").records
    assert [record.map_file for record in records] == ["a.png", "a-2.png"]


@pytest.mark.parametrize(
    ("segments", "sentence"),
    [
        ([], "no pixel of its 1 map is labelled"),
        ([Segment(1, 1)], "only one category is labelled"),
        ([Segment(1, 1, is_crowd=True)], "every object (1) is a crowd"),
        ([Segment(1, 1), Segment(2, 6)], ""),
    ],
)
def test_a_data_set_in_which_nothing_can_be_learned_is_called_so(
    tmp_path: Path, capsys: Any, segments: list[Segment], sentence: str
):
    ids = np.array([[segment.id for segment in segments] or [0]])
    with CocoWriter(tmp_path / "in" / "panoptic.json", Categories.named("facades")) as writer:
        writer.add("a.png", PanopticMap(ids, segments))
    convert("coco", str(tmp_path / "in"), str(tmp_path / "out"))
    assert ("Nothing can be learned from it: " + sentence in capsys.readouterr().out) == bool(sentence)
    inspect(str(tmp_path / "in"))
    assert ("Nothing can be learned from it: " + sentence in capsys.readouterr().out) == bool(sentence)
