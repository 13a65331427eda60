"""The addresses of the page: what goes in, what comes out, and what is refused, with the real models."""

from __future__ import annotations

import base64
import io
import json
import re
import zipfile
from pathlib import Path
from typing import Any

import anyio
import numpy as np
import pytest
import tifffile
from PIL import Image
from starlette.testclient import TestClient

from intarsia.errors import InputError
from intarsia.formats.coco import read_coco, read_map
from intarsia.runtime.diameter import Diameter
from intarsia.serve.app import create_app
from intarsia.serve.desk import BusyError, Desk
from intarsia.serve.shelf import Shelf
from intarsia.serve.start import serve
from intarsia.serve.uploads import Limits, read_upload
from tests.serve.uploads import HOSTILE, encoded, photo, tiff

PHOTO = encoded(photo(seed=28))  # of whose blocks `facades` takes one at the left edge for a window


def sent(client: TestClient, content: bytes = PHOTO, name: str = "house.png") -> dict[str, Any]:
    answer = client.post("/api/pictures", params={"name": name}, content=content)
    assert answer.status_code == 200, answer.text
    return answer.json()


def base_of(client: TestClient, model: int = 0) -> str:
    return f"/api/pictures/{sent(client)['token']}/maps/{model}"


def test_the_page_asks_nothing_of_others(client: TestClient):
    for path in ("/", "/page.js", "/page.css", "/icon.svg"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_models_and_limits_are_told(client: TestClient):
    told = client.get("/api/models").json()
    assert [model["name"] for model in told["models"]] == ["facades", "facades-embedding"]
    assert told["models"][0]["categories"][0]["name"] == "window"
    assert [model["diameter_px"] for model in told["models"]] == [37.3, None]
    assert told["max_pixels"] == 16_000_000


def test_segments_and_ids_are_those_of_the_model(client: TestClient, desk: Desk):
    picture = sent(client)
    assert (picture["height"], picture["width"], picture["name"]) == (64, 96, "house.png")
    base = f"/api/pictures/{picture['token']}/maps/0"
    told = client.post(base).json()
    panoptic_map = desk.models[0].segment(np.asarray(photo(seed=28)))
    assert [row["area"] for row in told["segments"]] == [
        panoptic_map.area(s.id) for s in panoptic_map.segments
    ]
    ids = np.frombuffer(client.get(f"{base}/ids").content, "<u4").reshape(64, 96)
    assert np.array_equal(ids, panoptic_map.renumbered().ids)
    for number, row in enumerate(told["segments"], start=1):
        left, top, width, height = row["box"]
        assert (ids[top : top + height, left : left + width] == number).sum() == row["area"]


def test_a_diameter_gives_the_map_that_the_model_makes_with_it(client: TestClient, desk: Desk):
    """Things of 60 pixels are seen at 37.3 / 60 of the size, and "auto" is another look again."""
    base = base_of(client)
    pixels = np.asarray(photo(seed=28))
    diameters: dict[str, Diameter | None] = {"": None, "60": 60.0, "auto": "auto"}
    for text, diameter in diameters.items():
        told = client.post(f"{base}?diameter={text}").json()
        expected = desk.models[0].segment(pixels, diameter)
        assert [row["area"] for row in told["segments"]] == [expected.area(s.id) for s in expected.segments]
        ids = np.frombuffer(client.get(f"{base}/ids?diameter={text}").content, "<u4").reshape(64, 96)
        assert np.array_equal(ids, expected.renumbered().ids)
    look = client.get(f"{base}/pixel?row=63&column=0&diameter=60").json()
    assert look["step"] == pytest.approx([4 * 64 / 40, 4 * 96 / 60])  # the network saw 40 x 60 pixels


@pytest.mark.parametrize(
    ("model", "text", "sentence"),
    [
        (0, "large", "`diameter` must be a number of pixels, \"auto\" or nothing, got 'large'."),
        (0, "0", "`diameter` must be from 4.66 to 298 pixels for this model, got 0.0."),
        (0, "nan", "`diameter` must be from 4.66 to 298 pixels for this model, got nan."),
        (1, "30", "`diameter` must be left to models that know how large their things were in training"),
    ],
)
def test_a_diameter_that_is_none_is_refused(client: TestClient, model: int, text: str, sentence: str):
    answer = client.post(f"{base_of(client, model)}?diameter={text}")
    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)


def test_one_picture_at_many_diameters_keeps_within_the_memory(models):
    """The picture, and what was seen last; what was seen before is seen again."""
    desk = Desk(models, limits=Limits(), max_bytes=4 * 64 * 96 * 4, max_waiting=4)
    with TestClient(create_app(desk), base_url="http://localhost") as client:
        base = base_of(client)
        first = client.post(f"{base}?diameter=20").json()
        for diameter in range(21, 40):
            assert client.post(f"{base}?diameter={diameter}").status_code == 200
        assert desk.shelf.num_bytes <= desk.shelf.max_bytes
        assert client.post(f"{base}?diameter=20").json() == first


def test_the_photo_comes_back_as_the_browser_shows_it(client: TestClient):
    content = client.get(f"/api/pictures/{sent(client)['token']}/photo").content
    with Image.open(io.BytesIO(content)) as image:
        assert image.size == (96, 64)
        assert np.abs(np.asarray(image).astype(int) - np.asarray(photo(seed=28))).mean() < 6


@pytest.mark.parametrize(("model", "kind", "seed"), [(0, "affinity", 28), (1, "distance", 0)])
def test_a_click_is_answered_with_heat_and_the_hierarchy(
    client: TestClient, model: int, kind: str, seed: int
):
    token = sent(client, encoded(photo(seed=seed)))["token"]
    where = {"row": 63, "column": 0}
    answer = client.get(f"/api/pictures/{token}/maps/{model}/pixel", params=where).json()
    assert answer["kind"] == kind
    assert answer["category"]
    for name in ("alike", "joined"):
        content = base64.b64decode(answer[name].removeprefix("data:image/png;base64,"))
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (24, 16)  # stride 4
            row, column = 63 // 4, 0
            pixels = np.asarray(image).astype(int).sum(axis=2)
            assert pixels[row, column] >= np.percentile(pixels, 75)
    assert answer["summary"][0]["text"] == "its own segment"


@pytest.mark.parametrize(
    "where", ["row=64&column=0", "row=0&column=96", "row=-1&column=0", "row=x&column=0", ""]
)
def test_a_click_beside_the_picture_is_refused(client: TestClient, where: str):
    answer = client.get(f"{base_of(client)}/pixel?{where}")
    assert answer.status_code == 400
    assert re.match(r"`(pixel|row|column)` must be", answer.json()["error"])


def test_two_models_are_compared(client: TestClient):
    token = sent(client)["token"]
    same = client.get(f"/api/pictures/{token}/agreement/0/0").json()
    assert same["pq"] == 1
    other = client.get(f"/api/pictures/{token}/agreement/0/1").json()
    assert 0 <= other["pq"] <= 1
    sizes = client.get(f"/api/pictures/{token}/agreement/0/0?diameter=60&other_diameter=60").json()
    assert sizes["pq"] in (1, None)
    void = sent(client, encoded(Image.new("RGB", (96, 64))))["token"]
    nothing = client.get(f"/api/pictures/{void}/agreement/0/0").json()
    assert nothing == {"pq": None, "remark": "Neither sees a segment."}


def test_everything_can_be_taken_away(client: TestClient, tmp_path: Path):
    base = base_of(client)
    files = {}
    for kind in client.get("/api/models").json()["kinds"]:
        answer = client.get(f"{base}/files/{kind}")
        assert answer.status_code == 200
        assert "attachment; filename*=UTF-8''house" in answer.headers["content-disposition"]
        files[kind] = answer.content
    segments = client.post(base).json()["segments"]
    things = sum(row["thing"] for row in segments)
    assert tifffile.imread(io.BytesIO(files["labels"])).max() == things
    assert files["table"].decode().count("\n") == len(segments) + 1
    assert len(json.loads(files["geojson"])["features"]) == len(segments)
    assert len(json.loads(files["instances"])["annotations"]) == things
    with zipfile.ZipFile(io.BytesIO(files["coco"])) as archive:
        archive.extractall(tmp_path)
    (record,) = read_coco(tmp_path / "panoptic.json").records
    assert len(read_map(record, tmp_path / "panoptic").segments) == len(segments)
    with zipfile.ZipFile(io.BytesIO(client.get(f"{base}/files/all").content)) as archive:
        assert len(archive.namelist()) == 7


def test_means_and_micrometres_are_those_of_the_file(client: TestClient):
    values = np.full((64, 96), 3000, np.uint16)
    content = tiff(values, resolution=(20000, 20000), resolutionunit="CENTIMETER")
    picture = sent(client, content, "cells.tif")
    assert picture["pixel_size_um"] == [0.5, 0.5]
    table = client.get(f"/api/pictures/{picture['token']}/maps/0/files/table").text.splitlines()
    assert table[0].endswith(
        "mean_1,area_um2,centroid_row_um,centroid_column_um,perimeter_um,pixel_height_um,pixel_width_um"
    )
    for line in table[1:]:
        assert line.split(",")[13] == "3000.0"


def test_an_unknown_kind_or_model_is_refused(client: TestClient):
    base = base_of(client)
    assert "Did you mean `labels`?" in client.get(f"{base}/files/label").json()["error"]
    answer = client.post(base[:-1] + "7")
    assert answer.status_code == 400
    assert answer.json()["error"] == "`model` must be a number below 2, got 7."


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_upload_is_refused_in_one_sentence(client: TestClient, kind: str):
    answer = client.post("/api/pictures", params={"name": "../../x\n/evil<b>.png"}, content=HOSTILE[kind]())
    assert answer.status_code == 400, answer.text
    sentence = answer.json()["error"]
    assert re.match(r"`(evil_b_.png|file)` must be .*, got .*", sentence)
    assert "\n" not in sentence
    assert "Traceback" not in sentence
    assert "`page`" not in sentence
    assert "`channel`" not in sentence


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (3, 5)])
def test_odd_sizes_are_seen_and_clicked(client: TestClient, size: tuple[int, int]):
    token = sent(client, encoded(photo(size)))["token"]
    for model in (0, 1):
        base = f"/api/pictures/{token}/maps/{model}"
        assert client.post(base).status_code == 200
        assert client.get(f"{base}/pixel", params={"row": 0, "column": size[1] - 1}).status_code == 200


def test_a_picture_that_made_room_is_asked_for_again(models):
    desk = Desk(models, limits=Limits(), max_bytes=3 * 64 * 96 * 3, max_waiting=4)
    with TestClient(create_app(desk), base_url="http://localhost") as client:
        tokens = [sent(client)["token"] for _ in range(20)]
        assert len(desk.shelf) <= 3
        assert desk.shelf.num_bytes <= desk.shelf.max_bytes
        answer = client.get(f"/api/pictures/{tokens[0]}/photo")
        assert answer.status_code == 404
        assert (
            answer.json()["error"]
            == "`picture` must be one that is still here, got an old one. Drop it again."
        )
        assert client.get(f"/api/pictures/{tokens[-1]}/photo").status_code == 200


def test_the_newest_picture_stays_however_large():
    shelf = Shelf(max_bytes=0)
    token = shelf.put(read_upload(PHOTO, "a.png", limits=Limits()))
    assert shelf.of(token).num_bytes > 0


def test_a_full_queue_is_told_and_empties_again(models):
    desk = Desk(models, limits=Limits(), max_bytes=1 << 20, max_waiting=1)

    async def crowd() -> None:
        async with desk.turn("model"):
            with pytest.raises(BusyError, match="1 others are waiting here; try again in a moment"):
                async with desk.turn("model"):
                    pass
        async with desk.turn("model"):
            pass

    anyio.run(crowd)


def test_a_busy_desk_answers_503(models):
    desk = Desk(models, limits=Limits(), max_bytes=1 << 20, max_waiting=0)
    with TestClient(create_app(desk), base_url="http://localhost") as client:
        answer = client.post("/api/pictures", content=PHOTO)
        assert answer.status_code == 503
        assert "try again in a moment" in answer.json()["error"]


def test_only_the_names_of_this_machine_are_answered(desk: Desk):
    with TestClient(create_app(desk), base_url="http://evil.example") as client:
        assert client.get("/").status_code == 400
        assert client.get("/api/models").json()["error"] == "This server answers to 127.0.0.1 only."
    with TestClient(create_app(desk), base_url="http://[::1]:9") as client:
        assert client.get("/").status_code == 200
    with TestClient(create_app(desk, local=False), base_url="http://lab.example") as client:
        assert client.get("/").status_code == 200


def test_another_site_cannot_send_pictures(client: TestClient):
    answer = client.post("/api/pictures", content=PHOTO, headers={"Origin": "http://evil.example"})
    assert answer.status_code == 403
    own = {"Origin": "http://127.0.0.1:8765"}
    assert client.post("/api/pictures", content=PHOTO, headers=own).status_code == 200


def test_a_fault_of_ours_is_a_sentence_and_in_the_log(client: TestClient, monkeypatch, caplog):
    def broken(*args, **options):
        raise ZeroDivisionError("ours")

    base = base_of(client)
    monkeypatch.setattr("intarsia.serve.desk.takeaway", broken)
    answer = client.get(f"{base}/files/labels")
    assert answer.status_code == 500
    assert answer.json()["error"] == "That should not have happened; the server's terminal says what did."
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"port": 70_000}, r"`port` must be in \[0, 65536\), got 70000"),
        ({"host": "no.such.host.invalid"}, "`host` must be an address of this machine with a free port"),
        ({"max_megapixels": 0}, "`max_megapixels` must be at least 1, got 0"),
        ({"models": ("no-such-model",)}, "no-such-model"),
    ],
)
def test_a_server_that_cannot_start_says_why(options: dict[str, Any], sentence: str):
    with pytest.raises(InputError, match=sentence):
        serve(**{"models": ("facades",), **options})


def test_a_port_that_is_taken_is_told():
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(InputError, match=f"got 127.0.0.1:{port} \\(Address already in use\\)"):
            serve(("facades",), port=port)
