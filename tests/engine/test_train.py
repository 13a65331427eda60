"""Training: a run folder that holds everything, and a run that continues as if it had never stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

import intarsia
from intarsia.cli import main
from intarsia.engine.checkpoint import load_checkpoint, save_checkpoint
from intarsia.engine.train import Trainer
from intarsia.formats.coco import CocoWriter
from intarsia.methods import CombinatorialPanoptic
from intarsia.methods.load import load
from intarsia.panoptic import Categories, PanopticMap, Segment
from tests.engine.tiny import OVERRIDES, losses_of

TRAIN = [sys.executable, "-c", "import sys; from intarsia.cli import main; sys.exit(main())", "train"]


@pytest.fixture(scope="module")
def finished(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of six steps, unbroken."""
    out = tmp_path_factory.mktemp("runs") / "whole"
    return intarsia.train("discriminative-facades", (*OVERRIDES, f"data={streets}"), out=str(out))


def test_a_run_folder_holds_recipe_numbers_curves_pictures_and_models(finished):
    names = {path.name for path in finished.iterdir()}
    assert names >= {"recipe.json", "metrics.csv", "curves.png", "pictures", "tensorboard", "best", "last"}
    recipe = json.loads((finished / "recipe.json").read_text())
    assert recipe["recipe"] == "discriminative-facades"
    assert recipe["version"] == intarsia.__version__
    assert recipe["tree"]["schedule"]["steps"] == 6
    assert sorted(losses_of(finished)) == [1, 2, 3, 4, 5, 6]
    assert not list(finished.rglob("*partial*"))


@pytest.mark.parametrize("which", ["best", "last"])
def test_the_models_of_a_run_load_and_predict(finished, streets, which):
    model = intarsia.load(str(finished / which))
    image = next((streets / "val" / "images").iterdir())
    assert model.predict(str(image)).size == (256, 512)


def test_a_run_killed_in_the_middle_reaches_the_losses_of_an_unbroken_one(finished, streets, tmp_path):
    out = tmp_path / "broken"
    start = [*TRAIN, "discriminative-facades", *OVERRIDES, f"data={streets}", "--out", str(out)]
    process = subprocess.Popen(start, stdout=subprocess.DEVNULL)
    while not (out / "checkpoint.pt").is_file() and process.poll() is None:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    reached = load_checkpoint(out / "checkpoint.pt")["step"]
    assert reached < 6
    subprocess.run([*TRAIN, str(out)], check=True, stdout=subprocess.DEVNULL)
    assert losses_of(out) == losses_of(finished)


def test_two_processes_train_together(streets, tmp_path):
    out = tmp_path / "two"
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node=2", "--standalone"]
    script = tmp_path / "launch.py"
    script.write_text("from intarsia.cli import main\nraise SystemExit(main())\n")
    arguments = [
        "train",
        "discriminative-facades",
        *OVERRIDES,
        "schedule.steps=2",
        "schedule.evaluate_every=2",
    ]
    subprocess.run([*launch, str(script), *arguments, f"data={streets}", "--out", str(out)], check=True)
    assert sorted(losses_of(out)) == [1, 2]
    assert (out / "best" / "model.safetensors").is_file()


def test_gradient_accumulation_ema_and_bf16_train(streets, tmp_path):
    extra = ("accumulate=2", "precision=bf16", "ema_decay=0.5", "schedule.steps=2")
    out = intarsia.train(
        "deeplab-facades", (*OVERRIDES, *extra, f"data={streets}"), out=str(tmp_path / "run")
    )
    assert sorted(losses_of(out)) == [1, 2]


def test_training_stops_early_when_validation_no_longer_improves(streets, tmp_path):
    extra = ("schedule.steps=50", "schedule.evaluate_every=1", "schedule.patience=2", "optim.lr=1e-12")
    out = intarsia.train(
        "discriminative-facades", (*OVERRIDES, *extra, f"data={streets}"), out=str(tmp_path / "run")
    )
    assert max(losses_of(out)) < 50


def test_a_recipe_may_be_a_function_in_a_file(streets, tmp_path):
    recipe = str(Path(__file__).parent / "tiny.py") + ":two_instances"
    out = intarsia.train(
        recipe, (*OVERRIDES, "schedule.steps=1", f"data={streets}"), out=str(tmp_path / "run")
    )
    assert sorted(losses_of(out)) == [1]


def test_a_folder_without_a_validation_part_holds_out_every_tenth_image(streets, tmp_path):
    out = intarsia.train(
        "discriminative-facades",
        (*OVERRIDES, "schedule.steps=1", f"data={streets / 'train'}"),
        out=str(tmp_path / "run"),
    )
    assert (out / "best" / "model.safetensors").is_file()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (("optim.lrr=1",), "`optim.lrr` must be a key of the recipe.*Did you mean `lr`"),
        (("batch_size=many",), "`batch_size` must be a whole number, got 'many'"),
        (("batch_size=0",), "`batch_size` must be at least 1, got 0"),
        (("data=nowhere",), "nowhere"),
        (
            ("method.grouping.category_score=0.9,0.1",),
            r"`grouping.category_score` must be a score for each of \d+ categories, got 2",
        ),
        (("data=",), "`data` must be a data set folder, got none. Add data=DIR"),
    ],
)
def test_a_wrong_recipe_is_refused_before_a_folder_is_made(streets, tmp_path, overrides, message):
    with pytest.raises(ValueError, match=message):
        intarsia.train("discriminative-facades", (f"data={streets}", *overrides), out=str(tmp_path / "run"))
    assert not (tmp_path / "run").exists()


def test_an_unknown_recipe_names_the_nearest():
    with pytest.raises(ValueError, match="Did you mean `discriminative-facades`"):
        intarsia.train("discriminativ-facades", ())


def test_an_unwritable_folder_is_refused(streets, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="`out` must be a folder that can be written"):
        intarsia.train("discriminative-facades", (f"data={streets}",), out=str(tmp_path / "file" / "run"))


def test_a_finished_run_is_not_overwritten(finished, streets):
    with pytest.raises(ValueError, match=f"intarsia train {finished}"):
        intarsia.train("discriminative-facades", (f"data={streets}",), out=str(finished))


def test_a_loss_that_is_not_a_number_stops_the_run_with_its_name(streets, tmp_path):
    extra = ("optim.lr=1e30", "optim.clip_norm=1e30", "schedule.steps=40", "schedule.warmup=0")
    with pytest.raises(
        ValueError, match=r"`loss/\w+` must be finite, got .* at step \d+ on .*Lower optim.lr"
    ):
        intarsia.train(
            "discriminative-facades", (*OVERRIDES, *extra, f"data={streets}"), out=str(tmp_path / "run")
        )


def test_a_checkpoint_of_another_version_is_refused(tmp_path):
    torch.save({"format": 99}, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match="must be a checkpoint of format 1, got format 99. Start a new run"):
        load_checkpoint(tmp_path / "checkpoint.pt")


def test_a_truncated_checkpoint_is_refused(tmp_path):
    save_checkpoint(tmp_path / "checkpoint.pt", {"step": 3})
    whole = (tmp_path / "checkpoint.pt").read_bytes()
    (tmp_path / "checkpoint.pt").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="must be a complete checkpoint"):
        load_checkpoint(tmp_path / "checkpoint.pt")


def test_a_stranger_s_pickle_is_not_executed(tmp_path):
    class Trap:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "executed"),)

    torch.save({"format": 1, "x": Trap()}, tmp_path / "checkpoint.pt")
    with pytest.raises(ValueError, match="must be a complete checkpoint"):
        load_checkpoint(tmp_path / "checkpoint.pt")
    assert not (tmp_path / "executed").exists()


def write_official_coco(folder: Path, *, images: int) -> Path:
    """Blocks of COCO's 133 categories in the official folders; sizes differ, each photo has a crowd."""
    categories = Categories.named("coco")
    (folder / "annotations").mkdir(parents=True)
    for split in ("train", "val"):
        photos, maps = folder / f"{split}2017", folder / "annotations" / f"panoptic_{split}2017"
        photos.mkdir()
        generator = np.random.default_rng(len(split))
        with CocoWriter(maps.with_suffix(".json"), categories) as writer:
            for number in range(images):
                blocks = np.arange(1, 13, dtype=np.int32).reshape(3, 4)
                ids = np.kron(blocks, np.ones((16, 12 + 4 * number), np.int32))
                chosen = [categories[int(n)] for n in generator.permutation(len(categories))[:12]]
                crowd = next(n for n, category in enumerate(chosen) if category.is_thing)
                segments = [Segment(n + 1, c.id, is_crowd=n == crowd) for n, c in enumerate(chosen)]
                colors = np.array([(0, 0, 0), *(category.color for category in chosen)], np.uint8)
                name = f"{number:012d}.jpg"
                Image.fromarray(colors[ids]).save(photos / name)
                writer.add(name, PanopticMap(ids, segments), image_id=number)
    return folder


def test_the_official_coco_folders_with_133_categories_train_from_the_command_line(tmp_path):
    data = write_official_coco(tmp_path / "coco", images=3)
    arguments = ["train", "discriminative-coco", *OVERRIDES, "schedule.steps=2", f"data={data}"]
    assert main([*arguments, "--out", str(tmp_path / "run")]) == 0
    assert sorted(losses_of(tmp_path / "run")) == [1, 2]
    model = intarsia.load(tmp_path / "run" / "best")
    assert len(model.categories) == 133
    assert model.predict(data / "val2017" / "000000000001.jpg").size == (48, 64)


SMALL_CUT = (
    "method.affinity.distances=1,4",
    "method.affinity.width=16",
    "method.affinity.classifier_width=8",
    "schedule.evaluate_every=6",
)


@pytest.fixture(scope="module")
def tuned(streets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run through the cut beside the one it starts from."""
    folder = tmp_path_factory.mktemp("cut")
    overrides = (*OVERRIDES, *SMALL_CUT, f"data={streets}")
    first = intarsia.train("cops-facades", overrides, out=str(folder / "first"))
    return intarsia.train(
        "cops-facades-e2e", (*overrides, f"initial={first / 'best'}"), out=str(folder / "whole")
    )


def test_a_run_through_the_cut_starts_from_another_one_and_trains_its_heads(tuned):
    before, after = load(tuned.parent / "first" / "best"), load(tuned / "last")
    same = {n: torch.equal(p, dict(after.named_parameters())[n]) for n, p in before.named_parameters()}
    assert all(same[name] for name in same if name.startswith("backbone."))
    assert not all(same[name] for name in same if name.startswith("affinity_head."))


def test_a_run_through_the_cut_continues_with_the_same_lambdas_and_its_memory(
    tuned, streets, tmp_path, monkeypatch
):
    advance = Trainer._advance

    def stopped(trainer, batches):
        if trainer.step == 4:
            raise KeyboardInterrupt
        advance(trainer, batches)

    monkeypatch.setattr(Trainer, "_advance", stopped)
    overrides = (*OVERRIDES, *SMALL_CUT, f"data={streets}", f"initial={tuned.parent / 'first' / 'best'}")
    with pytest.raises(KeyboardInterrupt):
        intarsia.train("cops-facades-e2e", overrides, out=str(tmp_path / "run"))
    monkeypatch.undo()
    intarsia.train(str(tmp_path / "run"))
    assert losses_of(tmp_path / "run") == losses_of(tuned)


def test_a_method_knows_what_its_loss_is_multiplied_with(streets, tmp_path, monkeypatch):
    """Two batches a step: each is half of the loss."""
    seen = []
    losses = CombinatorialPanoptic.losses

    def recorded(method, output, targets):
        seen.append(method.loss_scale)
        return losses(method, output, targets)

    monkeypatch.setattr(CombinatorialPanoptic, "losses", recorded)
    short = ("accumulate=2", "schedule.steps=1", "batch_size=1", f"data={streets}")
    intarsia.train("cops-facades", (*OVERRIDES, *SMALL_CUT, *short), out=str(tmp_path / "run"))
    assert seen == [0.5, 0.5]
