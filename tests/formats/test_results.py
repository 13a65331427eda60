"""A folder of results: what was asked for and nothing else, and names that never meet."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile

from intarsia.categories import Categories
from intarsia.errors import InputError
from intarsia.formats.coco import read_coco, read_map
from intarsia.formats.label_folder import read_label_folder
from intarsia.formats.results import OUTPUTS, ResultFolder
from intarsia.panoptic import PanopticMap, Segment
from tests.formats.written_maps import pixels, random_map

FACADES = Categories.named("facades")
WINDOW, CAR, FACADE = 1, 3, 6
ONE = PanopticMap(np.array([[5, 5, 3], [0, 9, 3]]), [Segment(5, WINDOW), Segment(3, FACADE), Segment(9, CAR)])


def written(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("output", "files"),
    [
        ("coco", ["panoptic.json", "panoptic/a.png"]),
        ("labels", ["category_map.json", "labels/a.tif"]),
        ("table", ["segments.csv"]),
        ("geojson", ["geojson/a.geojson"]),
        ("instances", ["instances.json"]),
    ],
)
def test_what_was_asked_for_is_written_and_nothing_else(tmp_path: Path, output: str, files: list[str]):
    with ResultFolder(tmp_path / "out", FACADES, write=[output]) as results:
        assert results.add("a.jpg", ONE) == "a"
    assert written(tmp_path / "out") == files


def test_images_whose_names_meet_keep_all_their_files(tmp_path: Path):
    names = ["a.jpg", "a.png", "x/y.png", "x_y.png", "A.jpg"]
    maps = [PanopticMap(np.array([[n, 0]]), [Segment(n, WINDOW)]) for n in range(1, 6)]
    with ResultFolder(tmp_path, FACADES, write=OUTPUTS) as results:
        stems = [results.add(name, one) for name, one in zip(names, maps, strict=True)]
    assert len({stem.casefold() for stem in stems}) == 5
    coco = read_coco(tmp_path / "panoptic.json")
    assert [record.image_file for record in coco.records] == names
    for record, stem, one in zip(coco.records, stems, maps, strict=True):
        assert record.map_file == f"{stem}.png"
        assert read_map(record, tmp_path / "panoptic") == one
        assert tifffile.imread(tmp_path / "labels" / f"{stem}.tif").tolist() == [[1, 0]]
        assert (tmp_path / "geojson" / f"{stem}.geojson").is_file()
    rows = list(csv.DictReader(io.StringIO((tmp_path / "segments.csv").read_text())))
    assert [(row["image"], row["segment_id"]) for row in rows] == [
        (n, str(k + 1)) for k, n in enumerate(names)
    ]
    assert [
        row["file_name"] for row in json.loads((tmp_path / "instances.json").read_text())["images"]
    ] == names


def test_our_own_reader_gives_the_things_and_their_categories_back(tmp_path: Path):
    maps = {f"{seed}": random_map(FACADES, seed, crowds=False) for seed in range(6)}
    with ResultFolder(tmp_path, FACADES, write=["labels"]) as results:
        for name, one in maps.items():
            results.add(f"{name}.jpg", one)
    (part,) = read_label_folder(tmp_path)
    things = {row.id for row in FACADES.things}
    assert len(part.maps) == len(maps)
    for source in part.maps:
        read = {row for row in pixels(source.read()) if row[1] in things}
        assert read == {row for row in pixels(maps[source.name]) if row[1] in things}


def test_a_name_that_is_too_long_is_told_and_the_rest_is_kept(tmp_path: Path):
    with ResultFolder(tmp_path, FACADES, write=OUTPUTS) as results:
        results.add("a.jpg", ONE)
        with pytest.raises(InputError, match="must be a name short enough for its files to be written"):
            results.add("n" * 250 + ".jpg", ONE)
        results.add("b.jpg", ONE)
    assert [r.image_file for r in read_coco(tmp_path / "panoptic.json").records] == ["a.jpg", "b.jpg"]
    assert len(json.loads((tmp_path / "instances.json").read_text())["images"]) == 2
    assert not [name for name in written(tmp_path) if "nnn" in name]


@pytest.mark.parametrize("name", ["panoptic", "labels", "geojson"])
def test_a_folder_that_is_a_link_to_another_place_is_refused(tmp_path: Path, name: str):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=f"{name}` must be a folder of its own, got a link to"):
        ResultFolder(tmp_path / "out", FACADES, write=OUTPUTS)
    assert not list((tmp_path / "elsewhere").iterdir())


def test_a_given_pixel_size_holds_for_all(tmp_path: Path):
    with ResultFolder(tmp_path, FACADES, write=["labels", "table"], pixel_size_um=0.5) as results:
        results.add("a.jpg", ONE, values=np.zeros((2, 3, 1), np.uint16))
    (row, *_) = csv.DictReader(io.StringIO((tmp_path / "segments.csv").read_text()))
    assert (row["area"], row["area_um2"], row["mean_1"]) == ("2", "0.5", "0.0")


def test_the_size_of_pixels_is_read_from_the_source(tmp_path: Path):
    source = tmp_path / "a.tif"
    tifffile.imwrite(
        source, np.zeros((2, 3), np.uint8), resolution=(20000, 20000), resolutionunit="CENTIMETER"
    )
    with ResultFolder(tmp_path / "out", FACADES, write=["table"]) as results:
        results.add("a.tif", ONE, source=source)
    (row, *_) = csv.DictReader(io.StringIO((tmp_path / "out" / "segments.csv").read_text()))
    assert row["pixel_height_um"] == "0.5"


def test_wrong_outputs_and_categories_are_refused_before_anything_is_written(tmp_path: Path):
    with pytest.raises(
        InputError, match="`write` must be made of coco, .*, got 'lables'. Did you mean `labels`?"
    ):
        ResultFolder(tmp_path / "out", FACADES, write=["lables"])
    with pytest.raises(InputError, match="`category` must be the name of a thing category, got 'facade'"):
        ResultFolder(tmp_path / "out", FACADES, category="facade")
    assert not (tmp_path / "out").exists()


def test_a_stopped_run_writes_none_of_the_files_for_all(tmp_path: Path):
    def stopped() -> None:
        with ResultFolder(tmp_path, FACADES, write=OUTPUTS) as results:
            results.add("a.jpg", ONE)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    whole = ["category_map.json", "geojson/a.geojson", "labels/a.tif", "panoptic/a.png"]
    assert written(tmp_path) == whole
    assert json.loads((tmp_path / "category_map.json").read_text())["images"] == {}  # nobody guesses
