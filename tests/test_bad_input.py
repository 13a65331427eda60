"""Bad input on the command line: one clear sentence, exit code 2, and nothing half-written beside it."""

from __future__ import annotations

import json
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.cli import main

SEGMENTS = [
    {"id": 1, "category_id": 1, "area": 225, "iscrowd": 0, "bbox": [5, 5, 15, 15]},
    {"id": 2, "category_id": 2, "area": 75, "iscrowd": 0, "bbox": [5, 30, 15, 5]},
]


def write_dataset(folder: Path, *, id_in_map: int = 1, category: int = 1, height: int = 40) -> Path:
    """A COCO panoptic folder of one square on a strip of ground; the arguments make it wrong."""
    (folder / "images").mkdir(parents=True)
    (folder / "panoptic").mkdir()
    Image.fromarray(np.zeros((40, 50, 3), np.uint8)).save(folder / "images" / "a.png")
    ids = np.zeros((height, 50, 3), np.uint8)
    ids[5:20, 5:20, 0] = id_in_map
    ids[30:35, 5:20, 0] = 2
    Image.fromarray(ids).save(folder / "panoptic" / "a.png")
    content: dict[str, Any] = {
        "images": [{"id": 1, "file_name": "a.png", "height": 40, "width": 50}],
        "annotations": [
            {
                "image_id": 1,
                "file_name": "a.png",
                "segments_info": [SEGMENTS[0] | {"category_id": category}, SEGMENTS[1]],
            }
        ],
        "categories": [
            {"id": 1, "name": "square", "isthing": 1},
            {"id": 2, "name": "ground", "isthing": 0},
        ],
    }
    (folder / "panoptic.json").write_text(json.dumps(content))
    return folder


def bomb() -> bytes:
    """A PNG of a kilobyte that promises 30000x30000 pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30000, 30000, 8, 2, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with good and bad input of every kind."""
    good = write_dataset(tmp_path / "good")
    write_dataset(tmp_path / "unlisted", id_in_map=7)
    write_dataset(tmp_path / "category", category=9)
    write_dataset(tmp_path / "size", height=41)
    for name in ("images_gone", "bombs", "empty"):
        (tmp_path / name).mkdir()
    for name in ("images_gone", "bombs"):
        shutil.copytree(good, tmp_path / name, dirs_exist_ok=True)
    (tmp_path / "images_gone" / "images" / "a.png").unlink()
    (tmp_path / "bombs" / "images" / "a.png").write_bytes(bomb())
    (tmp_path / "bomb.png").write_bytes(bomb())
    whole = (good / "images" / "a.png").read_bytes()
    (tmp_path / "truncated.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "file").write_text("")
    monkeypatch.chdir(tmp_path)
    return tmp_path


EVALUATE = "evaluate --truth good/panoptic.json --prediction"
TINY = "method.backbone.name=lcnet_050 method.backbone.pretrained=false"
TRAIN = f"train discriminative-facades workers=0 export=false {TINY}"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("predict bomb.png", "`bomb.png` must be an image of at most 89478485 pixels, got one of 30000x"),
        ("predict truncated.png", "`truncated.png` must be a readable image"),
        ("predict missing.png", "`images` must be files or folders that exist, got missing.png"),
        ("predict empty", "`empty` must be a folder with pictures"),
        ("predict good/images --out file/out", "`out` must be a folder that can be written, got file/out"),
        ("predict good/images --model nuclie", "Did you mean `nuclei`?"),
        (f"{EVALUATE} unlisted/panoptic.json", "`unlisted/panoptic/a.png` must be made of ids that its JSON"),
        (
            f"{EVALUATE} category/panoptic.json",
            "must be made of the truth's categories, got 9 for segment 1 of a.png",
        ),
        (f"{EVALUATE} size/panoptic.json", "`size/panoptic/a.png` must be as large as its truth, 40x50"),
        (f"{EVALUATE} missing.json", "`missing.json` must be a readable COCO panoptic JSON"),
        (f"{EVALUATE} good/panoptic.json --json file/x.json", "`file/x.json` must be a file in an existing"),
        (f"{TRAIN} data=unlisted", "unlisted/panoptic/a.png: `segments` must be one for each id in the map"),
        (f"{TRAIN} data=category", "must be made of the listed categories, got 9 for segment 1 of a.png"),
        (f"{TRAIN} data=size", "`size/panoptic/a.png` must be 40x50 pixels as its JSON says, got 41x50"),
        (f"{TRAIN} data=images_gone", "`images_gone/images` must be a folder with the images"),
        (f"{TRAIN} data=bombs", "`bombs/images/a.png` must be an image of at most 89478485 pixels"),
        (f"{TRAIN} data=empty", "`empty` must be a COCO panoptic folder"),
        (f"{TRAIN} data=good scheduel.steps=4", "`scheduel.steps` must be a key of the recipe"),
        (f"{TRAIN} data=good schedule.steps=4.5", "`schedule.steps` must be a whole number, got '4.5'"),
        (f"{TRAIN} data=good --out file/run", "`out` must be a folder that can be written"),
        ("train discriminative-facade data=good", "Did you mean `discriminative-facades`?"),
        ("frobnicate", "`frobnicate` is no command"),
    ],
)
def test_bad_input_gets_one_sentence_and_exit_code_2(here: Path, capsys: Any, command: str, sentence: str):
    assert main(command.split()) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert sentence in line
    left = {path.name for path in here.rglob("*") if path.name.endswith(".partial")}
    assert not left
    assert not (here / "out").exists()


def test_an_unknown_option_is_refused_with_what_exists(here: Path, capsys: Any):
    with pytest.raises(SystemExit) as stopped:
        main(["predict", "good/images", "--batchsize", "2"])
    assert stopped.value.code == 2
    assert "--batch-size" in capsys.readouterr().err


def test_a_broken_image_among_good_ones_is_named_at_the_end(here: Path, capsys: Any):
    shutil.copy("truncated.png", "good/images/b.png")
    assert main(["predict", "good/images", "--out", "found"]) == 1
    assert "1 of 2 failed" in capsys.readouterr().err
    assert (here / "found" / "panoptic" / "a.png").is_file()
