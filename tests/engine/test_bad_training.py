"""What training refuses on the command line: one clear sentence, exit code 2, and nothing half-written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from intarsia.cli import main
from tests.broken_data import write_broken_data

TINY = "method.backbone.name=lcnet_050 method.backbone.pretrained=false"
TRAIN = f"train discriminative-facades workers=0 export=false {TINY}"


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
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
    ],
)
def test_bad_data_and_keys_get_one_sentence_and_exit_code_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any, command: str, sentence: str
):
    write_broken_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert main(command.split()) == 2
    [line] = capsys.readouterr().err.strip().splitlines()
    assert sentence in line
    left = {path.name for path in tmp_path.rglob("*") if path.name.endswith(".partial")}
    assert not left
    assert not (tmp_path / "runs").exists()
