"""All of ADE20K, made by hand as the archives of 2017 and 2021 are laid out."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from intarsia.commands.convert import convert
from intarsia.commands.evaluate import evaluate
from intarsia.commands.inspect import inspect
from intarsia.formats.ade20k_full import read_ade20k_full
from intarsia.formats.coco import read_coco, read_map
from intarsia.formats.layout import format_of
from tests.formats.layout_files import shown

NAMES = {300: "building, edifice", 1831: "person, individual", 2420: "sky", 3000: "zebra"}
PERSON, SKY, BUILDING = 1831, 2420, 300


def color(category: int, instance: int) -> tuple[int, int, int]:
    return category // 256 * 10, category % 256, instance


PIXELS = np.array(
    [
        [color(SKY, 5), color(SKY, 9), color(BUILDING, 20), color(BUILDING, 31)],
        [color(PERSON, 8), color(PERSON, 8), color(PERSON, 15), (0, 0, 0)],
    ],
    np.uint8,
)
"""Two skies and two buildings, which are stuff, two persons, and nothing."""
PERSONS = [("person, individual", False, n) for n in (1, 2)]
EXPECTED = [("building, edifice", False, 2), *PERSONS, ("sky", False, 2)]


def write_picture(folder: Path, stem: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    Image.fromarray(PIXELS).save(folder / f"{stem}_seg.png")
    Image.fromarray(PIXELS).save(folder / f"{stem}_parts_1.png")
    Image.new("RGB", (4, 2), (9, 9, 9)).save(folder / f"{stem}.jpg")


def of_2017(root: Path) -> Path:
    write_picture(root / "images/training/s/street", "ADE_train_00000001")
    write_picture(root / "images/validation/o/office/indoor", "ADE_val_00000001")
    names = np.array([NAMES.get(n, f"name {n}") for n in range(1, 3001)], object)
    savemat(root / "index_ade20k.mat", {"index": {"objectnames": names, "filename": names[:2]}})
    return root


def of_2021(root: Path) -> Path:
    place = root / "images/ADE/training/urban/street"
    write_picture(place, "ADE_train_00000001")
    rows = [{"id": n, "name": name, "name_ndx": n} for n, name in NAMES.items()]
    part = {"id": 9, "name": "door", "name_ndx": 774, "parts": {"part_level": 1}}
    content = {"annotation": {"object": [*rows, part]}}
    (place / "ADE_train_00000001.json").write_text(json.dumps(content))
    return root


@pytest.mark.parametrize("write", [of_2017, of_2021])
def test_each_pixel_has_the_category_and_the_instance_of_its_colour(tmp_path: Path, write):
    root = write(tmp_path / "ade")
    assert format_of(root) == "ade20k-full"
    parts = read_ade20k_full(root)
    assert parts[0].name == "train"
    for part in parts:
        assert shown(part) == EXPECTED
        assert part.maps[0].has_photo
        assert not inspect(str(root)).problems


def test_names_of_parts_are_no_categories(tmp_path: Path):
    [part] = read_ade20k_full(of_2021(tmp_path))
    assert part.categories.names == tuple(NAMES.values())


def test_three_thousand_categories_go_all_the_way(tmp_path: Path):
    """Converted to three formats and back, and evaluated against themselves."""
    out = convert("ade20k-full", str(of_2017(tmp_path / "ade")), str(tmp_path / "0"))
    formats = ["coco", "semantic-instances", "label-divisor", "coco-instances", "coco"]
    for n, (source, to) in enumerate(pairwise(formats), start=1):
        out = convert(source, str(out), str(tmp_path / str(n)), to=to)
    content = read_coco(out / "train" / "panoptic.json")
    assert len(content.categories) == 3000
    one = read_map(content.records[0], out / "train" / "panoptic")
    names = [content.categories[content.categories.index_of(s.category_id)].name for s in one.segments]
    assert sorted(names) == [name for name, *_ in EXPECTED]
    index = content.categories.index_of(SKY)
    semantic = one.semantic(content.categories)
    assert semantic[0, 0] == index > 255
    assert semantic[1, 3] == 65535
    report = evaluate(tmp_path / "0" / "train", out / "train", also=("iou", "boundary", "errors"))
    assert report.all.pq == 1
    assert report.all.n == 3


def test_without_names_it_is_refused(tmp_path: Path):
    root = of_2017(tmp_path / "ade")
    (root / "index_ade20k.mat").unlink()
    with pytest.raises(ValueError, match=r"what its categories are called, got none\. It is in the data set"):
        read_ade20k_full(root)
    (root / "index_ade20k.mat").write_bytes(b"no such thing")
    with pytest.raises(ValueError, match=r"index_ade20k\.mat` must be the index of ADE20K, got"):
        read_ade20k_full(root)


def test_a_number_without_a_name_is_refused(tmp_path: Path):
    root = of_2021(tmp_path)
    [path] = root.rglob("*.json")
    path.write_text(json.dumps({"annotation": {"object": [{"name": "sky", "name_ndx": SKY}]}}))
    [part] = read_ade20k_full(root)
    with pytest.raises(ValueError, match="must be one of"):
        part.maps[0].read()
