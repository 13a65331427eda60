"""A killed conversion goes on, any number of threads writes the same, and what was written is read again."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from intarsia.categories import Categories
from intarsia.commands import convert as command
from intarsia.errors import PartialFailure
from intarsia.formats.coco import CocoWriter, read_coco, read_map
from intarsia.formats.source import SourcePart
from intarsia.panoptic import PanopticMap, Segment
from tests.formats.written_maps import TABLES

NUM_IMAGES = 10


def name_of(number: int) -> str:
    return f"town_{number:06d}_x"


def write_source(folder: Path, categories: Categories, count: int = NUM_IMAGES) -> Path:
    """Images of two things and one stuff, each with other borders."""
    things, stuff = categories.things[0].id, categories.stuff[0].id
    (folder / "images").mkdir(parents=True)
    with CocoWriter(folder / "panoptic.json", categories) as writer:
        for number in range(count):
            ids = np.repeat([1, 2, 3, 0], [number + 1, 3, 2, 20 - number])[None].repeat(4, axis=0)
            one = PanopticMap(ids, [Segment(1, things), Segment(2, things), Segment(3, stuff)])
            writer.add(f"{name_of(number)}.png", one, image_id=name_of(number))
            Image.new("RGB", (26, 4)).save(folder / "images" / f"{name_of(number)}.png")
    return folder


@pytest.fixture
def source(tmp_path: Path) -> Path:
    return write_source(tmp_path / "in", Categories.named("facades"))


def wait_for(condition: Any, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 100
    while not condition():
        assert process.poll() is None, "the conversion ended by itself"
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs a file that blocks whoever reads it")
def test_a_killed_conversion_goes_on_where_it_was(source: Path, tmp_path: Path):
    """The sixth map is a pipe nobody writes to: five images are finished when the process is killed."""
    out, sixth = tmp_path / "out", source / "panoptic" / f"{name_of(5)}.png"
    kept = sixth.read_bytes()
    sixth.unlink()
    os.mkfifo(sixth)
    code = "import sys; from intarsia.cli import main; sys.exit(main(sys.argv[1:]))"
    arguments = ["convert", "coco", str(source), str(out), "--workers", "1"]
    process = subprocess.Popen([sys.executable, "-c", code, *arguments], stdout=subprocess.DEVNULL)
    journal = out / "all.unfinished"
    wait_for(lambda: journal.exists() and journal.read_text().count('"done"') == 5, process)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (out / "panoptic.json").exists()
    written = out / "panoptic" / f"{name_of(0)}.png"
    before = written.stat().st_mtime_ns
    journal.write_text(journal.read_text() + '{"id": "cut o')
    sixth.unlink()
    sixth.write_bytes(kept)
    first = source / "panoptic" / f"{name_of(0)}.png"
    first.write_bytes(b"not read again")
    command.convert("coco", str(source), str(out))
    assert written.stat().st_mtime_ns == before
    assert len(read_coco(out / "panoptic.json").records) == NUM_IMAGES
    assert not journal.exists()
    assert not list(out.rglob("*.partial"))


def test_any_number_of_workers_writes_the_same_files(source: Path, tmp_path: Path, capsys: Any):
    for workers in (1, 4):
        command.convert("coco", str(source), str(tmp_path / str(workers)), workers=workers)
    one, four = (
        {path.relative_to(tmp_path / name): path.read_bytes() for path in (tmp_path / name).rglob("*.*")}
        for name in ("1", "4")
    )
    assert one == four
    assert len(one) == 2 * NUM_IMAGES + 1
    assert "100%" in capsys.readouterr().out


def spoil(root: Path) -> None:
    """Give the second image what the first one shows, in whatever file the format keeps it."""
    for path in [*root.rglob("*.png"), *root.rglob("*.npy")]:
        if name_of(1) in path.name and "images" not in path.parts:
            shutil.copy(path.with_name(path.name.replace(name_of(1), name_of(0))), path)
    for path in root.rglob("instances_*.json"):
        content = json.loads(path.read_text())
        rows = [row for row in content["annotations"] if row["image_id"] == name_of(1)]
        rows[0]["category_id"] = content["categories"][1]["id"]
        path.write_text(json.dumps(content))
    for path in root.rglob("pages.tif"):
        with Image.open(path) as image:
            pages = []
            for n in range(image.n_frames):  # pyright: ignore[reportAttributeAccessIssue]
                image.seek(n)
                pages.append(image.copy())
        pages[1] = pages[0]
        pages[0].save(path, save_all=True, append_images=pages[1:])


@pytest.mark.parametrize("format", TABLES)
def test_what_was_written_is_read_again(tmp_path: Path, monkeypatch: Any, format: str):
    """Between writing and reading again, one map is spoiled: it is named, and no other."""
    source = write_source(tmp_path / "in", Categories.named(TABLES[format]), count=3)
    target = command.TARGETS[format]

    def finish(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
        target.finish(root, part, rows)
        spoil(root)

    monkeypatch.setitem(command.TARGETS, format, replace(target, finish=finish))
    with pytest.raises(PartialFailure) as failure:
        command.convert("coco", str(source), str(tmp_path / "out"), to=format)
    (sentence,) = failure.value.sentences
    assert sentence.startswith(f"`{name_of(1)}` must be in {tmp_path / 'out'} as it was in the source, got")


def test_a_broken_image_is_named_and_read_the_next_time(source: Path, tmp_path: Path):
    out, broken = tmp_path / "out", source / "panoptic" / f"{name_of(9)}.png"
    kept = broken.read_bytes()
    broken.write_bytes(b"no PNG")
    with pytest.raises(PartialFailure, match=f"1 of 10 failed: .*{name_of(9)}.png` must be a PNG"):
        command.convert("coco", str(source), str(out))
    assert len(read_coco(out / "panoptic.json").records) == 9
    broken.write_bytes(kept)
    command.convert("coco", str(source), str(out))
    assert len(read_coco(out / "panoptic.json").records) == NUM_IMAGES


def test_the_journal_of_another_conversion_is_not_taken_over(source: Path, tmp_path: Path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "all.unfinished").write_text(json.dumps({"conversion": ["labels", "elsewhere", "coco"]}) + "\n")
    with pytest.raises(
        ValueError, match="must be the journal of this conversion, got that of labels elsewhere"
    ):
        command.convert("coco", str(source), str(out))


def rename(source: Path, old: str, new: str) -> None:
    text = (source / "panoptic.json").read_text()
    assert old in text
    (source / "panoptic.json").write_text(text.replace(json.dumps(old), json.dumps(new)))


@pytest.mark.parametrize("name", ["../../evil.png", "/tmp/evil.png", "a/../../evil.png", "nul\0.png"])
@pytest.mark.parametrize("format", ["coco", "labels"])
def test_names_that_lead_out_of_the_folder_are_refused(source: Path, tmp_path: Path, name: str, format: str):
    rename(source, f"{name_of(3)}.png", name)
    with pytest.raises(
        ValueError, match="`file_name` must be a name inside the data set's folder, got '.*png'"
    ):
        command.convert("coco", str(source), str(tmp_path / "out"), to=format)
    assert not (tmp_path / "out").exists()


def test_two_images_of_one_name_are_refused(tmp_path: Path):
    """With numbers for ids a file is called as its photo, without the folder."""
    one = PanopticMap(np.ones((1, 1), int), [Segment(1, 1)])
    with CocoWriter(tmp_path / "in.json", Categories.named("facades")) as writer:
        writer.add("a/1.jpg", one)
        writer.add("b/1.jpg", one)
    with pytest.raises(ValueError, match="images have names of their own, got two named '1'"):
        command.convert("coco", str(tmp_path / "in.json"), str(tmp_path / "out"), to="labels")
    command.convert("coco", str(tmp_path / "in.json"), str(tmp_path / "out"))
    assert {record.map_file for record in read_coco(tmp_path / "out" / "panoptic.json").records} == {
        "a_1.png",
        "b_1.png",
    }


def test_names_with_folders_and_of_other_alphabets_come_back(tmp_path: Path):
    one = PanopticMap(np.ones((2, 3), int), [Segment(1, 1)])
    with CocoWriter(tmp_path / "Häuser 家.json", Categories.named("facades")) as writer:
        writer.add("Straße/家 1.jpg", one, image_id="Straße/家 1")
    for format in ("coco", "labels", "label-stack", "label-divisor", "semantic-instances", "coco-instances"):
        out = tmp_path / f"{format} né"
        command.convert("coco", str(tmp_path / "Häuser 家.json"), str(out), to=format)
        command.convert(format, str(out), str(tmp_path / f"{format} back"))
        [record] = read_coco(tmp_path / f"{format} back" / "panoptic.json").records
        keeps_folders = format in ("coco", "coco-instances")  # the others name images by their files
        assert record.image_id == ("Straße/家 1" if keeps_folders else "Straße_家 1")
        assert record.map_file == "Straße_家 1.png"
        assert [segment.category_id for segment in record.segments] == [1]
        assert (read_map(record, tmp_path / f"{format} back" / "panoptic").ids > 0).sum() == 6


def test_what_cannot_be_written_is_refused(source: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="file` must be writable, got File exists"):
        command.convert("coco", str(source), str(tmp_path / "file"))
    with pytest.raises(ValueError, match="`workers` must be at least 1, got 0"):
        command.convert("coco", str(source), str(tmp_path / "out"), workers=0)


def test_label_images_become_objects_on_a_background_or_as_is_asked(tmp_path: Path):
    (tmp_path / "in").mkdir()
    mask = np.zeros((9, 9), np.uint8)
    mask[1:3, 1:3] = mask[6:8, 6:8] = 255
    Image.fromarray(mask).save(tmp_path / "in" / "a_mask.png")
    source = str(tmp_path / "in")
    with pytest.raises(ValueError, match="a mask of 0 and 255 in 2 pieces. With `--objects pieces`"):
        command.convert("labels", source, str(tmp_path / "refused"))
    for background, names in (("background", ["object", "background"]), ("void", ["object"])):
        out = tmp_path / background
        command.convert("labels", source, str(out), objects="pieces", background=background)
        coco = read_coco(out / "panoptic.json")
        assert list(coco.categories.names) == names
        assert len(coco.records[0].segments) == 2 + (background != "void")
    with pytest.raises(ValueError, match="`objects` must be used with the format `labels`, got 'coco'"):
        command.convert("coco", str(out), str(tmp_path / "no"), objects="pieces")
