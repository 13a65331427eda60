"""What prediction writes on request, and that nothing is lost on the way: names, ids, links, hidden files."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image

import intarsia
from intarsia.cli import main
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco import CocoWriter, read_coco
from intarsia.panoptic import Categories, PanopticMap, Segment

PHOTO = Path(__file__).parents[2] / "examples" / "photos" / "china.jpg"
NUCLEI = Path(__file__).parents[2] / "examples" / "photos" / "nuclei.tif"
FACADES = Categories.named("facades")


def photo(path: Path, *, seed: int = 0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(PHOTO) as image:
        image.crop((seed, seed, 320 + seed, 224 + seed)).resize((80, 56)).save(path)
    return path


def predicted(*paths: Path, out: Path, **options) -> list[intarsia.commands.predict.Prediction]:  # type: ignore
    return intarsia.predict(tuple(map(str, paths)), out=str(out), **options)


def test_every_output_is_written_on_request(tmp_path: Path):
    outputs = ("coco", "labels", "table", "geojson", "instances")
    [prediction] = predicted(NUCLEI, out=tmp_path, model="nuclei", write=outputs, overlays=False)
    things = sum(s.category_id == 1 for s in prediction.segments)
    labels = tifffile.imread(tmp_path / "labels" / "nuclei.tif")
    assert labels.shape == prediction.map.size
    assert labels.max() == things > 50
    rows = list(csv.DictReader(io.StringIO((tmp_path / "segments.csv").read_text())))
    assert len(rows) == len(prediction.segments)
    values = tifffile.imread(NUCLEI)
    for row, segment in zip(rows, prediction.segments, strict=True):
        assert float(row["mean_1"]) == pytest.approx(values[prediction.map.mask(segment.id)].mean())
    features = json.loads((tmp_path / "geojson" / "nuclei.geojson").read_text())["features"]
    assert len(features) == len(prediction.segments)
    assert len(json.loads((tmp_path / "instances.json").read_text())["annotations"]) == things
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {
        "category_map.json",
        "labels",
        "geojson",
        "instances.json",
        "panoptic",
        "panoptic.json",
        "segments.csv",
    }


def test_the_command_line_takes_several_outputs_and_a_category(tmp_path: Path):
    source = photo(tmp_path / "a.png")
    options = ["--write", "labels", "table", "--category", "window", "--pixel-size", "0.5"]
    assert main(["predict", str(source), "--out", str(tmp_path / "out"), *options]) == 0
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "category_map.json", "labels", "overlays", "segments.csv",
    ]  # fmt: skip
    assert (
        (tmp_path / "out/segments.csv").read_text().splitlines()[0].endswith("pixel_height_um,pixel_width_um")
    )
    with tifffile.TiffFile(tmp_path / "out/labels/a.tif") as file:
        assert file.pages.first.tags.valueof("XResolution") == (20000, 1)  # pyright: ignore


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"category": "facade"}, "`category` must be the name of a thing category, got 'facade'"),
        ({"pixel_size": -1.0}, "`pixel_size` must be one or two lengths above 0"),
    ],
)
def test_wrong_outputs_are_refused(tmp_path: Path, options, sentence):
    with pytest.raises(InputError, match=sentence):
        predicted(photo(tmp_path / "a.png"), out=tmp_path / "out", **options)


def test_an_output_that_does_not_exist_is_no_option(tmp_path: Path, capsys):
    with pytest.raises(SystemExit):
        main(["predict", str(photo(tmp_path / "a.png")), "--write", "lables"])
    assert "labels" in capsys.readouterr().err


def test_a_map_that_was_not_written_says_so(tmp_path: Path):
    [prediction] = predicted(photo(tmp_path / "a.png"), out=tmp_path / "out", write=("table",))
    with pytest.raises(InputError, match="`write` must be with coco for maps to be read again"):
        _ = prediction.map


def test_names_that_meet_keep_both_maps_and_pictures(tmp_path: Path):
    names = ["a.jpg", "a.png", "x/y.png", "x_y.png"]
    for seed, name in enumerate(names):
        photo(tmp_path / "in" / name, seed=20 * seed)
    predictions = predicted(tmp_path / "in", out=tmp_path / "out")
    assert sorted(prediction.name for prediction in predictions) == sorted(names)
    assert len({prediction.file for prediction in predictions}) == 4
    assert len(list((tmp_path / "out" / "overlays").iterdir())) == 4
    for prediction in predictions:
        [alone] = predicted(tmp_path / "in" / prediction.name, out=tmp_path / "alone", overlays=False)
        assert np.array_equal(prediction.map.ids, alone.map.ids)


def test_a_name_that_is_too_long_is_named_at_the_end_and_the_rest_is_kept(tmp_path: Path):
    photo(tmp_path / "in" / "a.png")
    deep = tmp_path / "in" / ("d" * 120) / ("e" * 120)
    photo(deep / f"{'f' * 120}.png")
    with pytest.raises(PartialFailure, match="1 of 2 failed: .* must be a name short enough"):
        predicted(tmp_path / "in", out=tmp_path / "out")
    assert [record.image_file for record in read_coco(tmp_path / "out/panoptic.json").records] == ["a.png"]


def test_a_second_run_into_the_same_folder_sees_the_same_photos(tmp_path: Path):
    photo(tmp_path / "a.jpg")
    for _ in range(2):
        predicted(tmp_path, out=tmp_path, write=("coco", "labels"))
        assert [record.image_file for record in read_coco(tmp_path / "panoptic.json").records] == ["a.jpg"]


def test_hidden_files_are_passed_over_and_unread_kinds_are_named(tmp_path: Path, capsys):
    photo(tmp_path / "in" / "a.png")
    (tmp_path / "in" / "._a.png").write_bytes(b"resource fork")
    (tmp_path / "in" / "b.nef").touch()
    assert main(["predict", str(tmp_path / "in"), "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "1 of 2 failed" in said
    assert "1 .nef file (b.nef)" in said
    assert "._a.png" not in said


@pytest.mark.parametrize("name", ["overlays", "panoptic"])
def test_a_link_out_of_the_results_is_refused(tmp_path: Path, name: str):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=f"{name}` must be a folder of its own, got a link to"):
        predicted(photo(tmp_path / "a.png"), out=tmp_path / "out")
    assert not list((tmp_path / "elsewhere").iterdir())


def data_set(folder: Path, ids: dict[str, int]) -> Path:
    """Photos and their truth, in an order that is not that of the names."""
    with CocoWriter(folder / "panoptic.json", FACADES) as writer:
        for name, id in ids.items():
            photo(folder / "images" / name, seed=id)
            writer.add(name, PanopticMap(np.ones((56, 80), int), [Segment(1, 6)]), image_id=id)
    return folder


def ids_in(folder: Path) -> dict[str, int | str]:
    return {record.image_file: record.image_id for record in read_coco(folder / "panoptic.json").records}


def test_ids_come_from_the_data_set_that_is_predicted(tmp_path: Path):
    folder = data_set(tmp_path / "data", {"c.png": 1, "a.png": 30, "b.png": 2})
    photo(folder / "images" / "new.png")
    predicted(folder, out=tmp_path / "out", overlays=False)
    assert ids_in(tmp_path / "out") == {
        "images/a.png": 30, "images/b.png": 2, "images/c.png": 1, "images/new.png": 3,
    }  # fmt: skip


def test_a_prediction_with_the_ids_of_the_truth_is_evaluated_against_it(tmp_path: Path):
    folder = data_set(tmp_path / "data", {"c.png": 1, "a.png": 30, "b.png": 2})
    truth = folder / "panoptic.json"
    for options in ({}, {"truth": str(truth)}):
        predicted(folder / "images" if options else folder, out=tmp_path / "out", overlays=False, **options)
        report = intarsia.evaluate(str(truth), str(tmp_path / "out" / "panoptic.json"))
        assert report.all.n >= 1


def test_a_truth_that_lists_none_of_the_photos_is_refused(tmp_path: Path):
    folder = data_set(tmp_path / "data", {"c.png": 1})
    with pytest.raises(
        InputError, match="must be a JSON that lists the photos, got none of 1, such as a.png"
    ):
        predicted(photo(tmp_path / "a.png"), out=tmp_path / "out", truth=str(folder / "panoptic.json"))


def test_the_truth_of_a_data_set_is_never_replaced(tmp_path: Path):
    folder = data_set(tmp_path / "data", {"c.png": 1})
    before = (folder / "panoptic.json").read_bytes()
    with pytest.raises(InputError, match="`out` must be another folder than that of a data set"):
        predicted(folder, out=folder)
    assert (folder / "panoptic.json").read_bytes() == before


def test_boxes_scores_and_colours_are_drawn_on_request(tmp_path: Path):
    pictures = []
    for number, options in enumerate(({}, {"boxes": True, "scores": True}, {"colors": "instance"})):
        predicted(NUCLEI, out=tmp_path / str(number), model="nuclei", **options)
        with Image.open(tmp_path / str(number) / "overlays" / "nuclei.jpg") as image:
            pictures.append(np.asarray(image).astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() > 0.5
    assert np.abs(pictures[0] - pictures[2]).mean() > 0.5


def stack(path: Path) -> Path:
    pages = np.stack([np.asarray(Image.open(PHOTO).convert("L").resize((320, 213)))] * 3)
    tifffile.imwrite(path, pages + np.arange(3, dtype=np.uint8)[:, None, None], photometric="minisblack")
    return path


def test_a_stack_needs_a_page_and_all_pages_are_images_of_their_own(tmp_path: Path):
    path = stack(tmp_path / "in.tif")
    with pytest.raises(InputError, match="got 3 pages"):
        predicted(path, out=tmp_path / "out")
    [one] = predicted(path, out=tmp_path / "one", page=1)
    every = predicted(path, out=tmp_path / "all", page="all", write=("coco", "table"))
    assert [prediction.name for prediction in every] == ["in_0000.tif", "in_0001.tif", "in_0002.tif"]
    assert np.array_equal(every[1].map.ids, one.map.ids)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "all" / "segments.csv").read_text())))
    means = {row["image"]: float(row["mean_1"]) for row in rows}
    assert set(means) == {"in_0000.tif", "in_0001.tif", "in_0002.tif"}


def test_a_channel_of_many_can_be_chosen(tmp_path: Path):
    channels = np.random.default_rng(0).integers(0, 999, (5, 56, 80)).astype(np.uint16)
    tifffile.imwrite(tmp_path / "in.tif", channels, imagej=True, metadata={"axes": "CYX"})
    with pytest.raises(InputError, match="5 channels"):
        predicted(tmp_path / "in.tif", out=tmp_path / "out")
    [prediction] = predicted(tmp_path / "in.tif", out=tmp_path / "out", channel=(2,), write=("coco", "table"))
    row = next(csv.DictReader(io.StringIO((tmp_path / "out" / "segments.csv").read_text())))
    shown = prediction.map.mask(int(row["segment_id"]))
    assert float(row["mean_3"]) == pytest.approx(channels[2][shown].mean())


@pytest.mark.parametrize("photos", ["images", "."])
@pytest.mark.parametrize("labels", ["labels", "masks"])
def test_labels_of_a_data_set_are_never_written_over(tmp_path: Path, photos: str, labels: str):
    shown = photo(tmp_path / photos / "a.png")
    (tmp_path / labels).mkdir()
    with pytest.raises(InputError, match=f"that of a data set, whose {labels}/ must stay as it is"):
        predicted(shown, out=tmp_path, write=("labels",))
    assert not list((tmp_path / labels).iterdir())
