"""A run in parts gives the files of a run in one process, whoever is killed and however often it is begun."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import intarsia
from intarsia.commands import ranks
from intarsia.commands.photo_pages import PhotoPage
from intarsia.commands.photo_run import PhotoSettings
from intarsia.commands.photos import Photo
from intarsia.commands.ranks import Rank
from intarsia.commands.shards import Shards, ShardWork, parts_of
from intarsia.errors import InputError, PartialFailure

OUTPUTS = ("coco", "labels", "table", "geojson", "instances")
CODE = "import sys; from intarsia.cli import main; sys.exit(main(sys.argv[1:]))"


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six that can be read, two of them of names that meet, and one that cannot."""
    folder = tmp_path_factory.mktemp("photos")
    generator = np.random.default_rng(0)
    for name in ("a.png", "a.tif", "b.png", "c.png", "d.png", "e.png"):
        pixels = generator.integers(0, 255, (7, 10, 3), np.uint8)
        Image.fromarray(pixels).resize((60, 42)).save(folder / name)
    (folder / "broken.png").write_text("no picture")
    return folder


@pytest.fixture(scope="module")
def whole(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one process."""
    out = tmp_path_factory.mktemp("whole")
    with pytest.raises(PartialFailure, match="1 of 7 failed"):
        intarsia.predict((str(photos),), out=str(out), write=OUTPUTS, threads=1)
    return out


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_ranks_that_share_the_work_give_the_files_of_one_process(photos: Path, whole: Path, tmp_path: Path):
    command = [sys.executable, "-c", CODE, "predict", str(photos), "--out", str(tmp_path), "--threads", "1"]
    environment = {**os.environ, "WORLD_SIZE": "2"}
    ranks = [
        subprocess.Popen(
            [*command, "--write", *OUTPUTS],
            env={**environment, "RANK": str(number)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for number in range(2)
    ]
    said = [rank.communicate() for rank in ranks]
    assert [rank.returncode for rank in ranks] == [1, 0]
    assert "1 of 7 failed" in said[0][1]
    assert files_of(tmp_path) == files_of(whole)


def settings_of(out: Path) -> PhotoSettings:
    return PhotoSettings(model="facades", out=out, overlays=None, threads=1)


def photos_of(folder: Path) -> list[Photo]:
    return [
        Photo(path.name, path.stem + path.suffix[1:], number, PhotoPage(path, None))
        for number, path in enumerate(sorted(folder.iterdir()), start=1)
    ]


def test_finished_parts_are_not_predicted_again(photos: Path, tmp_path: Path):
    settings, parts = settings_of(tmp_path), parts_of(photos_of(photos))
    shards = Shards.of(settings, parts)
    shards.begin()
    work = pickle.loads(pickle.dumps(ShardWork(settings, shards)))
    settings.load().make_folders()
    assert work((0, parts[0])) == len(parts[0])
    assert shards.parts_to_do() == list(range(1, len(parts)))
    map_file = tmp_path / "panoptic" / f"{parts[0][0].stem}.png"
    map_file.unlink()
    assert work((0, parts[0])) == len(parts[0])
    assert not map_file.exists()


def test_parts_of_other_photos_settings_or_models_never_mix(photos: Path, tmp_path: Path):
    parts = parts_of(photos_of(photos))
    settings = settings_of(tmp_path)
    same = Shards.of(settings, parts)
    assert Shards.of(settings_of(tmp_path), parts_of(photos_of(photos))).folder == same.folder
    assert Shards.of(settings, parts[:-1]).folder != same.folder
    for name, value in (("model", "nuclei"), ("write", ("table",)), ("category", "window"), ("threads", 2)):
        other = PhotoSettings(**{**vars(settings), name: value})
        assert Shards.of(other, parts).folder != same.folder, name
    (photos / "broken.png").write_text("still no picture")
    assert Shards.of(settings, parts).folder != same.folder


def test_a_folder_that_one_machine_does_not_see_is_told(photos: Path, tmp_path: Path):
    settings, parts = settings_of(tmp_path / "out"), parts_of(photos_of(photos)[:1])
    settings.load().make_folders()
    with pytest.raises(InputError, match="`out` must be a folder that all machines see, got .*out, which"):
        ShardWork(settings, Shards.of(settings, parts))((0, parts[0]))


def test_a_run_in_which_no_photo_can_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "a.png").write_text("no picture")
    for name, value in {"RANK": "0", "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=r"a.png` must be a readable image"):
        intarsia.predict((str(tmp_path / "a.png"),), out=str(tmp_path / "out"))


def test_options_that_need_many_processes_are_refused_without(photos: Path, tmp_path: Path):
    with pytest.raises(InputError, match="`workers` must be used with `cluster`, got 2"):
        intarsia.predict((str(photos),), out=str(tmp_path), workers=2)
    with pytest.raises(InputError, match="`cluster` must be HOST:PORT of a Ray cluster, got 'photo'"):
        intarsia.predict((str(photos),), out=str(tmp_path), cluster="photo")


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({"RANK": "4", "WORLD_SIZE": "4"}, "`RANK` must be below WORLD_SIZE, 4, got 4"),
        ({"RANK": "first", "WORLD_SIZE": "4"}, "`RANK` must be a whole number, as WORLD_SIZE, got first, 4"),
    ],
)
def test_ranks_that_contradict_each_other_are_refused(environment: dict[str, str], sentence: str):
    with pytest.raises(InputError, match=sentence):
        Rank.of(environment)


def test_a_process_that_was_started_alone_is_no_rank():
    assert Rank.of({}) is None
    assert Rank.of({"RANK": "0", "WORLD_SIZE": "1"}) is None


def test_the_first_rank_says_what_it_waits_for(tmp_path: Path):
    said: list[int] = []
    left = [[1, 3, 5], [3, 5], [3, 5], []]
    Rank(0, 2).wait(lambda: left.pop(0), tmp_path, tell=said.append, pause=lambda: None)
    assert said == [3, 2]


def test_a_rank_that_ends_before_its_parts_are_done_ends_the_waiting(tmp_path: Path):
    """It takes its sign of life away, however it ends; nobody waits longer."""
    looks = 0

    def end_after_two_looks() -> None:
        nonlocal looks
        looks += 1
        if looks == 2:
            (tmp_path / "rank-1.alive").unlink()

    with Rank(1, 2).showing_life(tmp_path):
        sign = tmp_path / "rank-1.alive"
        assert sign.is_file()
    assert not sign.exists()
    sign.touch()
    with pytest.raises(
        InputError, match=r"got rank 1 ended, with parts left to do: 2. The same command goes on"
    ):
        Rank(0, 2).wait(lambda: [1, 3], tmp_path, tell=lambda left: None, pause=end_after_two_looks)
    assert looks == 2


def test_a_rank_that_shows_no_life_ends_the_waiting_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One that was killed leaves its sign; one that never came has none. One that lives is waited for."""
    monkeypatch.setattr(ranks, "PATIENCE_S", 0.3)
    monkeypatch.setattr(ranks, "BEAT_S", 0.02)
    (tmp_path / "rank-2.alive").touch()
    began = time.monotonic()
    with (
        Rank(1, 3).showing_life(tmp_path),
        pytest.raises(InputError, match="got rank 2 ended, with parts left to do: 2"),
    ):
        Rank(0, 3).wait(lambda: [1, 2], tmp_path, tell=lambda left: None, pause=lambda: time.sleep(0.01))
    assert time.monotonic() - began > 0.3
    with pytest.raises(InputError, match="got rank 1 ended, with parts left to do: 1"):
        Rank(0, 2).wait(lambda: [1], tmp_path, tell=lambda left: None, pause=lambda: time.sleep(0.01))


@pytest.mark.skipif(sys.platform == "win32", reason="has no SIGKILL")
def test_the_first_rank_says_that_another_was_killed_and_goes_on_when_started_again(
    photos: Path, whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Rank 1 is stopped while it works; rank 0 waits in this process, and does the rest the next time."""
    command = [sys.executable, "-c", CODE, "predict", str(photos), "--out", str(tmp_path), "--threads", "1"]
    environment = {**os.environ, "WORLD_SIZE": "2", "RANK": "1"}
    other = subprocess.Popen([*command, "--write", *OUTPUTS], env=environment, stderr=subprocess.PIPE)
    while not list(tmp_path.glob(".shards/*/rank-1.alive")):
        assert other.poll() is None
    other.kill()
    other.communicate()
    options = {"out": str(tmp_path), "write": OUTPUTS, "threads": 1}
    monkeypatch.setattr(ranks, "PATIENCE_S", 0.5)
    with monkeypatch.context() as patch:
        patch.setenv("RANK", "0")
        patch.setenv("WORLD_SIZE", "2")
        with pytest.raises(
            InputError, match=r"`RANK` must be that .*, got rank 1 ended, with parts left to do: \d"
        ):
            intarsia.predict((str(photos),), **options)
    again = [
        subprocess.Popen(
            [*command, "--write", *OUTPUTS], env=environment | {"RANK": n}, stderr=subprocess.DEVNULL
        )
        for n in "01"
    ]
    assert [process.wait() for process in again] == [1, 0]
    assert files_of(tmp_path) == files_of(whole)


@pytest.mark.skipif(sys.platform != "linux", reason="one launcher is like another")
def test_torchrun_gives_the_files_of_one_process(photos: Path, whole: Path, tmp_path: Path):
    pytest.importorskip("torch")
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--no-python"]
    command = [sys.executable, "-c", CODE, "predict", str(photos), "--out", str(tmp_path), "--threads", "1"]
    done = subprocess.run([*launcher, *command, "--write", *OUTPUTS], capture_output=True, text=True)
    assert "1 of 7 failed" in done.stderr
    assert done.returncode == 1  # of the photo that is broken
    assert files_of(tmp_path) == files_of(whole)
