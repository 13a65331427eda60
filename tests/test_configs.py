"""Configuration trees: only leaves change, only to their own type, and a typo names its cure."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Literal

import pytest

from intarsia.configs import differing, from_dict, merge, override, to_dict


@dataclass(frozen=True, kw_only=True)
class Optim:
    lr: float = 0.1
    steps: int = 10
    warm: bool = False


@dataclass(frozen=True, kw_only=True)
class Tree:
    optim: Optim = field(default_factory=Optim)
    sizes: tuple[int, ...] = (1, 2)
    mode: Literal["fast", "slow"] = "fast"
    limit: int | None = None
    weights: str | bool = False


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("optim.lr=3e-4", ("optim", "lr"), 3e-4),
        ("optim.lr=3", ("optim", "lr"), 3.0),
        ("optim.warm=true", ("optim", "warm"), True),
        ("sizes=4,5,6", ("sizes",), (4, 5, 6)),
        ("mode=slow", ("mode",), "slow"),
        ("limit=7", ("limit",), 7),
        ("limit=none", ("limit",), None),
        ("weights=a=b.pt", ("weights",), "a=b.pt"),
        ("weights=true", ("weights",), True),
    ],
)
def test_a_leaf_takes_a_text_of_its_type(text, path, value):
    result = override(Tree(), [text])
    for name in path:
        result = getattr(result, name)
    assert result == value
    assert type(result) is type(value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("optim.lrr=1", "`optim.lrr` must be a key of the recipe.*Did you mean `lr`"),
        ("optim.lr=fast", "`optim.lr` must be a number, got 'fast'"),
        ("optim.steps=1.5", "`optim.steps` must be a whole number, got '1.5'"),
        ("optim.warm=1", "must be true or false"),
        ("mode=medium", "`mode` must be 'fast' or 'slow', got 'medium'"),
        ("optim=3", "must be a leaf, got a group of keys. Inside it: lr, steps, warm"),
        ("optim.lr", "form key.path=value"),
        ("optim.lr.x=1", "unknown"),
    ],
)
def test_a_wrong_override_is_refused_by_name(text, message):
    with pytest.raises(ValueError, match=message):
        override(Tree(), [text])


@dataclass(frozen=True, kw_only=True)
class Interval:
    lowest: int = 1
    highest: int = 2

    def __post_init__(self):
        if self.lowest > self.highest:
            raise ValueError("empty")


@dataclass(frozen=True, kw_only=True)
class Scaled:
    interval: Interval = field(default_factory=Interval)


def test_leaves_that_must_fit_each_other_come_in_any_order():
    wanted = Scaled(interval=Interval(lowest=5, highest=6))
    texts = ["interval.lowest=5", "interval.highest=6"]
    assert override(Scaled(), texts) == override(Scaled(), texts[::-1]) == wanted
    assert override(Scaled(), ["interval.highest=9", *texts]) == wanted  # the later one counts
    with pytest.raises(ValueError, match="empty"):
        override(Scaled(), texts[:1])


@pytest.mark.parametrize("texts", [["limit=1", "limit.x=2"], ["optim.lr=1", "optim=2"]])
def test_a_group_and_a_leaf_of_one_name_are_refused(texts):
    for order in (texts, texts[::-1]):
        with pytest.raises(ValueError, match=r"unknown|a group of keys"):
            override(Tree(), order)


def test_a_tree_survives_json():
    tree = override(Tree(), ["optim.lr=0.5", "sizes=9", "mode=slow"])
    plain = json.loads(json.dumps(to_dict(tree)))
    assert from_dict(Tree, plain) == tree
    assert merge(Tree(), plain) == tree


def test_trees_differ_in_leaves_and_in_classes():
    changed = override(Tree(), ["optim.lr=0.5", "mode=slow"])
    assert sorted(differing(Tree(), changed)) == ["mode", "optim.lr"]
    assert differing(changed, changed) == []
    assert differing(Tree(), Tree(optim=Tree())) == ["optim"]  # pyright: ignore[reportArgumentType]


def test_unknown_keys_in_a_file_are_refused():
    with pytest.raises(ValueError, match="`limits` must be a key of Tree.*Did you mean `limit`"):
        from_dict(Tree, {"limits": 3})
    with pytest.raises(ValueError, match="`mode` must be 'fast' or 'slow'"):
        merge(Tree(), {"mode": "other"})
