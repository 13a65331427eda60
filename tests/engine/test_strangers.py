"""A method from somebody's file trains, loads, continues and is a start, by its class named each time."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import intarsia
from intarsia.cli import main
from intarsia.errors import InputError
from intarsia.pictures.reading import read_size
from tests.engine.tiny import losses_of

ROOT = Path(__file__).parents[2]
FILE = ROOT / "examples" / "contour_method.py"
CLASS = f"{FILE}:ContourMethod"
QUICK = (
    "batch_size=2",
    "workers=0",
    "threads=1",
    "export=false",
    "device=cpu",
    "schedule.steps=2",
    "schedule.evaluate_every=2",
    "augmentation.crop=64,64",
)


@pytest.fixture(scope="module")
def run(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("stranger") / "run"
    return intarsia.train(f"{FILE}:sticks", (*QUICK, f"data={streets}"), out=str(out))


def test_the_files_name_the_class(run):
    assert json.loads((run / "best" / "config.json").read_text())["method"] == "contour_method:ContourMethod"
    assert json.loads((run / "recipe.json").read_text())["method"] == "contour_method:ContourMethod"


def test_it_loads_where_its_class_is_named_and_nowhere_else(run):
    image = torch.zeros(3, 20, 30)
    assert intarsia.load(run / "best", method=CLASS).predict(image).size == (20, 30)
    with pytest.raises(InputError, match=r"If its file is yours .* --method FILE.py:ContourMethod"):
        intarsia.load(run / "best")
    with pytest.raises(InputError, match="must be a model of"):
        intarsia.load(run / "best", method="PanopticFpn")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no_such_file.py:X", "`method` must be in a Python file that exists"),
        (f"{FILE}:Missing", "`method` must be a name in"),
        (f"{FILE}:sticks", "`method` must be a subclass of"),
        ("Panoptic", "`method` must be one that ships, or file.py:Class"),
    ],
)
def test_a_class_that_is_none_is_refused(run, name, message):
    with pytest.raises(InputError, match=message):
        intarsia.load(run / "best", method=name)


def test_a_run_continues_from_any_folder_where_its_class_is_named(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["train", str(run), "schedule.steps=3"]) == 2
    assert "--method FILE.py:ContourMethod" in capsys.readouterr().err
    assert main(["train", str(run), "schedule.steps=3", "--method", CLASS]) == 0
    assert 3 in losses_of(run)


def test_its_model_is_a_start_for_ours_without_any_of_its_code(run, streets, tmp_path, capsys):
    """lcnet_050 in both: the backbone is taken, the rest is said to be fresh."""
    backbone = ("method.backbone.name=lcnet_050", "method.backbone.pretrained=false")
    start = (*QUICK, *backbone, f"data={streets}", f"initial={run / 'best'}")
    intarsia.train("discriminative-facades", start, out=str(tmp_path / "tuned"))
    assert "Starts from" in (said := capsys.readouterr().out)
    assert "(backbone" in said
    assert "fresh:" in said


def test_it_is_fine_tuned_from_ours_on_the_same_backbone(streets, tmp_path, capsys):
    start = ("train", f"{FILE}:sticks", *QUICK, f"data={streets}", "initial=facades")
    where = ("--out", str(tmp_path / "tuned"))
    assert main([*start, *where]) == 2
    assert "With method.backbone.name=tf_efficientnet_lite0 its backbone is" in capsys.readouterr().err
    assert not (tmp_path / "tuned" / "best").exists()
    assert main([*start, "method.backbone.name=tf_efficientnet_lite0", *where]) == 0
    printed = capsys.readouterr().out
    assert "Starts from facades" in printed
    assert "(backbone" in printed
    assert intarsia.load(tmp_path / "tuned" / "best", method=CLASS).predict(torch.zeros(3, 9, 9)).size == (
        9,
        9,
    )


def test_the_commands_take_its_class(run, tmp_path, capsys):
    photo = str(tmp_path / "a.png")
    Image.fromarray(np.full((40, 50, 3), 90, np.uint8)).save(photo)
    named = ["--model", str(run / "best"), "--method", CLASS]
    assert main(["predict", photo, *named, "--out", str(tmp_path / "out")]) == 0
    [row] = json.loads((tmp_path / "out" / "panoptic.json").read_text())["images"]
    assert (row["file_name"], row["height"], row["width"]) == ("a.png", 40, 50)
    # it has neither an embedding nor affinities to show, and decodes by code of its own
    assert main(["explain", photo, "--pixel", "3,4", *named, "--out", str(tmp_path / "a.jpg")]) == 2
    assert "`model` must be of a method with a `pixel_field`" in capsys.readouterr().err
    assert main(["export", str(run / "best"), "--method", CLASS]) == 2
    assert "`method` must be decoded without code of its own" in capsys.readouterr().err


def test_a_class_of_one_s_own_trains_by_a_shipped_recipe(streets, tmp_path):
    path = tmp_path / "halved_of_a_test.py"
    path.write_text(
        "from intarsia.methods.discriminative import DiscriminativeEmbedding\n"
        "class Halved(DiscriminativeEmbedding):\n"
        "    def losses(self, output, targets):\n"
        "        return {k + '_half': v / 2 for k, v in super().losses(output, targets).items()}\n"
    )
    backbone = ("method.backbone.name=lcnet_050", "method.backbone.pretrained=false")
    asked = (*QUICK, *backbone, f"data={streets}")
    run = intarsia.train("discriminative-facades", asked, out=str(tmp_path / "run"), method=f"{path}:Halved")
    assert "loss/embedding_half" in (run / "metrics.csv").read_text()
    assert type(intarsia.load(run / "last", method=f"{path}:Halved").method).__name__ == "Halved"
    # what a shipped decoder decodes is explained, and leaves torch, under the same name
    photo = str(next((streets / "val" / "images").iterdir()))
    named = ["--method", f"{path}:Halved"]
    drawn = tmp_path / "explained.png"
    asked_for = ["explain", photo, "--pixel", "3,4", "--model", str(run / "last"), "--out", str(drawn)]
    assert main([*asked_for, *named]) == 0
    assert drawn.is_file()
    assert main(["export", str(run / "last"), *named]) == 0
    height, width = read_size(photo)
    assert intarsia.load(run / "last", backend="onnxruntime").predict(photo).size == (height, width)
    with pytest.raises(InputError, match="a class of the recipe's settings, PanopticDeepLabConfig"):
        intarsia.train("deeplab-facades", asked, method=f"{path}:Halved")


def test_a_recipe_from_a_file_that_is_gone_continues_where_its_method_ships(streets, tmp_path, monkeypatch):
    path = tmp_path / "recipes_of_a_test.py"
    path.write_text("from tests.engine.tiny import two_instances")
    backbone = ("method.backbone.name=lcnet_050", "method.backbone.pretrained=false")
    monkeypatch.chdir(tmp_path)
    run = intarsia.train(
        "recipes_of_a_test.py:two_instances", (*QUICK, *backbone, f"data={streets}"), out="run"
    ).resolve()
    path.unlink()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    intarsia.train(str(run), ("schedule.steps=3",))
    assert 3 in losses_of(run)
