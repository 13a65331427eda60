"""Trees of frozen dataclasses: changing leaves by a key path, to plain values and back.

The one rule of configuration: a tree is made in Python, and from outside only its leaves may change,
each to a value of the leaf's own type.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from intarsia._check import fail, nearest

Tree = TypeVar("Tree")


def override(tree: Tree, assignments: Iterable[str]) -> Tree:
    """A copy of the tree with leaves changed by texts such as `optim.lr=3e-4`, all at once.

    So leaves that must fit each other may come in any order; of two texts for one leaf the later one counts.

    Raises:
        ValueError: A text has no `=`, a key does not exist (the nearest is named), or a value is not of the
            leaf's type.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Optim:
        ...     lr: float = 0.1
        >>> override(Optim(), ["lr=3e-4"])
        Optim(lr=0.0003)
    """
    texts: dict[str, str] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            fail("override", "of the form key.path=value", repr(assignment))
        texts[key] = text
    return _with_leaves(tree, texts, prefix="")


def to_dict(tree: Any) -> Any:
    """The tree as dicts, lists and plain values, ready for JSON."""
    if dataclasses.is_dataclass(tree):
        return {field.name: to_dict(getattr(tree, field.name)) for field in dataclasses.fields(tree)}
    if isinstance(tree, tuple | list):
        return [to_dict(value) for value in tree]
    return tree


def from_dict(cls: type[Tree], values: Mapping[str, Any]) -> Tree:
    """The tree that `to_dict` took apart, checked like any other: unknown keys are refused.

    Raises:
        ValueError: A key is unknown, or a value is not of its type.
    """
    hints = typing.get_type_hints(cls)
    names = [field.name for field in dataclasses.fields(cls)]  # type: ignore[arg-type]
    for key in values:
        if key not in names:
            fail(key, f"a key of {cls.__name__}", "an unknown one", hint=nearest(key, names))
    return cls(**{key: _restore(hints[key], value, key) for key, value in values.items()})


def merge(base: Tree, values: Mapping[str, Any]) -> Tree:
    """The tree with every leaf that `values` (from `to_dict`) names; what it does not name stays.

    Unlike `from_dict` it takes the classes from `base`, so a field may hold any one of several dataclasses.
    """
    hints = typing.get_type_hints(type(base))
    changes = {}
    for key, value in values.items():
        if key not in hints:
            fail(key, f"a key of {type(base).__name__}", "an unknown one", hint=nearest(key, hints))
        old = getattr(base, key)
        nested = dataclasses.is_dataclass(old) and isinstance(value, Mapping)
        changes[key] = merge(old, value) if nested else _restore(hints[key], value, key)
    return dataclasses.replace(base, **changes)  # type: ignore[type-var]


def has_leaf(tree: Any, path: str) -> bool:
    """Whether a tree has something at a key path, which `override` could change.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Optim:
        ...     lr: float = 0.1
        >>> has_leaf(Optim(), "lr"), has_leaf(Optim(), "rate")
        (True, False)
    """
    head, _, rest = path.partition(".")
    if not dataclasses.is_dataclass(tree) or head not in {field.name for field in dataclasses.fields(tree)}:
        return False
    return not rest or has_leaf(getattr(tree, head), rest)


def differing(first: Any, second: Any, *, prefix: str = "") -> list[str]:
    """The paths of the leaves in which two trees differ; of a group where it is of two classes.

    Example:
        >>> @dataclasses.dataclass(frozen=True)
        ... class Optim:
        ...     lr: float = 0.1
        ...     steps: int = 5
        >>> differing(Optim(), Optim(lr=0.2), prefix="optim")
        ['optim.lr']
    """
    if not dataclasses.is_dataclass(first) or type(first) is not type(second):
        return [] if first == second else [prefix]
    below = f"{prefix}." if prefix else ""
    return [
        path
        for field in dataclasses.fields(first)
        for path in differing(
            getattr(first, field.name), getattr(second, field.name), prefix=below + field.name
        )
    ]


def _with_leaves(tree: Tree, texts: Mapping[str, str], *, prefix: str) -> Tree:
    """The group with leaves changed: texts by their paths below it; `prefix` is the path to it."""
    groups: dict[str, dict[str, str]] = {}
    for path, text in texts.items():
        head, _, rest = path.partition(".")
        groups.setdefault(head, {})[rest] = text
    changes = {head: _change(tree, head, inside, prefix=prefix) for head, inside in groups.items()}
    return dataclasses.replace(typing.cast(Any, tree), **changes)


def _change(tree: Any, head: str, texts: Mapping[str, str], *, prefix: str) -> Any:
    """What becomes of one field: a leaf has one text at the path "", a group has texts inside."""
    is_group = dataclasses.is_dataclass(tree)
    hints = typing.get_type_hints(type(tree)) if is_group else {}
    key = prefix + head
    if head not in hints:
        whole_key = key + "".join(f".{rest}" for rest in list(texts)[:1] if rest)
        fail(whole_key, "a key of the recipe", "an unknown one", hint=nearest(head, hints))
    old = getattr(tree, head)
    if "" in texts and dataclasses.is_dataclass(old):
        inside = ", ".join(field.name for field in dataclasses.fields(old))
        fail(key, "a leaf", "a group of keys", hint=f"Inside it: {inside}.")
    below = {path: text for path, text in texts.items() if path}
    if below:
        return _with_leaves(old, below, prefix=key + ".")
    return _parse(hints[head], texts[""], key)


def _parse(hint: Any, text: str, key: str) -> Any:
    """The value a text stands for under a type hint."""
    kinds = _alternatives(hint)
    if type(None) in kinds and text.lower() in ("none", ""):
        return None
    for kind in kinds:
        origin = typing.get_origin(kind)
        if origin is tuple:
            item = typing.get_args(kind)[0]
            return tuple(
                _parse(item, part.strip(), key) for part in text.strip("()[] ").split(",") if part.strip()
            )
        if origin is typing.Literal and text in map(str, typing.get_args(kind)):
            return next(value for value in typing.get_args(kind) if str(value) == text)
        if kind is bool and text.lower() in ("true", "false"):
            return text.lower() == "true"
        if kind in (int, float) and (number := _number(kind, text)) is not None:
            return number
    if str in kinds:
        return text
    return fail(key, _describe(hint), repr(text))


def _restore(hint: Any, value: Any, key: str) -> Any:
    """A plain value as its type hint has it: lists become tuples, dicts dataclasses."""
    for kind in _alternatives(hint):
        origin = typing.get_origin(kind)
        if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
            return from_dict(kind, value)  # type: ignore[type-var]
        if origin is tuple and isinstance(value, list | tuple):
            item = typing.get_args(kind)[0]
            return tuple(_restore(item, part, key) for part in value)
        if origin is typing.Literal and value in typing.get_args(kind):
            return value
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        if isinstance(kind, type) and type(value) is kind:
            return value
    return fail(key, _describe(hint), repr(value))


def _alternatives(hint: Any) -> tuple[Any, ...]:
    """The members of a union, or the one type; `int` before `float`, so that 3 stays whole."""
    union = typing.get_origin(hint) in (typing.Union, types.UnionType)
    return tuple(sorted(typing.get_args(hint), key=lambda k: k is float)) if union else (hint,)


def _number(kind: type, text: str) -> float | int | None:
    try:
        return kind(text)
    except ValueError:
        return None


def _describe(hint: Any) -> str:
    names = []
    for kind in _alternatives(hint):
        if typing.get_origin(kind) is typing.Literal:
            names += [repr(value) for value in typing.get_args(kind)]
        else:
            names.append(
                {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}.get(kind)
                or str(kind)
            )
    return " or ".join(names)
