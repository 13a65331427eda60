"""A large JSON written row by row has the bytes of one that was written whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from intarsia.formats.json_rows import JsonRows, write_json_lists

ROWS = [{"id": n, "name": "é" * n, "score": 1 / (n + 3), "none": None} for n in range(40)]


@pytest.mark.parametrize("max_bytes", [0, 100, 1 << 20], ids=["all on disk", "some on disk", "in memory"])
def test_rows_wherever_they_wait_give_the_bytes_of_json_dumps(tmp_path: Path, max_bytes: int):
    rows, none = JsonRows(max_bytes=max_bytes), JsonRows()
    for row in ROWS:
        rows.add(row)
    write_json_lists(tmp_path / "a" / "a.json", {"rows": rows, "none": none, "few": ROWS[:2]})
    expected = json.dumps({"rows": ROWS, "none": [], "few": ROWS[:2]})
    assert (tmp_path / "a" / "a.json").read_text() == expected
    assert len(rows) == len(ROWS)
    rows.close()


def test_rows_can_be_added_after_they_were_read():
    rows = JsonRows(max_bytes=10)
    for n in range(20):
        rows.add(n)
        assert [json.loads(text) for text in rows] == list(range(n + 1))
    rows.close()
