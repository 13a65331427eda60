"""Pages say what is: the example that they explain, the libraries that are installed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_the_page_on_methods_shows_the_example_as_it_is():
    """Its first four blocks are the file, but for the title and `main`."""
    page = (ROOT / "docs/add-a-method.md").read_text()
    script = (ROOT / "examples/contour_method.py").read_text()
    title, _, rest = script.partition("\n\n")
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    assert title.startswith('"""')
    assert " ".join(blocks[:4]).split() == rest[: rest.index("def main()")].split()


def test_every_dependency_has_its_reason_on_a_page():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    wanted = {re.split(r"[\[<>=]", name)[0] for name in [*project["dependencies"], *extras]} - {"intarsia"}
    words = set(re.findall(r"[\w-]+", (ROOT / "docs/decisions/0001-dependencies.md").read_text()))
    assert not wanted - words


def test_readme_and_contributing_stay_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 50
