"""The exceptions that users catch: public, readable in a traceback, able to leave a worker process."""

from __future__ import annotations

import pickle
import traceback

import pytest

import intarsia
from intarsia._check import fail
from intarsia.errors import InputError, PartialFailure


def test_both_are_names_of_the_package():
    assert intarsia.InputError is InputError
    assert intarsia.PartialFailure is PartialFailure


def test_a_traceback_says_the_public_name():
    with pytest.raises(InputError) as caught:
        fail("edges", "in [0, 4)", 9)
    last_line = traceback.format_exception_only(caught.value)[-1]
    assert last_line == "intarsia.errors.InputError: `edges` must be in [0, 4), got 9.\n"


def test_who_catches_value_errors_catches_an_input_error():
    with pytest.raises(ValueError, match="must be a known table"):
        intarsia.Categories.named("nothing")


@pytest.mark.parametrize("summary", ["", "2 things to repair"])
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_partial_failure_is_the_same_after_pickling(summary, protocol):
    before = PartialFailure(["a is broken.", "b is broken."], total=5, result={"c": 1}, summary=summary)
    before.add_note("seen in worker 3")
    after = pickle.loads(pickle.dumps(before, protocol))
    assert type(after) is PartialFailure
    assert str(after) == str(before)
    assert (after.sentences, after.total, after.result) == (before.sentences, before.total, before.result)
    assert after.__notes__ == ["seen in worker 3"]


def test_an_input_error_is_the_same_after_pickling():
    assert str(pickle.loads(pickle.dumps(InputError("`a` must be 1, got 2.")))) == "`a` must be 1, got 2."
