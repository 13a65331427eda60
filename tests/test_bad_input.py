"""Bad input on the command line: one clear sentence, exit code 2, and nothing half-written beside it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from intarsia.cli import main
from tests.broken_data import write_broken_data


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with good and bad input of every kind."""
    write_broken_data(tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


EVALUATE = "evaluate --truth good/panoptic.json --prediction"


ARCHIVES = ("zip", "tar", "gztar")


@pytest.mark.parametrize("kind", ARCHIVES)
@pytest.mark.parametrize(
    "command",
    [
        "predict {} --out out",
        "inspect {}",
        "convert labels {} out",
        "convert coco-instances {} out",
        "evaluate --truth {} --prediction good/panoptic.json",
        "evaluate --truth good/panoptic.json --prediction {}",
    ],
)
def test_an_archive_is_to_be_unpacked_first(here: Path, capsys: Any, command: str, kind: str):
    archive = Path(shutil.make_archive("export", kind, "good")).name
    name = {"zip": "a ZIP", "tar": "a tar", "gztar": "a gzip"}[kind]
    assert main(command.format(archive).split()) in (1, 2)
    said = " ".join(capsys.readouterr().err.split())
    assert f"`{archive}` must be " in said
    assert f"got {name} archive. Unpack it and give the folder." in said


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (f"{EVALUATE} good/panoptic/a.png", "COCO panoptic JSON, got a PNG. Give the folder that it is in."),
        ("predict bomb.png", "`bomb.png` must be an image of at most 89478485 pixels, got one of 30000x"),
        ("predict truncated.png", "`truncated.png` must be a readable image"),
        ("predict missing.png", "`images` must be files or folders that exist, got missing.png"),
        ("predict empty", "`empty` must be a folder with pictures"),
        ("predict good/images --out file/out", "`out` must be a folder that can be written, got file/out"),
        ("predict good/images --model nuclie", "Did you mean `nuclei`?"),
        (f"predict good/images --model {'x' * 5000}", "or a folder with a saved one, got 5000 characters."),
        ("predict good/images --model [/b]", "a folder with a saved one, got '[/b]'. Known: facades"),
        (f"{EVALUATE} unlisted/panoptic.json", "`unlisted/panoptic/a.png` must be made of ids that its JSON"),
        (
            f"{EVALUATE} category/panoptic.json",
            "must be made of the truth's categories, got 9 for segment 1 of a.png",
        ),
        (f"{EVALUATE} size/panoptic.json", "`size/panoptic/a.png` must be as large as its truth, 40x50"),
        (f"{EVALUATE} missing.json", "`missing.json` must be a readable COCO panoptic JSON"),
        (f"{EVALUATE} good/panoptic.json --json file/x.json", "`file/x.json` must be a file in an existing"),
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
