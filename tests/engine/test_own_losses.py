"""Losses of one's own: functions in a file, counted beside the method's, without a class."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

import intarsia
from intarsia.data.targets import targets_of
from intarsia.engine.own_losses import OwnLosses
from intarsia.errors import InputError
from intarsia.panoptic import Categories
from tests.engine.tiny import OVERRIDES, losses_of

TARGETS = targets_of(torch.zeros(2, 2, dtype=torch.int32), (), Categories.named("facades"))
FILE = """
import torch
from intarsia.data.targets import at_grid

def dice(output, targets):
    truth = at_grid(targets).semantic
    p = output.semantic_logits.softmax(1)[:, 0]
    inside = (truth == 0).float()
    return 1 - (2 * (p * inside).sum((1, 2)) + 1) / (p.sum((1, 2)) + inside.sum((1, 2)) + 1)

def seven(output, targets):
    return torch.tensor([6.0, 8.0])

def semantic(output, targets):
    return torch.tensor(0.0)

def text(output, targets):
    return "much"

number = 3
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    path = tmp_path / "losses_of_a_test.py"
    path.write_text(FILE)
    return str(path)


def test_each_counts_by_its_mean_and_its_weight(file):
    own = OwnLosses([f"{file}:seven"], [0.5])
    terms = own.terms(None, TARGETS, {"other": torch.tensor(1.0)})
    assert {name: value.item() for name, value in terms.items()} == {"other": 1.0, "seven": 3.5}
    assert OwnLosses([f"{file}:seven"]).weights == (1.0,)
    assert OwnLosses(()).terms(None, TARGETS, {}) == {}


@pytest.mark.parametrize(
    ("functions", "weights", "message"),
    [
        (["seven"], [1.0, 2.0], "`loss_weights` must be 1 number, one a loss, or none"),
        (["seven", "seven"], [], "functions of different names"),
        (["number"], [], "`losses` must be functions, got .*, an int"),
        (["missing"], [], "`losses` must be a name in"),
    ],
)
def test_what_is_no_loss_is_refused(file, functions, weights, message):
    with pytest.raises(InputError, match=message):
        OwnLosses([f"{file}:{name}" for name in functions], weights)


def test_a_term_of_the_method_is_never_replaced_in_silence(file):
    own = OwnLosses([f"{file}:semantic"])
    with pytest.raises(InputError, match="functions of other names than semantic, got semantic"):
        own.terms(None, TARGETS, {"semantic": torch.tensor(1.0)})
    with pytest.raises(InputError, match="a function that returns a tensor, got str"):
        OwnLosses([f"{file}:text"]).terms(None, TARGETS, {})


def test_a_run_trains_with_it_and_continues_only_where_it_is_named_again(
    file, streets, tmp_path, monkeypatch
):
    """What a run's folder names may come from someone else, so that it is not run unasked."""
    monkeypatch.chdir(tmp_path)
    asked = (*OVERRIDES, f"data={streets}", "losses=losses_of_a_test.py:dice", "loss_weights=0.5")
    run = intarsia.train("discriminative-facades", (*asked, "schedule.steps=3"), out="run")
    header = (run / "metrics.csv").read_text().splitlines()[0]
    assert "loss/dice" in header
    assert json.loads((run / "recipe.json").read_text())["tree"]["losses"] == [f"{file}:dice"]
    run = run.resolve()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    with pytest.raises(InputError, match=f"If you trust that code, name it again: losses={file}:dice"):
        intarsia.train(str(run), ("schedule.steps=4",))
    intarsia.train(str(run), ("schedule.steps=4", f"losses={file}:dice"))
    assert 4 in losses_of(run)
