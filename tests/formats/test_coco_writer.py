"""Every map that is added is on disk afterwards, under a name and an id of its own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from intarsia.categories import Categories
from intarsia.errors import InputError
from intarsia.formats.coco import CocoWriter, read_coco, read_map
from intarsia.panoptic import PanopticMap, Segment

FACADES = Categories.named("facades")


def map_of_size(width: int) -> PanopticMap:
    return PanopticMap(np.ones((1, width), int), [Segment(1, 1)])


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["a.jpg", "a.png"], ["a.png", "a-2.png"]),
        (["x/y.png", "x_y.png", "x/y.jpg"], ["x_y.png", "x_y-2.png", "x_y-3.png"]),
        (["A.jpg", "a.jpg"], ["A.png", "a-2.png"]),
        (["a.png", "a-2.png", "a.jpg"], ["a.png", "a-2.png", "a-3.png"]),
    ],
)
def test_two_images_whose_maps_would_have_one_name_keep_both(
    tmp_path: Path, names: list[str], files: list[str]
):
    with CocoWriter(tmp_path / "panoptic.json", FACADES) as writer:
        for width, name in enumerate(names, start=1):
            assert writer.add(name, map_of_size(width)) == tmp_path / "panoptic" / files[width - 1]
    records = read_coco(tmp_path / "panoptic.json").records
    assert [record.image_file for record in records] == names
    assert [read_map(record, tmp_path / "panoptic").size[1] for record in records] == [
        *range(1, len(names) + 1)
    ]


def test_ids_that_are_given_and_ids_that_are_not_never_meet(tmp_path: Path):
    with CocoWriter(tmp_path / "panoptic.json", FACADES) as writer:
        for name, id in (("a", 2), ("b", None), ("c", "x"), ("d", None), ("e", None)):
            writer.add(f"{name}.jpg", map_of_size(1), image_id=id)
        with pytest.raises(ValueError, match="`image_id` must be of one image only, got 2 again for f.jpg"):
            writer.add("f.jpg", map_of_size(1), image_id=np.int64(2))
    records = read_coco(tmp_path / "panoptic.json").records
    assert [record.image_id for record in records] == [2, 3, "x", 4, 5]


def test_a_name_that_is_too_long_fails_alone(tmp_path: Path):
    """250 letters fit; folders that become part of the name do not, and the rest is kept."""
    long = "m" * 250
    with CocoWriter(tmp_path / "panoptic.json", FACADES) as writer:
        writer.add("a.jpg", map_of_size(1))
        writer.add(f"{long}.jpg", map_of_size(2))
        with pytest.raises(
            InputError, match="must be a name short enough for its PNG to be written, got 261"
        ):
            writer.add(f"folder/{long}.jpg", map_of_size(3))
        writer.add(f"{'家' * 80}.jpg", map_of_size(4))
    records = read_coco(tmp_path / "panoptic.json").records
    assert [read_map(record, tmp_path / "panoptic").size[1] for record in records] == [1, 2, 4]
    assert len(list((tmp_path / "panoptic").iterdir())) == 3


def test_a_name_that_is_none_is_refused(tmp_path: Path):
    writer = CocoWriter(tmp_path / "panoptic.json", FACADES)
    with pytest.raises(ValueError, match="`file_name` must be the name of an image, got ''"):
        writer.add("", map_of_size(1))


def test_a_folder_of_maps_that_leads_elsewhere_is_refused(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "panoptic").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(
        ValueError, match="out/panoptic` must be a folder of its own, got a link to .*elsewhere"
    ):
        CocoWriter(tmp_path / "out" / "panoptic.json", FACADES)
    given = CocoWriter(tmp_path / "out" / "panoptic.json", FACADES, folder=tmp_path / "out" / "panoptic")
    assert given.add("a.jpg", map_of_size(1)).is_file()
    (tmp_path / "out" / "panoptic").unlink()
    (tmp_path / "out" / "inside").mkdir()
    (tmp_path / "out" / "panoptic").symlink_to("inside")
    CocoWriter(tmp_path / "out" / "panoptic.json", FACADES)
