"""Counting a data set by hand, and a sentence for each thing that is wrong with it."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.cli import main
from intarsia.commands.inspect import inspect
from intarsia.errors import PartialFailure
from intarsia.formats.coco import CocoWriter
from intarsia.panoptic import PanopticMap, Segment, ids_to_rgb

IDS = np.array([[1, 1, 0, 2], [1, 1, 3, 3]])
SEGMENTS = [Segment(1, 6), Segment(2, 1), Segment(3, 1, is_crowd=True)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three equal images of 2x4: stuff of 4 pixels, a thing of 1, a crowd of 2, void of 1."""
    folder = tmp_path / "data"
    (folder / "images").mkdir(parents=True)
    with CocoWriter(folder / "panoptic.json", Categories.named("facades")) as writer:
        for n in range(3):
            writer.add(f"{n}.png", PanopticMap(IDS, SEGMENTS))
            Image.new("RGB", (4, 2)).save(folder / "images" / f"{n}.png")
    return folder


def problems_of(folder: Path) -> list[str]:
    with pytest.raises(PartialFailure) as failure:
        inspect(str(folder))
    return list(failure.value.sentences)


def test_counts_by_hand(folder: Path, capsys: Any):
    found = inspect(str(folder), sheet=str(folder / "sheet.png"))
    assert (found.num_images, found.num_pixels, found.num_void, found.num_crowds) == (3, 24, 3, 3)
    assert dict(found.segments) == {6: 3, 1: 6}
    assert dict(found.pixels) == {6: 12, 1: 9}
    assert found.things_per_image == [2, 2, 2]
    assert found.sizes == {(2, 4): 3}
    assert "void 12.5 %" in capsys.readouterr().out
    assert (folder / "sheet.png").is_file()


@pytest.mark.parametrize("workers", [1, 3])
def test_every_problem_is_named_in_order(folder: Path, workers: int):
    (folder / "panoptic" / "0.png").unlink()
    (folder / "images" / "1.png").write_bytes(b"broken")
    Image.new("RGB", (5, 2)).save(folder / "images" / "2.png")
    Image.new("RGB", (4, 2)).save(folder / "panoptic" / "stray.png")
    with pytest.raises(PartialFailure, match="4 problems in 3 images") as failure:
        inspect(str(folder), workers=workers)
    wanted = [
        "panoptic/0.png",
        "images/1.png",
        "2x4 pixels like its map 2.png, got 2x5",
        "stray.png` must be listed",
    ]
    assert all(word in sentence for word, sentence in zip(wanted, failure.value.sentences, strict=True))


def segment(number: int, **changes: Any) -> Callable[[dict[str, Any]], None]:
    """Change one segment of the second image."""
    return lambda content: content["annotations"][1]["segments_info"][number].update(changes)


def annotation(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["annotations"][1].update(changes)


def image(**changes: Any) -> Callable[[dict[str, Any]], None]:
    return lambda content: content["images"][1].update(changes)


CONTRADICTIONS = {
    "wrong area": (
        segment(0, area=5),
        ["panoptic/1.png` must be of the areas .*, got 4 pixels for 5 of id 1"],
    ),
    "an area that is none": (
        segment(0, area="four"),
        ["1.png` must be of the areas .*, got 4 pixels for four of id 1"],
    ),
    "wrong box": (
        segment(1, bbox=[3, 0, 2, 1]),
        [r"panoptic/1.png` must be of the boxes .*, got \[3, 0, 1, 1\] for \[3, 0, 2, 1\] of id 2"],
    ),
    "another size in the JSON": (
        image(height=9),
        ["panoptic/1.png` must be 9x4 pixels as its JSON says, got 2x4"],
    ),
    "a size that is none": (
        image(height=-1),
        ["panoptic.json` must be one with whole heights .* for image 2"],
    ),
    "an id in the PNG only": (
        lambda content: content["annotations"][1]["segments_info"].pop(0),
        ["panoptic/1.png` must be made of ids that its JSON lists and 0, got id 1"],
    ),
    "an id in the JSON only": (
        lambda content: content["annotations"][1]["segments_info"].append({"id": 9, "category_id": 1}),
        ["panoptic/1.png` must be showing every segment its JSON lists, got no pixel of id 9"],
    ),
    "an id twice": (
        segment(2, id=2),
        [
            "json` must be without two segments of one id in a map, got 2 twice in 1.png",
            "lists and 0, got id 3",
        ],
    ),
    "id 0": (segment(0, id=0), [r"segment ids in \[1, 2\^31\), 0 is void, got 0 in 1.png", "0, got id 1"]),
    "a huge id": (segment(0, id=1 << 24), [r"segment ids below 2\^24, got 16777216 in 1.png", "0, got id 1"]),
    "an id that is a word": (segment(0, id="one"), [r"ids in .*, got 'one' in 1.png", "0, got id 1"]),
    "an unknown category": (
        segment(0, category_id=77),
        ["panoptic.json` must be made of the listed categories, got 77 for segment 1 of 1.png"],
    ),
    "a crowd of stuff": (
        segment(0, iscrowd=1),
        ["1.png` must be one with crowds of things only, got one of stuff 6"],
    ),
    "two crowds of a category": (
        segment(1, iscrowd=1),
        ["panoptic/1.png` must be one with one crowd a category, got several of 1"],
    ),
    "a crowd that is neither 0 nor 1": (
        segment(2, iscrowd=2),
        ["`iscrowd` 0 or 1, got 2 for segment 3 of 1.png"],
    ),
    "a score that is none": (
        segment(1, score=float("nan")),
        ["with finite scores, got nan for segment 2 of 1.png"],
    ),
    "an image twice": (
        annotation(image_id=1),
        [
            "panoptic.json` must be one with one map an image, got two of 1",
            "a map of every image, got none of 2",
        ],
    ),
    "an unknown image": (
        annotation(image_id=9),
        [
            "made of maps of listed images, got that of 1.png of image 9",
            "a map of every image, got none of 2",
            "data/images` must be a readable image",  # the photo of an image without a name is the folder
            "images/1.png` must be listed in panoptic.json",
        ],
    ),
    "two images of one id": (
        image(id=1),
        [
            "panoptic.json` must be without two images of one id, got 1 for 0.png and 1.png",
            "made of maps of listed images, got that of 1.png of image 2",
        ],
    ),
    "two images of one file": (
        image(file_name="0.png"),
        ["without two images of one file, got '0.png'", "images/1.png` must be listed in panoptic.json"],
    ),
    "one PNG for two images": (
        annotation(file_name="0.png"),
        ["panoptic/0.png` must be the map of one image, got several", "panoptic/1.png` must be listed in"],
    ),
    "an annotation that is none": (
        lambda content: content["annotations"].append(7),
        ["panoptic.json` must be one whose `annotations` are objects, got a number as number 3"],
    ),
    "a segment without a category": (
        lambda content: content["annotations"][1]["segments_info"][0].pop("category_id"),
        ["annotation 1` must be complete, got an entry without 'category_id'"],
    ),
    "an image without an id": (lambda content: content["images"].append({}), ["image 3` must be complete"]),
}


@pytest.mark.parametrize("kind", CONTRADICTIONS)
def test_what_the_json_says_wrongly_is_named(folder: Path, kind: str):
    change, wanted = CONTRADICTIONS[kind]
    content = json.loads((folder / "panoptic.json").read_text())
    change(content)
    (folder / "panoptic.json").write_text(json.dumps(content))
    found = problems_of(folder)
    for words in wanted:
        assert any(re.search(words, sentence) for sentence in found), found
    assert main(["inspect", str(folder)]) == 1


def break_file(name: str, content: bytes | None = None) -> Callable[[Path], None]:
    """Cut a file in the middle, or give it this content."""

    def change(folder: Path) -> None:
        path = folder / name
        path.write_bytes(path.read_bytes()[: path.stat().st_size // 2] if content is None else content)

    return change


BROKEN_FILES = {
    "a missing PNG": (lambda folder: (folder / "panoptic/1.png").unlink(), "panoptic/1.png` .* No such file"),
    "a PNG cut off": (break_file("panoptic/1.png"), "panoptic/1.png` must be a readable panoptic PNG"),
    "a PNG that is none": (break_file("panoptic/1.png", b"GIF"), "panoptic/1.png` must be a PNG, got"),
    "a PNG of another size": (
        lambda folder: Image.fromarray(ids_to_rgb(IDS[:1])).save(folder / "panoptic/1.png"),
        "panoptic/1.png` must be 2x4 pixels as its JSON says, got 1x4",
    ),
    "a grey PNG": (
        lambda folder: Image.new("L", (4, 2)).save(folder / "panoptic/1.png"),
        "panoptic/1.png` must be a PNG with 8-bit RGB colours",
    ),
    "a PNG of no image": (
        lambda folder: shutil.copy(folder / "panoptic/1.png", folder / "panoptic/x.png"),
        "panoptic/x.png` must be listed in panoptic.json",
    ),
    "a missing photo": (
        lambda folder: (folder / "images/1.png").unlink(),
        "images/1.png` must be an image, got no such file",
    ),
    "a photo cut off": (break_file("images/1.png"), "images/1.png` must be a readable image"),
    "a photo of another size": (
        lambda folder: Image.new("RGB", (4, 3)).save(folder / "images/1.png"),
        "images/1.png` must be 2x4 pixels like its map 1.png, got 3x4",
    ),
    "a photo of no image": (
        lambda folder: shutil.copy(folder / "images/1.png", folder / "images/x.png"),
        "images/x.png` must be listed in panoptic.json",
    ),
    "a JSON cut off": (break_file("panoptic.json"), "panoptic.json` must be a COCO panoptic JSON"),
    "a JSON without images": (
        break_file("panoptic.json", b"{}"),
        "one without categories, images, annotations",
    ),
}


@pytest.mark.parametrize("kind", BROKEN_FILES)
def test_each_broken_file_is_named_first_and_no_other(folder: Path, kind: str):
    change, words = BROKEN_FILES[kind]
    change(folder)
    first, *more = problems_of(folder)
    assert re.search(words, first), first
    assert all("/1.png" in sentence for sentence in more)  # a map of another size has other areas too


def test_what_is_right_is_counted_beside_what_is_wrong(folder: Path):
    break_file("panoptic/1.png")(folder)
    with pytest.raises(PartialFailure) as failure:
        inspect(str(folder))
    found = failure.value.result
    assert (found.num_images, found.num_pixels, dict(found.segments)) == (3, 16, {6: 2, 1: 4})


def test_many_wrong_segments_of_a_file_are_counted(tmp_path: Path):
    ids = np.arange(1, 13)[None]
    with CocoWriter(tmp_path / "panoptic.json", Categories.named("facades")) as writer:
        writer.add("a.png", PanopticMap(ids, [Segment(int(n), 1) for n in ids[0]]))
    (tmp_path / "images").mkdir()
    Image.new("RGB", (12, 1)).save(tmp_path / "images" / "a.png")
    content = json.loads((tmp_path / "panoptic.json").read_text())
    content["annotations"][0]["segments_info"] = []
    (tmp_path / "panoptic.json").write_text(json.dumps(content))
    (sentence,) = problems_of(tmp_path)
    assert sentence.endswith("id 7, id 8 and 4 more.")


def test_parts_and_the_official_layout_are_inspected(folder: Path, tmp_path: Path):
    """One broken part does not hide the other."""
    both = tmp_path / "both"
    shutil.copytree(folder, both / "train")
    shutil.copytree(folder, both / "val")
    (both / "train" / "panoptic.json").write_text("{")
    with pytest.raises(PartialFailure, match="train/panoptic.json` must be a COCO panoptic JSON") as failure:
        inspect(str(both))
    assert failure.value.result.num_images == 3
    official = tmp_path / "official"
    shutil.copytree(folder / "images", official / "val2017")
    shutil.copytree(folder / "panoptic", official / "annotations" / "panoptic_val2017")
    shutil.copy(folder / "panoptic.json", official / "annotations" / "panoptic_val2017.json")
    assert inspect(str(official)).num_images == 3
    assert inspect(str(folder / "panoptic.json")).num_images == 3


def test_predictions_which_have_no_photos_are_no_problem(folder: Path, capsys: Any):
    """What `predict` writes is whole without `images/`; that there are none is said."""
    shutil.rmtree(folder / "images")
    (folder / "overlays").mkdir()
    assert inspect(str(folder)).problems == []
    assert "No photos: there is no " in capsys.readouterr().out


def test_of_maps_that_cannot_be_read_nothing_else_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    """That nothing can be learned would be one sentence too many: the masks are whole, and say what to do."""
    mask = np.zeros((64, 64), np.uint8)
    mask[4:10, 4:10] = mask[30:40, 30:40] = 255
    for folder in ("images", "masks"):
        (tmp_path / folder).mkdir()
        Image.fromarray(mask).save(tmp_path / folder / "a.png")
    with pytest.raises(PartialFailure, match="--objects pieces"):
        inspect(str(tmp_path))
    assert "Nothing can be learned" not in capsys.readouterr().out


def test_a_folder_without_maps_is_refused(folder: Path, tmp_path: Path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ValueError, match="must be a data set folder with panoptic.json"):
        inspect(str(tmp_path / "empty"))
    with pytest.raises(ValueError, match="`workers` must be at least 1, got 0"):
        inspect(str(folder), workers=0)
    with pytest.raises(ValueError, match="sheet.xyz` must be a writable PNG or JPEG"):
        inspect(str(folder), sheet=str(tmp_path / "sheet.xyz"))
