"""Folders of label images are evaluated as they are."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from intarsia.categories import Categories
from intarsia.cli import main
from intarsia.commands.evaluate import evaluate
from intarsia.errors import InputError
from intarsia.formats.as_coco import as_coco
from intarsia.formats.coco import CocoWriter
from intarsia.panoptic import PanopticMap, Segment
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


@pytest.mark.parametrize("side", ["truth", "found"])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_broken_label_image_is_named_at_the_end_and_the_others_are_evaluated(
    tmp_path: Path, side: str, workers: int, capsys: pytest.CaptureFixture[str]
):
    """Of two images one is cut off: the other has PQ 6 / (6 + 30/2), and the exit code is 1."""
    for name in "abc":
        write_cells(tmp_path / "truth" / f"{name}.tif", 6)
        write_cells(tmp_path / "found" / f"{name}.tif", 36)
    broken = tmp_path / side / "b.tif"
    broken.write_bytes(broken.read_bytes()[:500])
    out = tmp_path / "quality.json"
    command = ["evaluate", "--truth", str(tmp_path / "truth"), "--prediction", str(tmp_path / "found")]
    options = ["--workers", str(workers), "--json", str(out), "--report", str(tmp_path / "report")]
    assert main([*command, *options]) == 1
    content = json.loads(out.read_text())
    assert content["Things"]["pq"] == pytest.approx(6 / 21)
    assert content["per_class"]["1"]["fp"] == 60
    [sentence] = content["failed"]
    assert sentence.startswith(f"`{broken}` must be a readable")
    assert "1 of 3" in capsys.readouterr().err
    # where none is whole there is nothing to evaluate
    for path in (tmp_path / side).iterdir():
        path.write_bytes(b"text")
    assert main(command) == 2
    assert "So it is with all 3 images." in capsys.readouterr().err


def test_what_does_not_fit_is_told_by_the_names_of_the_label_images(tmp_path: Path, capsys):
    """What is converted for a while lies where nobody will find it."""
    for name in "ab":
        write_cells(tmp_path / "truth" / f"{name}.tif", 6)
    write_cells(tmp_path / "found" / "a_cp_masks.tif", 6)
    command = ["evaluate", "--truth", str(tmp_path / "truth"), "--prediction", str(tmp_path / "found")]
    assert main(command) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"`{tmp_path / 'found'}` must be a prediction for every image; missing: 1 of 2" in said
    tifffile.imwrite(tmp_path / "found" / "b_cp_masks.tif", np.zeros((50, 60), np.uint16))
    assert main(command) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert (
        f"`{tmp_path / 'found' / 'b_cp_masks.tif'}` must be as large as its truth, 60x60, got 50x60" in said
    )


def test_a_coco_folder_is_its_json_and_parts_are_refused(tmp_path: Path):
    for part in ("train", "val"):
        write_coco(tmp_path / part, [PanopticMap.empty(2, 2)], Categories.named("nuclei"))
    with as_coco(tmp_path / "val") as files:
        assert files.json_path == tmp_path / "val" / "panoptic.json"
    with (
        pytest.raises(
            InputError, match="a folder with one, got several: train/panoptic.json, val/panoptic.json"
        ),
        as_coco(tmp_path),
    ):
        pass


def truth_of_cells(folder: Path, names: list[tuple[str, int]]) -> Path:
    """The first six cells in COCO panoptic; categories 7, 8, ... of these names, things or not."""
    rows = [{"id": 7 + n, "name": name, "isthing": thing} for n, (name, thing) in enumerate(names)]
    write_cells(folder / "cells.tif", 6)
    ids = tifffile.imread(folder / "cells.tif").astype(int)
    ground = next((row["id"] for row in rows if not row["isthing"]), None)
    segments = [Segment(n, 7) for n in range(1, 7)] + ([] if ground is None else [Segment(99, ground)])
    (folder / "images").mkdir()
    with CocoWriter(folder / "panoptic.json", Categories.from_coco(rows)) as writer:
        writer.add("a.tif", PanopticMap(ids if ground is None else np.where(ids, ids, 99), segments))
    return folder / "panoptic.json"


@pytest.mark.parametrize("names", [[("cell", 1), ("glass", 0)], [("object", 1), ("earth", 0)]])
@pytest.mark.parametrize("turned", [False, True])
def test_label_images_meet_a_coco_truth_of_one_kind_of_thing(
    tmp_path: Path, names: list[tuple[str, int]], turned: bool
):
    """Of 36 cells 6 are true, whichever side the label images are on, and whatever the ids of categories."""
    truth = truth_of_cells(tmp_path / "truth", names)
    write_cells(tmp_path / "found" / "a_cp_masks.tif", 36)
    sides = (tmp_path / "found", truth) if turned else (truth, tmp_path / "found")
    report = evaluate(*sides)
    assert report.things.pq == pytest.approx(6 / (6 + 30 / 2))
    assert report.stuff.n == 1
    assert report.stuff.rq == 1


def test_the_background_of_label_images_is_void_where_the_truth_has_no_stuff(tmp_path: Path):
    truth = truth_of_cells(tmp_path / "truth", [("cell", 1)])
    write_cells(tmp_path / "found" / "a_cp_masks.tif", 6)
    report = evaluate(truth, tmp_path / "found")
    assert (report.things.pq, report.all.n) == (1, 1)


def test_label_images_without_a_category_map_cannot_meet_several_kinds(tmp_path: Path):
    truth = truth_of_cells(tmp_path / "truth", [("cell", 1), ("yeast", 1), ("glass", 0)])
    write_cells(tmp_path / "found" / "a_cp_masks.tif", 6)
    with pytest.raises(
        InputError, match=r"one kind of thing .* got several \(cell, yeast\)\. A `category_map"
    ):
        evaluate(truth, tmp_path / "found")
    content = {
        "categories": [{"id": 1, "name": "Yeast", "isthing": 1}, {"id": 2, "name": "cell", "isthing": 1}]
    }
    content |= {"labels": {"0": None, **{str(n): "cell" for n in range(1, 7)}}}
    (tmp_path / "found" / "category_map.json").write_text(json.dumps(content))
    assert evaluate(truth, tmp_path / "found").per_category[7].pq == 1  # by name, though the id is another's


def test_categories_of_one_id_and_two_names_are_told(tmp_path: Path):
    truth = truth_of_cells(tmp_path / "truth", [("cell", 1), ("glass", 0)])
    prediction = truth_of_cells(tmp_path / "found", [("Cell", 1), ("sky", 0)])
    remarks = evaluate(truth, prediction).remarks
    assert remarks == ("Ids of categories count; other names here (1): 8 'sky' (truth: 'glass').",)


def test_names_that_are_numbers_are_no_ids(tmp_path: Path):
    """A prediction numbers its images 1, 2 ... by the names 0.tif, 1.tif ...: names pair them."""
    rows = [{"id": 1, "name": "cell", "isthing": 1}, {"id": 2, "name": "glass", "isthing": 0}]
    with CocoWriter(tmp_path / "found.json", Categories.from_coco(rows)) as writer:
        for n in range(3):
            write_cells(tmp_path / "truth" / "labels" / f"{n}.tif", 2 + n)
            cells = tifffile.imread(tmp_path / "truth" / "labels" / f"{n}.tif").astype(int)
            segments = [*(Segment(k, 1) for k in range(1, 3 + n)), Segment(99, 2)]
            writer.add(f"{n}.tif", PanopticMap(np.where(cells, cells, 99), segments))
    report = evaluate(tmp_path / "truth", tmp_path / "found.json")
    assert report.all.pq == 1
    assert report.things.n == 1


def test_what_one_machine_would_convert_for_itself_is_refused_on_a_cluster(tmp_path: Path, capsys):
    """A temporary folder of this machine is none of the others'; JSONs go to them as they are."""
    write_cells(tmp_path / "truth" / "a.tif", 6)
    command = ["evaluate", "--truth", str(tmp_path / "truth"), "--prediction", str(tmp_path / "truth")]
    assert main([*command, "--cluster", "10.0.0.1:6379"]) == 2
    told = " ".join(capsys.readouterr().err.split())
    assert "truth` must be COCO panoptic where machines of a cluster read it, got another" in told
    write_coco(tmp_path / "coco", [PanopticMap.empty(2, 2)], Categories.named("nuclei"))
    with as_coco(tmp_path / "coco", read_elsewhere=True) as files:
        assert files.json_path == tmp_path / "coco" / "panoptic.json"
