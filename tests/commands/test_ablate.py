"""Studies from the command line: tables, claims, what is refused, and whole studies of a few steps."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from PIL import Image

import intarsia
from intarsia.engine.study_table import StudyResult
from intarsia.errors import InputError
from intarsia.recipes.find import find_study
from intarsia.recipes.study import Claim, DataName, Row, Study
from tests.engine.tiny import OVERRIDES

FAR = "method.decoding.seed_threshold=0.9"
TINY = (*OVERRIDES, "schedule.steps=2", "schedule.evaluate_every=2")
SMALL_DETECTION = (
    "method.detection.proposals=20",
    "method.detection.box_width=16",
    "method.detection.mask_width=8",
)


def test_a_table_has_means_spreads_the_paper_s_numbers_and_verdicts():
    columns = dict.fromkeys(("SQ", "RQ", "IoU"), 50.0) | {"APbox": math.nan}
    numbers = {
        "true boxes": [{"PQ": 10.0, **columns}, {"PQ": 14.0, **columns}],
        "predicted boxes": [{"PQ": 11.0, **columns}, {"PQ": 17.0, **columns}],
    }
    result = StudyResult(find_study("unified-H", "facades"), numbers)
    text = result.as_markdown()
    assert "| true boxes | 12.0 ± 2.8 (58.6) | 50.0 ± 0.0 (80.0) |" in text
    said = "predicted boxes above true boxes in PQ: holds here (14.0 and 12.0; in 2 of 2 seeds)"
    assert said in text
    assert "| – (36.8) |" in text
    assert "predicted boxes above true boxes in APbox: cannot be said here" in text
    assert [verdict.holds for verdict in result.verdicts] == [True, False]


def other_seeds(on: DataName) -> Study:
    """A study of somebody else, found as `file.py:function`."""
    return Study(
        title="Seeds",
        columns=("PQ", "PQth"),
        rows=(
            Row(name="base", recipe="hle-facades", run="base"),
            Row(
                name="far", recipe="hle-facades", run="base", decoding=("method.decoding.seed_threshold=0.9",)
            ),
            Row(name="bce", recipe="hle-facades", run="bce", overrides=("method.loss.instance_loss=bce",)),
        ),
        claims=(Claim("base", "=", "far"), Claim("base", ">", "bce", "PQth")),
        seeds=1,
    )


@pytest.mark.slow
def test_a_study_goes_on_where_it_was_stopped_and_other_settings_are_refused(streets, tmp_path, capsys):
    def run(*extra: str, **options):
        name = f"{Path(__file__)}:other_seeds"
        return intarsia.ablate(name, (*TINY, f"data={streets}", *extra), out=str(tmp_path), **options)

    assert list(run(only=("far",)).numbers) == ["base", "far"]
    checkpoint = tmp_path / "hle-facades-base-0" / "checkpoint.pt"
    written = checkpoint.stat().st_mtime_ns
    result = run()
    assert list(result.numbers) == ["base", "far", "bce"]
    assert checkpoint.stat().st_mtime_ns == written
    assert len(json.loads((tmp_path / "hle-facades-base-0" / "measured.json").read_text())) == 2
    content = json.loads((tmp_path / "other_seeds-facades.json").read_text())
    assert content["numbers"]["bce"][0]["PQ"] == result.numbers["bce"][0]["PQ"]
    assert [claim["holds"] for claim in content["claims"]] == [v.holds for v in result.verdicts]
    assert (tmp_path / "other_seeds-facades.md").read_text() == result.as_markdown()
    assert result.as_markdown() in capsys.readouterr().out
    with pytest.raises(InputError, match="got others of schedule.steps"):
        run("schedule.steps=4")


@pytest.mark.slow
def test_an_override_that_a_row_has_no_place_for_is_left_out_and_said(streets, tmp_path, capsys):
    """Table I of Li et al.: Panoptic FPN has no `decoder`."""
    overrides = (*TINY, *SMALL_DETECTION, f"data={streets}", "method.decoder.width=16")
    result = intarsia.ablate("unified-I", overrides, seeds=1, out=str(tmp_path))
    said = capsys.readouterr().out
    assert "method.decoder.width=16 has no place in Panoptic FPN, Panoptic FPN, trimmed." in said
    assert len(result.numbers) == 4
    assert not math.isnan(result.numbers["D2"][0]["IoUst"])


@pytest.mark.slow
def test_the_tables_of_the_cut_train_one_baseline_and_go_on_from_it(streets, tmp_path):
    small = [f"method.affinity.{key}" for key in ("width=16", "classifier_width=8", "distances=1,4")]
    overrides = (*TINY, *small, f"data={streets}")
    first = intarsia.ablate("cops-4", overrides, seeds=1, out=str(tmp_path))
    assert list(first.numbers) == ["baseline", "separate losses", "end to end"]
    folders = {path.name for path in tmp_path.iterdir() if path.is_dir()}
    assert folders == {
        "cops-facades-base-0",
        "cops-facades-e2e-separate-losses-0",
        "cops-facades-e2e-end-to-end-0",
    }
    told = intarsia.ablate("cops-7", overrides, seeds=1, out=str(tmp_path))
    assert told.numbers["baseline, semantic oracle"][0]["mIoU"] > told.numbers["baseline"][0]["mIoU"]
    assert {path.name for path in tmp_path.iterdir() if path.is_dir()} == folders
    recipe = json.loads((tmp_path / "cops-facades-e2e-end-to-end-0" / "recipe.json").read_text())
    assert recipe["tree"]["initial"] == str(tmp_path / "cops-facades-base-0" / "best")


@pytest.mark.slow
def test_every_second_run_may_start_from_one_kept_model(streets, tmp_path):
    small = [f"method.affinity.{key}" for key in ("width=16", "classifier_width=8", "distances=1,4")]
    overrides = (*TINY, *small, f"data={streets}")
    intarsia.ablate("cops-1", overrides, seeds=1, only=("baseline",), out=str(tmp_path / "first"))
    start = tmp_path / "first" / "cops-facades-base-0" / "best"
    result = intarsia.ablate("cops-1", overrides, seeds=2, start=str(start), out=str(tmp_path / "second"))
    # nothing was trained in the place of the first run, and both seeds measured the same model
    folders = {path.name for path in (tmp_path / "second").iterdir() if path.is_dir()}
    assert folders == {"start", "cops-facades-e2e-end-to-end-0", "cops-facades-e2e-end-to-end-1"}
    assert result.numbers["baseline"][0] == pytest.approx(result.numbers["baseline"][1], nan_ok=True)
    recipe = json.loads((tmp_path / "second" / "cops-facades-e2e-end-to-end-1" / "recipe.json").read_text())
    assert recipe["tree"]["initial"] == str(tmp_path / "second" / "start" / "best")
    # another model is not measured under the first one's name
    other = tmp_path / "second" / "cops-facades-e2e-end-to-end-0" / "best"
    with pytest.raises(InputError, match="`start` must be the model that is in .*Take another `out`"):
        intarsia.ablate("cops-1", overrides, seeds=1, start=str(other), out=str(tmp_path / "second"))
    with pytest.raises(
        InputError, match="`start` must be left out of a study whose rows start from no other"
    ):
        intarsia.ablate("hle", (f"data={streets}",), start=str(start), out=str(tmp_path / "third"))


@pytest.mark.slow
def test_sticks_are_drawn_compared_and_plotted(tmp_path, monkeypatch):
    monkeypatch.setattr("intarsia.commands.ablate.NUM_STICKS", (3, 2))
    result = intarsia.ablate("sticks", (*TINY, *SMALL_DETECTION), on="sticks", out=str(tmp_path))
    assert len(result.numbers) == 4
    assert (tmp_path / "drawn-sticks" / "train" / "panoptic.json").is_file()
    assert (tmp_path / "sticks-sticks.png").stat().st_size > 1000
    with Image.open(tmp_path / "sticks-sticks-answers.png") as sheet:
        assert sheet.width > 6 * 256  # photo, truth and four answers beside each other
        assert sheet.height > 2 * 256
    assert set(result.numbers["boxes and masks"][0]) >= {"recall apart", "recall crossing", "APbox"}


@pytest.mark.slow
def test_table_2_has_two_rows_a_network_and_size_and_a_plot(streets, tmp_path):
    tiny = [text for text in TINY if "backbone" not in text]
    result = intarsia.ablate(f"{Path(__file__)}:two_networks", (*tiny, f"data={streets}"), out=str(tmp_path))
    assert list(result.numbers) == ["ENet 64x64", "ENet 64x64, true semantics"]
    own, told = (numbers[0] for numbers in result.numbers.values())
    assert own["params"] == told["params"] < 1
    assert (tmp_path / "two_networks-facades.png").is_file()


def two_networks(on: DataName) -> Study:
    """Table 2 of one network and size of drawn streets."""
    from intarsia.recipes.studies.discriminative import NETWORKS, networks

    return networks(on, {"ENet": NETWORKS["ENet"]}, ["64x64"], category="car")


def test_mistakes_are_told(tmp_path):
    def refused(message: str, *arguments, **options):
        with pytest.raises(InputError, match=message):
            intarsia.ablate(*arguments, out=str(tmp_path), **options)

    refused("`study` must be a shipped study or module:function, got 'hl'.*Did you mean `hle`", "hl")
    refused("`only` must be names of the study's rows, got 'H99'", "hle", ("data=x",), only=("H2", "H99"))
    refused("`seeds` must be at least 0, got -1", "hle", ("data=x",), seeds=-1)
    refused("`data` must be a data set folder, got none", "hle")
    refused("`method.loss.x` must be a key of the recipe", "hle", ("data=x", "method.loss.x=3"))
    refused("`schedule.steps` must be a whole number", "hle", ("data=x", "schedule.steps=many"))
    refused("a function that returns a Study", f"{Path(__file__)}:no_study", ("data=x",))
    assert not list(tmp_path.iterdir())


def no_study(on: DataName) -> int:
    return 3
