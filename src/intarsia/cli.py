"""The command line: each command is one function, imported when it is called, its options from its types."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from itertools import pairwise
from typing import Any

from intarsia._check import nearest
from intarsia._extras import needing_torch
from intarsia._version import __version__
from intarsia.errors import InputError, PartialFailure

COMMANDS = {
    "predict": ("intarsia.commands.predict:predict", "Photos in, panoptic maps and pictures out."),
    "train": (
        "intarsia.commands.train:train",
        "A data set in, a trained model out; continues a run.",
    ),
    "ablate": ("intarsia.commands.ablate:ablate", "A study in, a table of what each change is worth out."),
    "evaluate": (
        "intarsia.commands.evaluate:evaluate",
        "Exact PQ, SQ and RQ of predictions against the truth.",
    ),
    "explain": ("intarsia.commands.explain:explain", "What one pixel of a photo is to every other."),
    "export": ("intarsia.commands.export:export", "A trained model made ready to predict without torch."),
    "convert": (
        "intarsia.commands.convert:convert",
        "A data set from one format to another, COCO panoptic by default.",
    ),
    "inspect": ("intarsia.commands.inspect:inspect", "What is in a data set, and what is wrong with it."),
    "serve": (
        "intarsia.serve.start:serve",
        "A page in the browser: drop a picture, see inside, take away.",
    ),
    "bench": ("intarsia.commands.bench:bench", "How long models take here: network, grouping, whole."),
    "cut": ("intarsia.commands.cut:cut", "Solve a saved cut problem; prints cost, segments, time."),
    "recipes": ("intarsia.commands.recipes:list_recipes", "The recipes that `train` knows."),
}

_SETTING = re.compile(r"[A-Za-z_][\w.]*=")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 done in part, 2 nothing done because of the input."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a name that the terminal cannot show is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_overview())
        return 0
    if arguments[0] == "--version":
        print(__version__)
        return 0
    # the command itself, its module imported only now
    name, *rest = arguments
    if name not in COMMANDS:
        return _complain(f"`{name}` is no command. {nearest(name, COMMANDS)}")
    try:
        with needing_torch(name):
            _run(name, rest)
    # each ending has its exit code: 2 wrong use, 1 a part failed, 130 stopped by the user
    except InputError as error:
        return _complain(str(error))
    except PartialFailure as error:
        print(f"intarsia {name}: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print(f"intarsia {name}: stopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 0
    return 0


def function_of(name: str) -> Any:
    """The function behind a command."""
    module, _, attribute = COMMANDS[name][0].partition(":")
    return getattr(importlib.import_module(module), attribute)


def _run(name: str, arguments: list[str]) -> None:
    import tyro

    tyro.cli(
        function_of(name),
        prog=f"intarsia {name}",
        args=_with_settings_together(arguments),
        description=COMMANDS[name][1],
    )


def _with_settings_together(arguments: list[str]) -> list[str]:
    """`key=value` words may stand anywhere; the parser takes them only right behind the name."""
    settings, words, name_at = [], [], 0
    for before, word in pairwise(["", *arguments]):
        is_value = before.startswith("--")
        if _SETTING.match(word) and not is_value:
            settings.append(word)
            continue
        words.append(word)
        if not name_at and not is_value and not word.startswith("--"):
            name_at = len(words)
    return [*words[:name_at], *settings, *words[name_at:]]


def _overview() -> str:
    rows = [f"  {name:<10} {text}" for name, (_, text) in COMMANDS.items()]
    return "\n".join(
        ["usage: intarsia COMMAND [options]", "", *rows, "", "`intarsia COMMAND --help` shows its options."]
    )


def _complain(sentence: str) -> int:
    print(f"intarsia: {sentence}", file=sys.stderr)
    return 2
