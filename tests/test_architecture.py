"""The house is as docs/architecture.md draws it; what imports what is held by `make lint`."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOST_LEAVES = 3
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


WRITING = {
    *("copy2", "copyfile", "imsave", "imwrite", "save", "save_file", "savefig", "savetxt"),
    *("savez", "savez_compressed", "tofile", "touch", "write_bytes", "write_text"),
}
"""Names of functions that write a file."""

BUFFER = "into a buffer in memory"
MODEL_FOLDER = "a model's folder, of which each file is written whole"
FOR_A_MOMENT = "a copy in a temporary folder, which nobody reads who did not wait for it"

WRITTEN_IN_THE_OPEN = {
    "_preview.py preview_png": BUFFER,
    "commands/bench.py _time": BUFFER,
    "commands/report.py _data_url": BUFFER,
    "data/imaging.py _compress": BUFFER,
    "serve/message.py _heat": BUFFER,
    "serve/message.py jpeg": BUFFER,
    "commands/export.py export": MODEL_FOLDER,
    "engine/study_runs.py _keep_start": MODEL_FOLDER,
    "engine/train.py _keep_models": MODEL_FOLDER,
    "engine/train.py export_best": MODEL_FOLDER,
    "methods/method.py _save_pretrained": MODEL_FOLDER,
    "pictures/object_store.py fetch": FOR_A_MOMENT,
    "runtime/linked_files.py one_file": FOR_A_MOMENT,
    "serve/takeaway.py _overlay": FOR_A_MOMENT,
    "serve/uploads.py _resolution_of": FOR_A_MOMENT,
    "commands/journal.py __enter__": "line by line; one that was cut off is passed over",
    "engine/run_folder.py add": "line by line; rows behind the checkpoint are dropped when a run goes on",
    "commands/ranks.py beat": "a sign of life, which is empty",
    "commands/ranks.py showing_life": "a sign of life, which is empty",
    "pictures/video.py __enter__": "by `whole`, from here to `__exit__`",
}
"""Functions that write files without `with whole(...)`, and why they may."""


def floors_of_the_linter() -> list[set[str]]:
    layers = next(contract["layers"] for contract in CONTRACTS if contract["type"] == "layers")
    return [set(re.findall(r"\w+", layer)) for layer in layers]


def floors_of_the_page() -> list[set[str]]:
    table = re.findall(r"^\| (`.*?) \|", (ROOT / "docs" / "architecture.md").read_text(), re.MULTILINE)
    return [set(re.findall(r"`(\w+)`", row)) for row in table]


def test_the_page_has_the_floors_of_the_linter():
    assert floors_of_the_page() == [floor for floor in floors_of_the_linter() if floor != {"__main__"}]


def test_every_part_of_the_package_stands_on_a_floor():
    parts = {path.name for path in (ROOT / "src" / "intarsia").iterdir() if (path / "__init__.py").exists()}
    parts |= {path.stem for path in (ROOT / "src" / "intarsia").glob("*.py") if path.stem != "__init__"}
    assert parts | {"_native"} == set().union(*floors_of_the_linter())


def test_no_package_is_left_out_of_the_search_for_circles():
    assert [c["ancestors"] for c in CONTRACTS if c["type"] == "acyclic_siblings"] == [["intarsia"]]


def test_nothing_inside_imports_the_face():
    """`from intarsia import x` asks `__init__.py`, which stands above everything, unless x is a package."""
    package = ROOT / "src" / "intarsia"
    asking = []
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = (
                [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            )
            if isinstance(node, ast.Import) and "intarsia" in names:
                asking.append(f"{path.name}:{node.lineno}")
            elif isinstance(node, ast.ImportFrom) and node.module == "intarsia":
                others = [name for name in names if not (package / name / "__init__.py").exists()]
                asking += [f"{path.name}:{node.lineno} {name}" for name in others]
    assert not asking


def test_files_are_written_whole_in_one_way():
    """Aside, and then renamed: `_files.whole` alone knows how."""
    renaming = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        # Path.replace has one argument, str.replace two
        if node.func.attr == "rename"
        or (node.func.attr == "replace" and len(node.args) == 1 and not node.keywords)
        if path.name != "_files.py"
    ]
    assert not renaming


def test_what_is_written_is_whole_or_not_there():
    """A file that was cut short is read again as if it were one; those that may be have a reason."""
    places = {
        f"{path.relative_to(ROOT / 'src' / 'intarsia').as_posix()} {function}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for function in writers_in_the_open(ast.parse(path.read_text()))
    }
    assert places == set(WRITTEN_IN_THE_OPEN)
    whole = "def f(p):\n    with whole(p) as q, q.open('w') as file:\n        q.save(file)\n    open(p)"
    assert not list(writers_in_the_open(ast.parse(whole)))
    in_the_open = "def f(p):\n    p.open('ab')\n\nopen(p, mode='w')"
    assert list(writers_in_the_open(ast.parse(in_the_open))) == ["f", ""]


def writers_in_the_open(node: ast.AST, function: str = "") -> Iterator[str]:
    """The function of each call that writes a file, outside of `with whole(...)`."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        function = node.name
    elif isinstance(node, ast.With) and any(
        isinstance(item.context_expr, ast.Call) and ast.unparse(item.context_expr.func) == "whole"
        for item in node.items
    ):
        return
    elif isinstance(node, ast.Call) and writes(node):
        yield function
    for child in ast.iter_child_nodes(node):
        yield from writers_in_the_open(child, function)


def writes(call: ast.Call) -> bool:
    """Whether this writes a file: by one of numpy's, Pillow's and so on, or by opening it to write."""
    name = ast.unparse(call.func).rpartition(".")[2]
    modes = [argument for argument in [*call.args, *(k.value for k in call.keywords)] if is_mode(argument)]
    return name in WRITING or (name == "open" and bool(modes))


def is_mode(argument: ast.expr) -> bool:
    return isinstance(argument, ast.Constant) and bool(
        re.fullmatch(r"[wax][bt+]*|r[bt]*\+[bt]*", str(argument.value))
    )


def test_threads_in_order_stand_in_one_place():
    """Elsewhere there is one thread, which has autograd's state."""
    pools = {
        path.name
        for path in (ROOT / "src").rglob("*.py")
        if re.search(r"ThreadPoolExecutor\(", path.read_text()) and path.name != "_threads.py"
    }
    assert pools == {"_hierarchical_operator.py"}


def test_a_new_affinity_head_touches_two_files():
    """Its own, and the table of kinds in `nets`: nothing else names a head's class."""
    pytest.importorskip("torch")
    from intarsia import nets

    heads = {name for name, head in vars(nets).items() if head in nets.AFFINITY_HEADS.values()}
    assert len(heads) == len(nets.AFFINITY_HEADS)
    naming = {
        path.relative_to(ROOT / "src" / "intarsia").as_posix()
        for path in (ROOT / "src").rglob("*.py")
        if any(re.search(rf"\b{head}\b", path.read_text()) for head in heads)
    }
    assert naming == {"nets/__init__.py", "nets/affinity_head.py", "nets/affinity_maps.py"}


def test_an_image_is_cut_out_of_its_batch_in_one_place():
    """Methods see a view of each image; none crops what its network said."""
    cropping = {path.name for path in (ROOT / "src").rglob("*.py") if "cropped_views(" in path.read_text()}
    assert cropping == {"network.py", "trainable.py"}


def test_void_has_its_number_in_one_place():
    """`VOID_INDEX` of categories; formats have numbers of their own, and 255 is also the whitest white."""
    names = r"(semantic|label|labels|classes|category_index|ignore_index|void)\w*"
    floors = ("losses", "layers", "decoding", "nets", "methods", "metrics", "data", "engine", "runtime")
    sources = [path for floor in floors for path in (ROOT / "src" / "intarsia" / floor).rglob("*.py")]
    assert not [path.name for path in sources if re.search(names + r" ?[!=]?= ?255", path.read_text())]


def test_a_component_takes_its_config_and_not_its_leaves():
    """A class that is built of four leaves of a config, one by one, mirrors its list of keywords.

    Losses are functions of plain arguments, and are called so.
    """
    mirrored = [
        f"{path.name}:{node.lineno}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and re.match(r"([\w.]+\.)?[A-Z]", ast.unparse(node.func))
        if sum(is_leaf(keyword) for keyword in node.keywords) > MOST_LEAVES
    ]
    assert not mirrored


def test_keywords_stand_in_their_call():
    """A dict of them that is made only to be spread hides from editors and type checkers what is passed."""
    hidden = [
        f"{path.name}:{line} {name}"
        for path in sorted((ROOT / "src").rglob("*.py"))
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.FunctionDef)
        for name, line in spread_literals(function)
    ]
    assert not hidden
    example = ast.parse("def f():\n    a = {'b': 1}\n    a |= {'c': 2}\n    g(**a)").body[0]
    assert list(spread_literals(example)) == [("a", 2)]


def spread_literals(function: ast.AST) -> Iterator[tuple[str, int]]:
    """Variables that hold a dict whose keys are written out, and that a call spreads.

    One that begins empty gets its keys at run time.
    """
    spread = {
        keyword.value.id
        for node in ast.walk(function)
        if isinstance(node, ast.Call)
        for keyword in node.keywords
        if keyword.arg is None and isinstance(keyword.value, ast.Name)
    }
    dicts = [
        (node.targets[0].id, node.value, node.lineno)
        for node in ast.walk(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        if isinstance(node.targets[0], ast.Name)
    ]
    begun_empty = {name for name, value, _ in dicts if not value.keys}
    yield from ((name, line) for name, _, line in dicts if name in spread - begun_empty)


def is_leaf(keyword: ast.keyword) -> bool:
    """`x=config.x`"""
    value = keyword.value
    return (
        isinstance(value, ast.Attribute)
        and value.attr == keyword.arg
        and isinstance(value.value, ast.Name | ast.Attribute)
        and ast.unparse(value.value).endswith(("config", "settings"))
    )


def test_the_parts_below_torch_never_name_it():
    """The linter is told to overlook one import for a type; there is no other."""
    overlooked = [c.get("ignore_imports", []) for c in CONTRACTS if c["type"] == "forbidden"]
    assert overlooked == [["intarsia -> intarsia.**", "intarsia.decoding.detections -> torch"]]
    text = (ROOT / "src" / "intarsia" / "decoding" / "detections.py").read_text()
    assert re.search(r"if TYPE_CHECKING:.*\n(    .*\n)*    from torch import", text)
