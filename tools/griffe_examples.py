"""What griffe, which reads the docstrings for the site, needs to know about ours."""

from __future__ import annotations

import re
from typing import Any

import griffe


class ExampleSections(griffe.Extension):
    """`Example:` is a section of code, as `Examples:` is; griffe would take it for a remark in prose."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the heading in the docstring of a module, class, function or attribute."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)
