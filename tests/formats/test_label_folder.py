"""Folders of label images as napari, cellpose, StarDist and ImageJ leave them: photos meet their labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import intarsia
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.label_checks import pieces_of
from intarsia.formats.label_folder import read_label_folder
from intarsia.formats.label_image import map_of_labels
from intarsia.formats.source import SourcePart
from intarsia.metrics import PanopticQuality
from intarsia.panoptic import Categories, PanopticMap
from intarsia.pictures.reading import read_image

CELLS = np.kron(np.array([[0, 1, 0], [2, 0, 3]]), np.ones((8, 8), int)).astype(np.uint16)
NOISE = np.random.default_rng(0).integers(0, 60, CELLS.shape, np.uint8)
"""A gray photo: as labels it would be 59 objects."""


def write(path: Path, values: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix in (".tif", ".tiff"):
        tifffile.imwrite(path, values, photometric="minisblack")
    else:
        Image.fromarray(values).save(path)
    return path


def pairs_of(part: SourcePart) -> dict[str, str | None]:
    return {one.name: one.image_path and one.image_path.name for one in part.maps}


def objects_of(one: PanopticMap) -> int:
    return sum(segment.category_id == 1 for segment in one.segments)


@pytest.mark.parametrize(
    ("photo", "labels"),
    [
        ("images/a.tif", "labels/a.tif"),
        ("images/a.png", "masks/a.tif"),
        ("images/a.jpg", "instances/a.png"),
        ("images/a.tif", "labels/a_labels.tif"),
        ("images/a.png", "masks/a_cp_masks.png"),
        ("a.tif", "a_labels.tif"),
        ("a.png", "a_masks.png"),
        ("a.jpg", "a_mask.tif"),
        ("a.tif", "a_label.tif"),
        ("a.png", "a_seg.png"),
        ("a.png", "a_cp_masks.tif"),
        ("a_img.png", "a_masks.png"),
        ("a.png", "masks/a_masks.png"),
        ("a.jpg", "a.png"),
        ("train/images/a.tif", "train/masks/a.tif"),
    ],
)
def test_a_photo_meets_its_labels(tmp_path: Path, photo: str, labels: str):
    for name in "ab":
        write(tmp_path / photo.replace("a.", f"{name}.").replace("a_img", f"{name}_img"), NOISE)
        head, _, tail = labels.rpartition("/")
        write(
            tmp_path / head / (name + tail[1:]), CELLS if labels.endswith("tif") else CELLS.astype(np.uint8)
        )
    [part] = read_label_folder(tmp_path)
    assert part.name == ("train" if photo.startswith("train") else "")
    assert pairs_of(part) == {name: name + Path(photo).name[1:] for name in "ab"}
    assert part.unlabelled == ()
    assert [objects_of(one.read()) for one in part.maps] == [3, 3]


def test_cellposes_folder_has_its_images_and_no_other(tmp_path: Path):
    """Two photos, their masks, and what cellpose leaves beside them: 2 images of 3 objects."""
    for name in "ab":
        write(tmp_path / f"{name}.tif", NOISE)
        write(tmp_path / f"{name}_cp_masks.tif", CELLS)
        write(tmp_path / f"{name}_flows.tif", NOISE)
        write(tmp_path / f"{name}_outlines.png", NOISE)
        (tmp_path / f"{name}_seg.npy").write_bytes(b"a pickle")
        (tmp_path / f"._{name}.tif").write_bytes(b"macOS")
    write(tmp_path / "c.tif", NOISE)
    [part] = read_label_folder(tmp_path)
    assert pairs_of(part) == {"a": "a.tif", "b": "b.tif"}
    assert [objects_of(one.read()) for one in part.maps] == [3, 3]
    assert [path.name for path in part.unlabelled] == ["c.tif"]


def test_by_products_in_a_folder_of_labels_are_named(tmp_path: Path):
    write(tmp_path / "masks" / "a_cp_masks.png", CELLS.astype(np.uint8))
    write(tmp_path / "masks" / "a_cp_outlines.png", NOISE)
    write(tmp_path / "images" / "b.png", NOISE)
    [part] = read_label_folder(tmp_path)
    assert pairs_of(part) == {"a": None}
    assert [(path.name, why) for path, why in part.left_out] == [("a_cp_outlines.png", "a by-product")]
    assert [path.name for path in part.unlabelled] == ["b.png"]


def test_cellposes_own_files_are_refused_with_what_to_export(tmp_path: Path):
    write(tmp_path / "images" / "a.tif", NOISE)
    (tmp_path / "images" / "a_seg.npy").write_bytes(b"a pickle")
    (tmp_path / "labels").mkdir()
    with pytest.raises(
        InputError, match=r"got cellpose's own \*_seg.npy. In cellpose: File, Save masks as PNG"
    ):
        read_label_folder(tmp_path)


def test_photos_beside_cellposes_own_files_are_no_labels(tmp_path: Path):
    """One folder as cellpose's window leaves it, before anything is exported."""
    write(tmp_path / "a.tif", NOISE)
    (tmp_path / "a_seg.npy").write_bytes(b"a pickle")
    sentence = r"got cellpose's own \*_seg.npy. In cellpose: File, Save masks as PNG"
    for use in (lambda folder: intarsia.convert("labels", folder, f"{folder}-out"), intarsia.inspect):
        with pytest.raises(InputError, match=sentence):
            use(str(tmp_path))


def test_pages_of_labels_belong_to_pages_of_the_photo(tmp_path: Path):
    write(tmp_path / "images" / "a.tif", np.stack([NOISE, NOISE + 1, NOISE + 2]))
    write(tmp_path / "labels" / "a.tif", np.stack([CELLS, 0 * CELLS, CELLS]))
    [part] = read_label_folder(tmp_path)
    assert [(one.name, one.image_page) for one in part.maps] == [("a_0000", 0), ("a_0001", 1), ("a_0002", 2)]
    assert [objects_of(one.read()) for one in part.maps] == [3, 0, 3]
    write(tmp_path / "labels" / "a.tif", np.stack([CELLS, CELLS]))
    with pytest.raises(InputError, match="a.tif` must be a picture of 2 pages like its labels a.tif, got 3"):
        read_label_folder(tmp_path)


def test_one_page_of_labels_belongs_to_the_page_that_is_chosen(tmp_path: Path):
    write(tmp_path / "images" / "a.tif", np.stack([NOISE, NOISE + 1, NOISE + 2]))
    write(tmp_path / "labels" / "a.tif", CELLS)
    write(tmp_path / "images" / "b.tif", NOISE)
    write(tmp_path / "labels" / "b.tif", CELLS)
    [part] = read_label_folder(tmp_path)
    [record, _] = part.maps
    assert np.array_equal(record.with_view(page=2).read_photo(), read_image(record.image_path or "", page=2))
    with pytest.raises(InputError, match=r"got 3 pages. Choose one with `page`, 0 to 2"):
        record.read_photo()
    with pytest.raises(
        PartialFailure, match=r"a.tif` must be .*, got 3 pages. Choose one with `page`, 0 to 2"
    ):
        intarsia.convert("labels", str(tmp_path), str(tmp_path / "out"))


def test_names_that_are_there_twice_are_refused(tmp_path: Path):
    write(tmp_path / "labels" / "a.png", CELLS.astype(np.uint8))
    write(tmp_path / "labels" / "a_masks.tif", CELLS)
    with pytest.raises(
        InputError, match="a_masks.tif` must be the only file of its name and kind, got a.png"
    ):
        read_label_folder(tmp_path)
    (tmp_path / "masks").mkdir()
    with pytest.raises(InputError, match="with one of labels/, masks/ and instances/, got labels and masks"):
        read_label_folder(tmp_path)


def test_a_photo_is_no_label_image(tmp_path: Path):
    write(tmp_path / "a.png", NOISE)
    [part] = read_label_folder(tmp_path)
    with pytest.raises(
        InputError, match=r"a.png` must be a label image, .* looks like a photo \(59 values in"
    ):
        part.maps[0].read()


def test_ten_thousand_objects_of_one_pixel_are_labels(tmp_path: Path):
    write(tmp_path / "a.tif", np.arange(100 * 100, dtype=np.uint16).reshape(100, 100))
    [part] = read_label_folder(tmp_path)
    assert len(part.maps[0].read().segments) == 100 * 100


@pytest.mark.parametrize("value", [1, 255])
def test_a_mask_is_refused_until_somebody_says_what_its_pieces_are(tmp_path: Path, value: int):
    mask = np.zeros((9, 9), np.uint8)
    mask[1:4, 1:4] = mask[6:8, 6:8] = mask[4, 4] = value
    write(tmp_path / "a.png", mask)
    [part] = read_label_folder(tmp_path)
    with pytest.raises(InputError, match=f"got a mask of 0 and {value} in 2 pieces. With `--objects pieces`"):
        part.maps[0].read()
    [pieces] = read_label_folder(tmp_path, objects="pieces")
    assert objects_of(pieces.maps[0].read()) == 2  # the third square touches the first at a corner
    [labels] = read_label_folder(tmp_path, objects="labels")
    assert objects_of(labels.maps[0].read()) == 1
    mask[6:8, 6:8] = 0
    write(tmp_path / "a.png", mask)
    assert objects_of(part.maps[0].read()) == 1  # one piece is one object


def test_pieces_are_those_of_a_slow_count():
    """Flood each label from its first pixel, over edges and corners."""
    labels = np.random.default_rng(1).integers(0, 3, (12, 9))
    expected, number = np.zeros_like(labels), 0
    for start in np.ndindex(labels.shape):
        if labels[start] == 0 or expected[start]:
            continue
        number += 1
        waiting = [start]
        while waiting:
            r, c = waiting.pop()
            inside = 0 <= r < 12 and 0 <= c < 9
            if inside and labels[r, c] == labels[start] and not expected[r, c]:
                expected[r, c] = number
                waiting += [(r + y, c + x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    assert np.array_equal(pieces_of(labels), expected)


def test_background_is_stuff_by_default_void_or_a_name(tmp_path: Path):
    write(tmp_path / "a.tif", CELLS)
    [part] = read_label_folder(tmp_path)
    assert [(row.name, row.is_thing) for row in part.categories] == [("object", True), ("background", False)]
    assert (part.maps[0].read().ids > 0).all()
    [void] = read_label_folder(tmp_path, background="void")
    assert void.categories.names == ("object",)
    assert np.array_equal(void.maps[0].read().ids, CELLS)
    [named] = read_label_folder(tmp_path, background="agar")
    assert named.categories.names == ("object", "agar")
    with pytest.raises(InputError, match="`background` must be the name of a stuff category, got 'object'"):
        read_label_folder(tmp_path, background="object")


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        ('{"1": "window", "2": "car", "3": "shop"}', [11]),
        ('{"0": "facade", "1": "window", "2": "car", "3": "shop"}', [6]),
        ('{"0": null, "1": "window", "2": "car", "3": "shop"}', []),
    ],
)
def test_a_category_map_says_what_background_is(tmp_path: Path, labels: str, names: list[int]):
    write(tmp_path / "a.tif", CELLS)
    (tmp_path / "category_map.json").write_text(f'{{"categories": "facades", "labels": {labels}}}')
    [part] = read_label_folder(tmp_path)
    segments = part.maps[0].read().segments
    assert [segment.category_id for segment in segments] == [1, 3, 4, *names]


def test_thirty_false_cells_of_thirty_six_are_not_perfect():
    """Six cells are found, thirty more are not there: PQ of things 6 / (6 + 30/2) = 28.6."""
    truth, prediction = np.zeros((60, 60), int), np.zeros((60, 60), int)
    for n in range(36):
        row, column = 10 * (n // 6), 10 * (n % 6)
        prediction[row : row + 5, column : column + 5] = n + 1
        if n < 6:
            truth[row : row + 5, column : column + 5] = n + 1
    rows = Categories.from_coco(
        [{"id": 1, "name": "object", "isthing": 1}, {"id": 2, "name": "background", "isthing": 0}]
    )
    quality = PanopticQuality(rows)
    quality.update(map_of_labels(prediction), map_of_labels(truth))
    assert quality.compute().things.pq == pytest.approx(6 / 21)
