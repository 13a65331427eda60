"""How the code speaks: names say what they hold, and every argument of a docstring says something."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1] / "src" / "intarsia"
FILES = {str(path.relative_to(ROOT)): path for path in sorted(ROOT.rglob("*.py"))}

NAMELESS = ("found", "one", "some")
"""Names that fit anything, so that a reader must go and look."""

FLEETING = (
    "chosen",
    "given",
    "here",
    "kept",
    "known",
    "others",
    "said",
    "seen",
    "shown",
    "there",
    "told",
    "wanted",
)
"""Names that are clear as long as the line that binds them is in sight."""

ELSEWHERE = r"see `|`, which says what they mean"
"""What is said once, at the function that takes it."""

NUMBER = r"-?[\d_.e-]+"
"""A default that has a unit and a reason."""

IN_SIGHT = 3
"""Lines from the first to the last use of such a name."""

LEAST_WORDS = 3
"""Of what a docstring says about an argument: "How." says nothing."""

COUNTED_NOUNS = (
    *("annotation", "channel", "crowd", "file", "frame", "id", "image", "label", "map", "node", "number"),
    *("object", "page", "photo", "point", "problem", "row", "segment", "tensor", "thing", "value"),
)
"""What sentences count: of one there is no plural, which `_check.counted` knows."""

NEVER_ONE = {
    "LARGEST_OPTIMAL",
    "MAX_CHANNELS",
    "MAX_INSTANCES",
    "count",  # asked before: above 1
    "len(pairs.images)",
    "len(problems)",
    "len(shown)",
    "len(values)",
    "name",  # no number
    "num_images",
    "num_nodes",  # none, or too many
    "total",
    "values.shape[2]",
}
"""What stands before a plural and is no number, or none that is 1 there."""

LONGEST_WITHOUT_A_WORD = 20
"""Lines of a body, beyond which comments say what its steps are."""
LONGEST_SILENCE = 15
"""Lines between two of them."""

IRREGULAR = (
    *(
        "begun",
        "built",
        "chosen",
        "done",
        "drawn",
        "found",
        "given",
        "held",
        "kept",
        "known",
        "left",
        "lost",
        "made",
    ),
    *("said", "seen", "sent", "shown", "told", "written"),
)
"""Participles that do not end in -ed."""

AS_A_VARIABLE = ("read",)
"""Those that look like a verb, which a function may be called by."""

ADJECTIVES_OF_ROWS = {
    *("counted", "excused", "explained", "finished", "guided", "ignored", "joined"),
    *(
        "labelled",
        "left",
        "matched",
        "missed",
        "occluded",
        "passed",
        "predicted",
        "scored",
        "taken",
        "unmatched",
    ),
    *("visited",),
}
"""Participles that variables have: which rows or names these are, or whether it is so; `left` is a side."""

FROM_OUTSIDE = {"expected", "pooled", "stored", "uncovered"}
"""Parameters that callers give by these names."""

SAME_THING_CHANGED = {
    *("perturbed", "renumbered", "resized", "turned", "zoomed"),  # methods, as `reversed` is a function
    *("assembled", "assembled_from_grid"),  # strangers' methods call it by this name
}
"""Names of functions that are participles and stay."""

PLAIN_ADJECTIVES = {"counted", "named", "merged", "known"}
"""A number with its noun; a table by its name; what pairs and classes are."""

NOT_YET = ()
"""Folders whose names have not been gone over."""


def test_a_name_says_what_it_holds():
    """`found` has been a map, a list and a report in one file; a type rescues the editor, not the reader."""
    unclear = [
        f"{file}:{first} {name}, in {function.name}"
        for file, path in FILES.items()
        if not file.startswith(NOT_YET)
        for function in functions_of(path)
        for name, first, last in names_bound_in(function)
        if name in NAMELESS or (name in FLEETING and last - first > IN_SIGHT)
    ]
    assert not unclear


def test_a_variable_that_stays_in_use_is_no_participle():
    """What `loaded` or `pictured` holds only the line says that binds it."""
    participles = [
        f"{file}:{first} {name}, in {function.name}"
        for file, path in FILES.items()
        for function in functions_of(path)
        for name, first, last in names_bound_in(function)
        if last - first > IN_SIGHT
        and "_" not in name.strip("_")
        and (is_participle(name) or name.strip("_") in AS_A_VARIABLE)
        and name not in ADJECTIVES_OF_ROWS | FROM_OUTSIDE
    ]
    assert not participles


def test_a_class_is_a_noun():
    """`ReadAttempt` or `RunResult`: `Read` and `Joined` leave open what was."""
    participles = [
        f"{file}:{node.lineno} {node.name}"
        for file, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and is_class_of_participle(node.name)
    ]
    assert not participles


def test_what_a_function_does_is_a_verb_and_what_it_gives_a_noun():
    """`merge_tallies` or `tally`: `merged` says neither what is done nor what comes out."""
    participles = [
        f"{file}:{function.lineno} {function.name}"
        for file, path in FILES.items()
        for function in functions_of(path)
        if is_participle(function.name) and function.name not in SAME_THING_CHANGED | PLAIN_ADJECTIVES
    ]
    assert not participles


def test_an_example_says_what_was_found():
    """A prediction, a match, detections: what readers paste keeps its names."""
    pattern = re.compile(r">>> \[?found\b")
    assert not [file for file, path in FILES.items() if pattern.search(path.read_text())]


def test_what_is_said_about_an_argument_says_something():
    empty = [
        f"{file} {node.name}: {name}: {text}"
        for file, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for name, text in arguments_in(ast.get_docstring(node) or "")
        if len(text.split()) < LEAST_WORDS
    ]
    assert not empty


def test_a_number_that_is_taken_unless_told_has_an_entry_of_its_own():
    """What it means, its unit, why this one: of every default of a public function."""
    silent = [
        f"{file} {name}({argument})"
        for file, path in FILES.items()
        for name, function, docstring in public_functions_in(ast.parse(path.read_text()))
        for argument in numbers_unless_told(function)
        if argument not in dict(arguments_in(docstring))
    ]
    assert not silent


def test_a_number_among_settings_has_an_entry_or_says_where_it_is():
    """Fields with a number as their default, unless the function is named whose arguments they are."""
    silent = [
        f"{file} {node.name}.{field.target.id}"
        for file, path in FILES.items()
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and any("dataclass" in ast.unparse(d) for d in node.decorator_list)
        for field in node.body
        if not node.name.startswith("_")
        and isinstance(field, ast.AnnAssign)
        and isinstance(field.target, ast.Name)
        and field.value is not None
        and re.fullmatch(NUMBER, ast.unparse(field.value))
        and field.target.id not in dict(arguments_in(ast.get_docstring(node) or ""))
        and not re.search(ELSEWHERE, ast.get_docstring(node) or "")
    ]
    assert not silent


def test_nothing_cites_a_document_that_is_not_here():
    """An equation is one of a paper that is named, or of a page in docs/."""
    pattern = re.compile(r"\b(SPEC|PEERS|STYLE|REVIEW)\b[ .]|\(eq\. [A-Z]\.\d|\([A-Z]\.\d+\)")
    assert not [f"{file}: {m[0]}" for file, path in FILES.items() for m in pattern.finditer(path.read_text())]


def test_the_least_number_is_said_in_one_way():
    """At least 1: not 1 or more, nor 0 or positive."""
    pattern = re.compile(r"fail\([^\n]*\d or (more|above|larger|positive)\b")
    others = [
        f"{file}: {match[0]}" for file, path in FILES.items() for match in pattern.finditer(path.read_text())
    ]
    assert not others


def test_sentences_count_by_one_function():
    """Else a user reads "1 images", or "a int"."""
    pattern = r"\{([^{}]+)\} (?:" + "|".join(COUNTED_NOUNS) + r")s\b"
    uncounted = [
        f"{file}: {match[0]}"
        for file, path in FILES.items()
        for match in re.finditer(pattern, path.read_text())
        if match[1] not in NEVER_ONE
    ]
    kinds = [file for file, path in FILES.items() if re.search(r"\ba \{type\(", path.read_text())]
    assert not uncounted
    assert not kinds


def test_a_long_body_says_what_its_steps_are():
    silent = [
        f"{file}:{function.lineno} {function.name}, {lines} lines"
        for file, path in FILES.items()
        for function in functions_of(path)
        if len(body := body_of(function, path)) > LONGEST_WITHOUT_A_WORD
        and (lines := longest_silence(body)) > LONGEST_SILENCE
    ]
    assert not silent


def longest_silence(body: list[str]) -> int:
    """The most lines in a row, empty ones aside, of which none has a comment."""
    longest = silence = 0
    for line in filter(str.strip, body):
        speaks = re.match(r"\s*#(?! (?:noqa|type:|pyright))|.*\S  # (?!noqa|type:|pyright)", line)
        silence = 0 if speaks else silence + 1
        longest = max(longest, silence)
    return longest


def test_the_rule_sees_what_it_forbids():
    function = ast.parse("def f(one, b):\n    known = b\n\n\n\n    return known").body[0]
    assert isinstance(function, ast.FunctionDef)
    assert list(names_bound_in(function)) == [("b", 1, 2), ("known", 2, 6), ("one", 1, 1)]
    names = ["_drawn", "merged_by_rules", "stretched"]
    assert all(map(is_participle, names))
    assert not any(map(is_participle, ["seed", "named_tensors", "merge", "solver_named"]))
    assert all(map(is_class_of_participle, ["Joined", "_Begun", "AbstractSummarised", "Read"]))
    assert not any(map(is_class_of_participle, ["ReadPhoto", "Embed", "ScaledConv", "ENet", "CutSeed"]))
    text = "Title.\n\nArgs:\n    config: How.\n    b: What it\n        is.\n\nReturns:\n    It: all."
    assert list(arguments_in(text)) == [("config", "How."), ("b", "What it is.")]
    assert list(arguments_in("Title.\n\nAttributes:\n    size: Of all.")) == [("size", "Of all.")]


def is_class_of_participle(name: str) -> bool:
    """Whether the last word of a class is no noun: Joined, AbstractSummarised."""
    last = re.findall(r"[A-Z][a-z0-9]*", name)[-1].lower()
    return is_participle(last) or last in AS_A_VARIABLE


def is_participle(name: str) -> bool:
    """Whether a name is one, alone or with what follows it after a preposition: drawn, merged_by_rules."""
    first, *rest = name.strip("_").split("_")
    ends = first in IRREGULAR or (
        first.endswith("ed") and first not in ("embed", "feed", "need", "red", "seed", "speed")
    )
    return ends and (not rest or rest[0] in ("at", "by", "from", "in", "of", "to", "with"))


def functions_of(path: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def public_functions_in(
    tree: ast.Module | ast.ClassDef, of: str = ""
) -> Iterator[tuple[str, ast.FunctionDef, str]]:
    """Functions and methods whose names are public, with their docstrings; a class speaks for its start."""
    class_docstring = "" if isinstance(tree, ast.Module) else ast.get_docstring(tree) or ""
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions_in(node, f"{of}{node.name}.")
        elif isinstance(node, ast.FunctionDef) and (node.name == "__init__" or not node.name.startswith("_")):
            docstring = ast.get_docstring(node) or ""
            if node.name == "__init__":
                docstring += f"\n\n{class_docstring}"
            if "overload" not in map(ast.unparse, node.decorator_list):
                yield of + node.name, node, docstring


def numbers_unless_told(function: ast.FunctionDef) -> Iterator[str]:
    """The arguments with a number as their default."""
    of_all = function.args
    positional = [*of_all.posonlyargs, *of_all.args]
    pairs = [
        *zip(positional[len(positional) - len(of_all.defaults) :], of_all.defaults, strict=True),
        *zip(of_all.kwonlyargs, of_all.kw_defaults, strict=True),
    ]
    for argument, default in pairs:
        if default is not None and re.fullmatch(NUMBER, ast.unparse(default)):
            yield argument.arg


def body_of(function: ast.FunctionDef | ast.AsyncFunctionDef, path: Path) -> list[str]:
    """The lines below the docstring."""
    first = function.body[ast.get_docstring(function) is not None :]
    return path.read_text().splitlines()[first[0].lineno - 1 : function.end_lineno] if first else []


def names_bound_in(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[tuple[str, int, int]]:
    """Each argument and variable of a function with the first and the last line that has it."""
    bound: set[str] = set()
    lines: dict[str, list[int]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            bound.add(node.arg)
            lines.setdefault(node.arg, []).append(node.lineno)
        elif isinstance(node, ast.Name):
            lines.setdefault(node.id, []).append(node.lineno)
            if isinstance(node.ctx, ast.Store):
                bound.add(node.id)
    yield from ((name, min(lines[name]), max(lines[name])) for name in sorted(bound))


def arguments_in(docstring: str) -> Iterator[tuple[str, str]]:
    """Each entry of the sections `Args` and `Attributes`, its lines joined."""
    entries: list[list[str]] = []
    for section in re.findall(r"\n(?:Args|Attributes):\n(.*?)(?=\n\n|\Z)", docstring, flags=re.DOTALL):
        for line in section.splitlines():
            if re.match(r"    \S", line):
                entries.append([line.strip()])
            elif entries:
                entries[-1].append(line.strip())
    for entry in entries:
        name, _, text = " ".join(entry).partition(": ")
        yield name, text
