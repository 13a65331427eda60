"""Folders of label images are evaluated as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from intarsia.cli import main
from intarsia.errors import InputError
from intarsia.formats.as_coco import as_coco_json
from tests.formats.written_maps import write_coco


def write_cells(path: Path, count: int) -> None:
    """The first cells of a grid of 36, 5x5 pixels each."""
    cells = np.zeros((60, 60), np.uint16)
    for n in range(count):
        row, column = 10 * (n // 6), 10 * (n % 6)
        cells[row : row + 5, column : column + 5] = n + 1
    path.parent.mkdir(parents=True, exist_ok=True)
    tifffile.imwrite(path, cells)


@pytest.mark.parametrize(
    "places", [("truth/{}.tif", "found/{}_cp_masks.tif"), ("t/masks/{}.tif", "f/labels/{}.tif")]
)
def test_two_folders_of_label_images_are_compared(tmp_path: Path, places: tuple[str, str], capsys):
    """Of 36 cells found 6 are true: PQ 6 / (6 + 30/2) = 28.57 for things, in each of two images."""
    for name in "ab":
        write_cells(tmp_path / places[0].format(name), 6)
        write_cells(tmp_path / places[1].format(name), 36)
    truth, found = (tmp_path / Path(place).parts[0] for place in places)
    out = tmp_path / "quality.json"
    assert main(["evaluate", "--truth", str(truth), "--prediction", str(found), "--json", str(out)]) == 0
    things = json.loads(out.read_text())["Things"]
    assert things["pq"] == pytest.approx(6 / 21)
    assert json.loads(out.read_text())["per_class"]["1"]["fp"] == 60
    assert "background" in capsys.readouterr().out


def test_a_coco_folder_is_its_json_and_parts_are_refused(tmp_path: Path):
    from intarsia.categories import Categories
    from intarsia.panoptic import PanopticMap

    for part in ("train", "val"):
        write_coco(tmp_path / part, [PanopticMap.empty(2, 2)], Categories.named("nuclei"))
    with as_coco_json(tmp_path / "val") as path:
        assert path == tmp_path / "val" / "panoptic.json"
    with (
        pytest.raises(
            InputError, match="a folder with one, got several: train/panoptic.json, val/panoptic.json"
        ),
        as_coco_json(tmp_path),
    ):
        pass
