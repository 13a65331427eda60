"""The site leads to every page and documents every public name; `make docs` builds it."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Any

import pytest

from tests.test_public_api import modules

ROOT = Path(__file__).parents[1]
NAVIGATION = (ROOT / "mkdocs.yml").read_text().partition("\nnav:\n")[2]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The reference, a page for each package."""
    spec = importlib.util.spec_from_file_location("docs_site", ROOT / "tools/docs_site.py")
    assert spec is not None
    assert spec.loader is not None
    site: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(site)
    return site.reference_pages()


def test_the_order_of_the_readers_names_pages_that_exist():
    listed = set(re.findall(r"[\w./-]+\.md", NAVIGATION))
    written = {path.name for path in ROOT.glob("docs/*.md")}
    written |= {f"notebooks/{path.stem}.md" for path in ROOT.glob("examples/notebooks/*.ipynb")}
    assert {"prediction.md", "concepts.md", "cut.md"} <= listed
    # These come from the top of the repository.
    assert listed - written == {"index.md", "contributing.md", "changelog.md"}


def test_every_public_name_is_in_the_reference(pages):
    shown = set(re.findall(r"^::: (\S+)$", "\n".join(pages.values()), re.MULTILINE))
    public = {module.__name__ for module in modules() if getattr(module, "__all__", ())}
    assert {"intarsia", "intarsia.cut", "intarsia.losses", "intarsia.errors"} <= shown <= public
    # A module of a package that says itself what it offers is documented there.
    assert all(name in shown or name.rpartition(".")[0] in shown for name in public)


def test_nothing_on_the_site_is_fetched():
    settings = (ROOT / "mkdocs.yml").read_text()
    assert "font: false" in settings
    assert "polyfills: [assets/iframe-worker.js]" in settings
    assert "http" not in settings
