"""Files of labels as people's tools leave them: one answer at every door, the right one or a sentence."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import intarsia
from intarsia.cli import main
from intarsia.commands.convert import convert
from intarsia.commands.evaluate import evaluate
from intarsia.commands.inspect import inspect
from intarsia.data.dataset import PanopticDataset
from intarsia.data.learnable import check_learnable
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco import CocoWriter, read_coco, read_map
from intarsia.formats.label_checks import check_not_resized
from intarsia.panoptic import Categories, PanopticMap, Segment

CELLS = np.kron(np.array([[0, 1, 0], [2, 0, 3]]), np.ones((32, 32), int)).astype(np.uint8)
PHOTO = np.random.default_rng(0).integers(0, 255, (*CELLS.shape, 3), np.uint8)
COLORS = np.array([[0, 0, 0, 0], [255, 0, 0, 255], [0, 255, 0, 255], [0, 0, 255, 255]], np.uint8)
Write = Callable[[Path], object]


def labels_in(folder: Path, write: Write, *, photo: np.ndarray = PHOTO) -> Path:
    """A folder of one photo and of what `write` puts into `labels/`."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    Image.fromarray(photo).save(folder / "images" / "a.png")
    write(folder / "labels")
    return folder


def through_every_door(folder: Path, out: Path) -> list[int]:
    """How many objects conversion, training, inspection and evaluation see."""
    convert("labels", str(folder), str(out), strict=True)
    [record] = read_coco(out / "panoptic.json").records
    converted = read_map(record, out / "panoptic")
    dataset = PanopticDataset(folder)
    check_learnable(dataset)
    counts = [
        sum(s.category_id == 1 for s in segments) for segments in (converted.segments, dataset[0].segments)
    ]
    report = evaluate(str(folder), str(out))
    assert report.all.pq == 1
    return [
        *counts,
        inspect(str(folder)).segments[1],
        report.per_category[1].tp,
    ]


def palette(file: Path) -> None:
    image = Image.fromarray(CELLS).convert("P")
    image.putdata(CELLS.ravel().tolist())
    image.putpalette(COLORS[:, :3].ravel().tolist())
    image.save(file, transparency=0)


def beside(folder: Path, *names: str) -> None:
    """Cells, and files of a system beside labels and photos."""
    Image.fromarray(CELLS).save(folder / "a.png")
    for place in (folder, folder.parent / "images"):
        for name in names:
            (place / name).write_bytes(b"\0\5\26\7")


READ: dict[str, Write] = {
    "a colour map in a TIFF": lambda to: tifffile.imwrite(
        to / "a.tif", CELLS, photometric="palette", colormap=np.arange(768, dtype=np.uint16).reshape(3, 256)
    ),
    "a palette with a transparent background": lambda to: palette(to / "a.png"),
    "a GIF with a transparent background": lambda to: palette(to / "a.gif"),
    "RGBA that is gray and opaque": lambda to: Image.fromarray(
        np.dstack([CELLS] * 3 + [np.full_like(CELLS, 255)])
    ).save(to / "a.png"),
    "a PNG that is called a TIFF": lambda to: Image.fromarray(CELLS).save(to / "a.tif", format="PNG"),
    "64-bit labels": lambda to: tifffile.imwrite(to / "a.tif", CELLS.astype(np.uint64)),
    "float labels that are whole": lambda to: tifffile.imwrite(to / "a.tif", CELLS.astype(np.float64)),
    "files of macOS and Windows beside them": lambda to: beside(
        to, "._a.png", ".DS_Store", "Thumbs.db", "desktop.ini"
    ),
}


@pytest.mark.parametrize("kind", READ)
def test_labels_are_read_alike_at_every_door(tmp_path: Path, kind: str):
    folder = labels_in(tmp_path / "in", READ[kind])
    assert through_every_door(folder, tmp_path / "out") == [3, 3, 3, 3]


def test_a_mask_of_one_bit_is_one_object(tmp_path: Path):
    folder = labels_in(tmp_path / "in", lambda to: Image.fromarray(CELLS == 1).save(to / "a.png"))
    assert through_every_door(folder, tmp_path / "out") == [1, 1, 1, 1]


def resized(labels: np.ndarray) -> np.ndarray:
    """As an image editor does it, back to the size of the photo."""
    small = Image.fromarray(labels).resize((70, 50), Image.Resampling.NEAREST)
    return np.asarray(small.resize(labels.shape[::-1], Image.Resampling.BILINEAR))


def archive(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive_file:
        archive_file.writestr("a.tif", b"")


NPY = b"\x93NUMPY\x01\x00" + bytes(120)
WHOLE = r"whole numbers from 0 to 2\^31 - 1, got "
REFUSED: dict[str, tuple[Write, str]] = {
    "a ZIP that is called a TIFF": (lambda to: archive(to / "a.tif"), "got a ZIP archive. Unpack it"),
    "colours": (
        lambda to: Image.fromarray(COLORS[CELLS][..., :3]).save(to / "a.png"),
        "3 channels of colour",
    ),
    "colours on a transparent ground": (
        lambda to: Image.fromarray(COLORS[CELLS]).save(to / "a.png"),
        "4 channels of colour",
    ),
    "gray with alpha": (
        lambda to: Image.fromarray(np.dstack([CELLS, 255 * (CELLS > 0).astype(np.uint8)])).save(to / "a.png"),
        "2 channels of colour",
    ),
    "a mask that was resized": (
        lambda to: Image.fromarray(resized(255 * (CELLS > 0).astype(np.uint8))).save(to / "a.png"),
        "rims of numbers in between, as resizing with interpolation leaves. Resize label",
    ),
    "labels that were resized": (
        lambda to: Image.fromarray(resized(CELLS * 60)).save(to / "a.png"),
        "rims of numbers in between",
    ),
    "-1 for void": (lambda to: tifffile.imwrite(to / "a.tif", CELLS.astype(np.int16) - 1), WHOLE + "-1"),
    "numbers that are none": (
        lambda to: tifffile.imwrite(to / "a.tif", np.where(CELLS == 3, np.nan, CELLS).astype(np.float32)),
        WHOLE + "nan",
    ),
    "complex numbers": (
        lambda to: tifffile.imwrite(to / "a.tif", CELLS.astype(np.complex64)),
        WHOLE + "complex64 pixels",
    ),
    "an empty file": (lambda to: (to / "a.png").touch(), "a readable label image, got an empty file"),
    "a pointer of Git LFS": (
        lambda to: (to / "a.png").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:3f2a\n"),
        "got a pointer of Git LFS. Fetch the files with: git lfs pull",
    ),
    "an array": (lambda to: (to / "a.tif").write_bytes(NPY), "got a NumPy array. Save it as TIFF"),
    "a link to a file that was not fetched": (
        lambda to: (to / "a.png").symlink_to("../.git/annex/a.png"),
        r"a readable label image, got No such file|missing: 1 of 1 map, got \S+/labels/a\.png",
    ),
    "animated": (
        lambda to: Image.fromarray(CELLS).save(
            to / "a.gif", save_all=True, append_images=[Image.fromarray(CELLS + 1)]
        ),
        "2 frames of an animation",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_holds_no_labels_is_refused_in_one_sentence_at_every_door(tmp_path: Path, kind: str):
    write, sentence = REFUSED[kind]
    folder = labels_in(tmp_path / "in", write)
    doors = (
        lambda: convert("labels", str(folder), str(tmp_path / "out")),
        lambda: check_learnable(PanopticDataset(folder)),
        lambda: PanopticDataset(folder)[0],
        lambda: inspect(str(folder)),
        lambda: evaluate(str(folder), str(folder)),
    )
    for door in doors:
        with pytest.raises((InputError, PartialFailure), match=sentence):
            door()


def test_objects_of_few_pixels_and_thin_ones_are_not_taken_for_rims(tmp_path: Path):
    """Lines of one pixel between cells, a thousand dots, and cells that touch."""
    lines = np.kron(np.arange(1, 13).reshape(3, 4), np.ones((20, 20), int))
    lines[19::20], lines[:, 19::20] = 13, 14
    dots = np.zeros((100, 100), int)
    dots[::3, ::3] = np.arange(1, 34 * 34 + 1).reshape(34, 34)
    touching = np.kron(np.arange(1, 65).reshape(8, 8), np.ones((3, 3), int))
    for labels in (lines, dots, touching):
        check_not_resized(labels, tmp_path / "a.png")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1", "a pointer of Git LFS. Fetch the files"),
        (b"%PDF-1.7", "a PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a text of XML or HTML"),
    ],
)
def test_what_is_no_photo_is_called_what_it_is(tmp_path: Path, content: bytes, words: str):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=f"a.png` must be a readable image, got {words}"):
        intarsia.predict((str(tmp_path / "a.png"),), model="nuclei", out=str(tmp_path / "out"))


def test_photos_that_were_not_fetched_are_named(tmp_path: Path, capsys):
    folder = labels_in(tmp_path / "in", lambda to: Image.fromarray(CELLS).save(to / "a.png"))
    (folder / "images" / "b.png").symlink_to("../.git/annex/b.png")
    with pytest.raises(PartialFailure, match=r"photos without one: 1, got none of b\.png"):
        convert("labels", str(folder), str(tmp_path / "out"))
    words = ["predict", str(folder / "images"), "--model", "nuclei", "--out", str(tmp_path / "found")]
    assert main(words) == 1
    assert "b.png` must be an image, got no such file" in capsys.readouterr().err


NO_UTF8 = os.fsdecode(b"B\xe4ume.png")
"""A name out of an old archive, of which the disk keeps the bytes."""


@pytest.mark.skipif(os.name == "nt", reason="names are bytes elsewhere")
def test_names_that_are_no_utf8_go_through_every_command(tmp_path: Path):
    folder = labels_in(tmp_path / "in", lambda to: Image.fromarray(CELLS).save(to / NO_UTF8))
    try:
        (folder / "images" / "a.png").rename(folder / "images" / NO_UTF8)
    except OSError:
        pytest.skip("this disk refuses such names")
    assert through_every_door(folder, tmp_path / "out") == [3, 3, 3, 3]
    out = tmp_path / "found"
    outputs = ["coco", "labels", "table", "geojson", "instances"]
    words = ["predict", str(folder / "images"), "--model", "nuclei", "--out", str(out), "--write", *outputs]
    assert main(words) == 0
    assert os.fsencode(NO_UTF8) in (out / "segments.csv").read_bytes()
    assert read_coco(out / "panoptic.json").records[0].image_file == NO_UTF8
    truth = read_coco(tmp_path / "out" / "panoptic.json")
    with CocoWriter(tmp_path / "none.json", truth.categories) as writer:
        ground = PanopticMap(np.ones(CELLS.shape, int), [Segment(1, 2)])
        writer.add(NO_UTF8, ground, image_id=truth.records[0].image_id)
    words = ["evaluate", "--truth", str(tmp_path / "out"), "--prediction", str(tmp_path / "none.json")]
    assert main([*words, "--report", str(tmp_path / "report")]) == 0
    assert os.fsencode(NO_UTF8) in (tmp_path / "report" / "index.html").read_bytes()


def test_folders_of_other_names_are_listed_with_the_names_that_are_known(tmp_path: Path):
    folder = labels_in(tmp_path / "in", lambda to: Image.fromarray(CELLS).save(to / "a.png"))
    for name in ("images", "labels"):
        (folder / name).rename(folder / name.upper())
    sentence = (
        r"got one with IMAGES, LABELS\. Labels are looked for in labels/, masks/, instances/, photos in"
    )
    for door in (
        lambda: convert("labels", str(folder), str(tmp_path / "out")),
        lambda: evaluate(str(folder), str(folder)),
    ):
        with pytest.raises(InputError, match=sentence):
            door()


def test_keys_of_a_category_map_are_whole_numbers(tmp_path: Path):
    folder = labels_in(tmp_path / "in", lambda to: Image.fromarray(CELLS).save(to / "a.png"))
    for key, sentence in (("1.0", None), ("1.5", "`labels` must be whole numbers, got '1.5'")):
        table = {"categories": "nuclei", "labels": {"0": 2, key: 1, "2": 1, "3": 1}}
        (folder / "category_map.json").write_text(json.dumps(table))
        if sentence is None:
            assert through_every_door(folder, tmp_path / "out") == [3, 3, 3, 3]
            continue
        with pytest.raises(InputError, match=sentence):
            convert("labels", str(folder), str(tmp_path / "out"))


def coco_panoptic(folder: Path) -> dict[str, list[dict[str, object]]]:
    """The JSON of a data set of one image."""
    (folder / "images").mkdir(parents=True)
    Image.fromarray(PHOTO).save(folder / "images" / "a.png")
    one = PanopticMap(CELLS.astype(np.int32) + 1, [Segment(1, 2), *(Segment(n, 1) for n in (2, 3, 4))])
    with CocoWriter(folder / "panoptic.json", Categories.named("nuclei")) as writer:
        writer.add("a.png", one, image_id=1)
    return json.loads((folder / "panoptic.json").read_text())


def test_images_that_a_json_lists_without_a_map_are_counted(tmp_path: Path):
    content = coco_panoptic(tmp_path / "in")
    content["images"].append({"id": 2, "file_name": "b.png", "height": 4, "width": 4})
    (tmp_path / "in" / "panoptic.json").write_text(json.dumps(content))
    with pytest.raises(PartialFailure, match=r"photos without one: 1, got none of b\.png"):
        convert("coco", str(tmp_path / "in"), str(tmp_path / "out"))
    assert check_learnable(PanopticDataset(tmp_path / "in")).startswith("Without labels: 1 photo")
    with pytest.raises(PartialFailure, match="a map of every image, got none of 2"):
        inspect(str(tmp_path / "in"))


def test_maps_of_images_that_an_empty_list_does_not_have_are_refused(tmp_path: Path):
    content = {**coco_panoptic(tmp_path / "in"), "images": []}
    (tmp_path / "in" / "panoptic.json").write_text(json.dumps(content))
    for door in (
        lambda: convert("coco", str(tmp_path / "in"), str(tmp_path / "out")),
        lambda: PanopticDataset(tmp_path / "in"),
        lambda: inspect(str(tmp_path / "in")),
    ):
        with pytest.raises(
            (InputError, PartialFailure), match="maps of listed images, got that of a.png of image 1"
        ):
            door()
