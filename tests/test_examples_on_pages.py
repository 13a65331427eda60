"""A page that explains a file of `examples/` shows it as it is."""

from __future__ import annotations

import re
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
