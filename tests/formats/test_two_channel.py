"""panopticapi's two-channel PNGs, made by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from intarsia.commands.convert import convert
from intarsia.formats.coco import read_coco
from intarsia.formats.two_channel import read_two_channel
from tests.formats.layout_files import photo, save, shown

PIXELS = [[(1, 0, 0), (1, 1, 0), (1, 255, 0)], [(184, 0, 0), (184, 0, 0), (0, 0, 0)]]
"""Two persons and a crowd of them, trees, and nothing."""
SHOWN = [("person", False, 1), ("person", False, 1), ("person", True, 1), ("tree-merged", False, 2)]


def test_categories_are_cocos_where_no_json_lists_others(tmp_path: Path):
    save(tmp_path / "maps" / "000000142238.png", PIXELS)
    [part] = read_two_channel(tmp_path / "maps")
    assert shown(part) == SHOWN


def test_jsons_beside_the_folder_say_what_ids_and_categories_are(tmp_path: Path):
    save(tmp_path / "maps" / "000000142238.png", PIXELS)
    photo(tmp_path / "input_images" / "000000142238.jpg", 2, 3)
    rows = [{"id": 1, "name": "bee", "isthing": 1}, {"id": 184, "name": "hive", "isthing": 0}]
    (tmp_path / "a_categories.json").write_text(json.dumps(rows))
    images = [{"id": 142238, "file_name": "000000142238.jpg"}]
    (tmp_path / "b_images.json").write_text(json.dumps({"images": images}))
    out = convert("two-channel", str(tmp_path / "maps"), str(tmp_path / "out"))
    content = read_coco(out / "panoptic.json")
    assert content.categories.names == ("bee", "hive")
    assert content.records[0].image_id == 142238
    assert (out / "images" / "000000142238.jpg").is_file()


@pytest.mark.parametrize(
    ("pixels", "sentence"),
    [
        ([[(1, 0, 7)]], "a PNG of two channels, its blue 0, got blue up to 7"),
        ([[(250, 0, 0)]], "got 250"),
    ],
)
def test_other_pictures_are_refused(tmp_path: Path, pixels: list, sentence: str):
    save(tmp_path / "a.png", pixels)
    [part] = read_two_channel(tmp_path)
    with pytest.raises(ValueError, match=sentence):
        part.maps[0].read()


def test_a_png_of_gray_is_refused(tmp_path: Path):
    Image.fromarray(np.ones((2, 2), np.uint8)).save(tmp_path / "a.png")
    [part] = read_two_channel(tmp_path)
    with pytest.raises(ValueError, match="a PNG of RGB, got one of mode L"):
        part.maps[0].read()
