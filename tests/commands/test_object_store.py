"""Photos of object stores: the files of a run on the same photos in a folder, fetched by whoever predicts."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import intarsia
from intarsia.cli import main
from intarsia.errors import InputError, PartialFailure
from intarsia.pictures.finding import find_photos

pytest.importorskip("pyarrow", reason="the extra `cluster` is not installed")

OUTPUTS = ("coco", "labels", "table", "geojson", "instances")


def write_photos(folder: Path) -> Path:
    """Two photos, one with a resolution, a file that is none, a hidden one and the maps of a data set."""
    (folder / "images" / "deep").mkdir(parents=True)
    (folder / "panoptic").mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (7, 10, 3), np.uint8)
    photo = Image.fromarray(pixels).resize((60, 42))
    photo.save(folder / "images" / "a.tif", resolution=10000.0, resolution_unit=3)
    photo.rotate(180).save(folder / "images" / "deep" / "b.png")
    photo.save(folder / "images" / ".hidden.png")
    photo.save(folder / "panoptic" / "a.png")
    (folder / "images" / "broken.png").write_text("no picture")
    (folder / "readme.txt").write_text("no photo")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return write_photos(tmp_path / "photos")


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def predicted(images: str, out: Path, **options: object) -> dict[str, bytes]:
    with pytest.raises(
        PartialFailure, match=r"1 of 3 failed: .*images/broken.png` must be a readable"
    ) as told:
        intarsia.predict((images,), out=str(out), write=OUTPUTS, threads=1, **options)  # type: ignore
    assert ("://" in images) == ("://" in told.value.sentences[0])
    return files_of(out)


def test_a_file_address_gives_the_files_of_its_folder(photos: Path, tmp_path: Path):
    whole = predicted(str(photos), tmp_path / "whole")
    assert predicted(f"file://{photos}", tmp_path / "stored") == whole
    assert [row["file_name"] for row in json.loads(whole["panoptic.json"])["images"]] == [
        "images/a.tif",
        "images/deep/b.png",
    ]
    assert b"area_um2" in whole["segments.csv"]  # of a.tif, which says how large its pixels are


def test_what_fsspec_alone_knows_is_read_too(photos: Path, tmp_path: Path):
    memory = importlib.import_module("fsspec").filesystem("memory")
    for path in filter(Path.is_file, photos.rglob("*")):
        memory.pipe(f"/bucket/{path.relative_to(photos).as_posix()}", path.read_bytes())
    try:
        assert predicted("memory://bucket", tmp_path / "stored") == predicted(str(photos), tmp_path / "whole")
    finally:
        memory.rm("/bucket", recursive=True)


def test_one_file_and_several_addresses(photos: Path):
    address = f"file://{photos}/images/deep/b.png"
    found = find_photos([address, f"file://{photos}/images"])
    assert list(found.stored) == ["b.png", "a.tif", "broken.png", "deep/b.png"]
    assert str(found.stored["b.png"]) == f"file://{str(photos).lstrip('/')}/images/deep/b.png"


def test_a_run_that_was_stopped_sees_that_a_photo_changed(photos: Path):
    before = find_photos([f"file://{photos}"]).stored["images/a.tif"]
    assert find_photos([f"file://{photos}"]).stored["images/a.tif"] == before
    os.utime(photos / "images" / "a.tif", (1, 1))
    assert find_photos([f"file://{photos}"]).stored["images/a.tif"] != before


@pytest.mark.parametrize(
    ("address", "sentence"),
    [
        (
            "file:///nowhere/at/all",
            "`images` must be files or folders that exist, got file:///nowhere/at/all",
        ),
        ("nosuch://bucket/a", "`images` must be an address of a store that pyarrow or fsspec knows"),
    ],
)
def test_what_cannot_be_reached_is_told_in_a_sentence(address: str, sentence: str, tmp_path: Path):
    with pytest.raises(InputError, match=sentence):
        intarsia.predict((address,), out=str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_stacks_are_for_files_of_this_machine(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    command = ["predict", f"file://{photos}", "--out", str(tmp_path / "out"), "--model", "nuclei"]
    assert main([*command, "--stack"]) == 2
    assert "single photos in an object store" in capsys.readouterr().err
    assert main([*command, "--page", "all"]) == 2
    assert "files of an object store" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")  # Ray's and botocore's own
def test_workers_of_a_cluster_fetch_from_s3(photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The protocol itself, by a server on this machine; needs `pip install 'moto[server]'`."""
    server = pytest.importorskip("moto.server", reason="no local S3").ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    try:
        options = {"endpoint_url": f"http://{host}:{port}", "region_name": "us-east-1"}
        client = importlib.import_module("boto3").client("s3", **options)
        client.create_bucket(Bucket="bucket")
        for path in filter(Path.is_file, photos.rglob("*")):
            client.upload_file(str(path), "bucket", f"set/{path.relative_to(photos).as_posix()}")
        address = f"s3://bucket/set?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
        whole = predicted(str(photos), tmp_path / "whole")
        assert predicted(address, tmp_path / "alone") == whole
        assert predicted(address, tmp_path / "many", cluster="local", workers=2) == whole
    finally:
        server.stop()
