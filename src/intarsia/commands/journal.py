"""What a conversion has finished, line by line on disk, so that a stopped one goes on where it was."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from intarsia._check import fail


class Journal:
    """A file of JSON lines: first which conversion this is, then one line for each finished image.

    Example:
        >>> import tempfile; path = Path(tempfile.mkdtemp()) / "all.unfinished"
        >>> with Journal(path, ["labels"]) as journal:
        ...     journal.add("7", {"row": {}})
        >>> Journal(path, ["labels"]).done
        {'7': {'row': {}}}
    """

    def __init__(self, path: Path, conversion: list[str]) -> None:
        """Read what an earlier run finished; a line that was cut off is left out.

        Raises:
            ValueError: The earlier run was another conversion.
        """
        self.path = path
        self.done: dict[str, dict[str, Any]] = {}
        self._conversion = conversion
        self._has_header = False
        for line in path.read_text(errors="replace").splitlines() if path.exists() else ():
            self._take(line)

    def _take(self, line: str) -> None:
        try:
            content = json.loads(line)
        except ValueError:
            return
        if "conversion" in content:
            if content["conversion"] != self._conversion:
                earlier = " ".join(map(str, content["conversion"]))
                hint = "Finish that one, remove the file, or write to another folder."
                fail(str(self.path), "the journal of this conversion", f"that of {earlier}", hint=hint)
            self._has_header = True
        elif self._has_header:
            self.done[content["id"]] = content["done"]

    def __enter__(self) -> Journal:
        self._lines = self.path.open("a")
        print(file=self._lines)  # ends a line that was cut off
        if not self._has_header:
            print(json.dumps({"conversion": self._conversion}), file=self._lines, flush=True)
        return self

    def __exit__(self, *error: object) -> None:
        self._lines.close()

    def add(self, image_id: str, done: dict[str, Any]) -> None:
        """Write down that an image is finished."""
        self.done[image_id] = done
        print(json.dumps({"id": image_id, "done": done}), file=self._lines, flush=True)

    def remove(self) -> None:
        """Forget it all: the conversion is complete."""
        self.path.unlink()
