"""Hooks of mkdocs: pages that live elsewhere in the repository, and a reference page for each package."""

from __future__ import annotations

import ast
import base64
import json
import re
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "intarsia"
PAGES = {"README.md": "index.md", "CONTRIBUTING.md": "contributing.md", "CHANGELOG.md": "changelog.md"}
"""Pages at the top of the repository, and what they are called on the site."""


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Fill the empty lists of the navigation: the reference, the decisions, what no list names."""
    decisions = sorted(
        path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/decisions/*.md")
    )
    listed = set(re.findall(r"[\w/-]+\.md", str(config.nav)))
    unlisted = sorted(path.name for path in ROOT.glob("docs/*.md") if path.name not in listed)
    pages = {"Reference": list(reference_pages()), "Decisions": decisions, "More": unlisted}
    for part in config.nav or []:
        for entry in next(iter(part.values())) if isinstance(part, dict) else []:
            for name in pages if isinstance(entry, dict) else ():
                if name in entry:
                    entry[name] = pages[name]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from the top of the repository, what pages link to beside docs/, and the reference."""
    for source, target in PAGES.items():
        text = _links_of_the_site((ROOT / source).read_text())
        files.append(File.generated(config, target, content=text))
    for script in sorted(ROOT.glob("examples/*.py")):
        text = f"# {script.name}\n\n```python\n{script.read_text()}```\n"
        files.append(File.generated(config, f"examples/{script.stem}.md", content=text))
    listing = "".join(f"- [{path.name}]({path.stem}.md)\n" for path in sorted(ROOT.glob("examples/*.py")))
    files.append(File.generated(config, "examples/index.md", content=f"# Examples\n\n{listing}"))
    for notebook in sorted(ROOT.glob("examples/notebooks/*.ipynb")):
        _add_notebook(notebook, files, config)
    for name in ("NOTICE", "LICENSE"):
        text = f"# {name.capitalize()}\n\n```text\n{(ROOT / name).read_text()}```\n"
        files.append(File.generated(config, f"{name.lower()}.md", content=text))
    for target, text in reference_pages().items():
        files.append(File.generated(config, target, content=text))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Links to scripts of examples/ lead to their pages on the site."""
    return re.sub(r"\]\(\.\./examples/(\w+)\.py\)", r"](examples/\1.md)", markdown)


def reference_pages() -> dict[str, str]:
    """For each package and module with an `__all__`, one page; a package without one is its modules."""
    names: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        parts = path.relative_to(SOURCE).with_suffix("").parts
        if any(part.startswith("_") and part != "__init__" for part in parts) or not _has_names(path):
            continue
        package = "intarsia" if path == SOURCE / "__init__.py" else path.relative_to(SOURCE).parts[0]
        package = package.removesuffix(".py")
        module = ".".join(["intarsia", *(part for part in parts if part != "__init__")])
        names.setdefault(package, []).append(module)
    fronts = {package: f"intarsia.{package}" for package in names}
    pages = {}
    for package, modules in names.items():
        shown = [fronts[package]] if fronts[package] in modules else modules
        title = "intarsia" if package == "intarsia" else fronts[package]
        heading = f"    options:\n      show_root_heading: {str(len(shown) > 1).lower()}\n"
        pages[f"reference/{package}.md"] = "\n".join(
            [f"# {title}\n", *(f"::: {name}\n{heading}" for name in shown)]
        )
    links = "".join(f"- [{package}]({package}.md)\n" for package in names)
    return {"reference/index.md": f"# Reference\n\n{links}", **pages}


def _has_names(path: Path) -> bool:
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == "__all__" for target in node.targets
        ):
            return bool(ast.literal_eval(node.value))
    return False


def _links_of_the_site(text: str) -> str:
    text = re.sub(r"\]\(docs/", "](", text)
    for source, target in PAGES.items():
        text = re.sub(rf"\]\({re.escape(source)}(#[\w-]*)?\)", rf"]({target}\1)", text)
    text = text.replace("](examples)", "](examples/index.md)")
    return re.sub(r"\]\((NOTICE|LICENSE)\)", lambda match: f"]({match[1].lower()}.md)", text)


def _add_notebook(notebook: Path, files: Files, config: MkDocsConfig) -> None:
    """A page of a notebook's cells and of what they gave when it was run, its pictures beside it."""
    parts = []
    for number, cell in enumerate(json.loads(notebook.read_text())["cells"]):
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(source.replace("](../../docs/", "](../"))
            continue
        parts.append(f"```python\n{source}\n```")
        for output in cell["outputs"]:
            data = output.get("data", {"text/plain": output.get("text", "")})
            if "image/png" in data:
                picture = f"notebooks/{notebook.stem}-{number}.png"
                content = base64.b64decode("".join(data["image/png"]))
                files.append(File.generated(config, picture, content=content))
                parts.append(f"![what the cell shows]({Path(picture).name}){{ width=384 }}")
            else:
                text = "".join(data["text/plain"]).rstrip()
                parts.append(f"```text\n{text}\n```")
    files.append(File.generated(config, f"notebooks/{notebook.stem}.md", content="\n\n".join(parts)))
