"""Pages say what is: the example that they explain, the libraries that are installed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOR_CONTRIBUTORS = sorted(path.name for path in ROOT.glob("docs/add-a-*.md"))


def blocks_of(page: str) -> list[str]:
    """The Python of a page."""
    return re.findall(r"^```python\n(.*?)^```", (ROOT / "docs" / page).read_text(), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("page", FOR_CONTRIBUTORS)
def test_the_python_of_a_page_for_contributors_passes_the_linter_and_the_type_checker(page, tmp_path):
    file = tmp_path / "pasted.py"
    file.write_text("\n\n".join(blocks_of(page)))
    # A page imports what a step needs in that step (E402), and is an example (D).
    settings = ["--config", str(ROOT / "pyproject.toml"), "--ignore", "E402,D"]
    for tool in (["ruff", "check", *settings], ["pyright"]):
        words = [sys.executable, "-m", *tool, str(file)]
        done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("page", FOR_CONTRIBUTORS)
def test_each_block_of_a_page_for_contributors_is_formatted(page):
    words = [sys.executable, "-m", "ruff", "format", "--diff", "--config", str(ROOT / "pyproject.toml"), "-"]
    for block in blocks_of(page):
        done = subprocess.run(words, input=block, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_the_page_on_methods_shows_the_example_as_it_is():
    """Its first four blocks are the file, but for the title and `main`."""
    script = (ROOT / "examples/contour_method.py").read_text()
    title, _, rest = script.partition("\n\n")
    assert title.startswith('"""')
    assert " ".join(blocks_of("add-a-method.md")[:4]).split() == rest[: rest.index("def main()")].split()


def test_every_dependency_has_its_reason_on_a_page():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = [name for extra in project["optional-dependencies"].values() for name in extra]
    wanted = {re.split(r"[\[<>=]", name)[0] for name in [*project["dependencies"], *extras]} - {"intarsia"}
    words = set(re.findall(r"[\w-]+", (ROOT / "docs/decisions/0001-dependencies.md").read_text()))
    assert not wanted - words


def test_readme_and_contributing_stay_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 120
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 50
