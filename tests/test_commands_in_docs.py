"""Every command line that a page prints is one that the commands accept: options, recipes, keys, scripts."""

from __future__ import annotations

import functools
import re
import shlex
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from intarsia import cli
from intarsia.configs import has_leaf, override
from intarsia.recipes.find import find_recipe, find_study

ROOT = Path(__file__).parents[1]
PAGES = sorted([*ROOT.glob("docs/*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
SETTING = re.compile(r"[a-z_][\w.]*=")


def commands_of(text: str, start: str) -> list[list[str]]:
    """The words of each line of code, and of each piece of code in a line, that begins like that.

    What has "..." or "[" in it is a pattern, and what has words alone a name; neither is a command.
    """
    text = re.sub(r"^```\w*\n(.*?)^```", _indented, text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"\\\n\s*", "", text)
    lines = re.findall(rf"^    (?:\$ )?({start} .*)$", text, flags=re.MULTILINE)
    pieces = re.findall(rf"`({start} [^`]+)`", re.sub(r"\n", " ", text))
    pieces = [piece for piece in pieces if re.search(r"[.=/A-Z-]", piece)]  # `intarsia train` is a name
    found = [line.partition(" #")[0].strip() for line in (*lines, *pieces)]
    return [shlex.split(line) for line in found if "..." not in line and "[" not in line and "…" not in line]


def _indented(block: re.Match[str]) -> str:
    return re.sub("^", "    ", block[1], flags=re.MULTILINE)


def commands_on_pages(start: str) -> dict[str, list[str]]:
    """The commands of all pages, by page and beginning."""
    return {
        f"{page.name}:{' '.join(words)}": words
        for page in PAGES
        for words in commands_of(page.read_text(), start)
    }


COMMANDS = commands_on_pages("intarsia")
TRAIN, ABLATE = (
    {name: words for name, words in COMMANDS.items() if words[1] == command}
    for command in ("train", "ablate")
)
SCRIPTS = commands_on_pages("python")


@pytest.mark.parametrize("words", COMMANDS.values(), ids=COMMANDS)
def test_the_command_line_takes_it(words, monkeypatch, tmp_path):
    _, name, *rest = words
    calls: list[dict[str, Any]] = []
    function = cli.function_of(name) if name in cli.COMMANDS else None
    if function is not None:

        @functools.wraps(function)
        def recorded(*arguments: Any, **options: Any) -> None:
            calls.append({"arguments": arguments, **options})

        monkeypatch.setattr(cli, "function_of", lambda _: recorded)
    try:
        status = cli.main([name, *rest])
    except SystemExit as error:
        status = error.code
    assert status in (0, None), f"refused: {' '.join(words)}"
    assert function is None or calls or "--help" in rest


@pytest.mark.parametrize("words", TRAIN.values(), ids=TRAIN)
def test_its_recipe_exists_and_has_its_keys(words):
    recipe = next(word for word in words[2:] if not word.startswith("-"))
    settings = [word for word in words[2:] if SETTING.match(word)]
    if re.fullmatch(r"[A-Z]+|runs?/?.*|.*\.py:.*", recipe):  # somebody's own
        return
    method = [word for word in settings if not word.startswith(("losses=", "method.backbone.pretrained="))]
    override(find_recipe(recipe), method)


@pytest.mark.parametrize("words", ABLATE.values(), ids=ABLATE)
def test_its_study_exists_and_some_row_has_its_keys(words):
    on = words[words.index("--on") + 1] if "--on" in words else "facades"
    if re.fullmatch(r"[A-Z]+|.*\.py:.*", words[2]):  # somebody's own
        return
    study = find_study(words[2], on)  # type: ignore[arg-type]
    for word in words[3:]:
        if SETTING.match(word):
            key = word.partition("=")[0]
            assert any(has_leaf(find_recipe(row.recipe), key) for row in study.rows), word
    if "--only" in words:
        for name in takewhile(lambda word: not word.startswith("--"), words[words.index("--only") + 1 :]):
            assert study.row(name)


@pytest.mark.parametrize("words", SCRIPTS.values(), ids=SCRIPTS)
def test_the_script_is_there_and_knows_its_options(words):
    if words[1] == "-c" or words[1:3] in (["-m", "pytest"], ["-m", "pip"], ["-m", "venv"]):
        return
    path = words[1] if words[1] != "-m" else words[2].replace(".", "/") + ".py"
    script = (ROOT / path).read_text()
    for option in (word.partition("=")[0] for word in words if word.startswith("--")):
        assert re.search(rf"{option}\b|\b{option[2:].replace('-', '_')}\b", script), option


def test_commands_are_found_in_blocks_in_lines_and_over_line_ends():
    text = "    intarsia train a \\\n        b=1\n`intarsia cut p.npz` and\n```sh\nintarsia bench\n```\n"
    words = commands_of(text, "intarsia")
    assert ["intarsia", "train", "a", "b=1"] in words
    assert ["intarsia", "cut", "p.npz"] in words
    assert len(COMMANDS) > 30
