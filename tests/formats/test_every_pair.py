"""From every format that is written to every other: each pixel, category and crowd comes along."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from intarsia.categories import Categories
from intarsia.commands.convert import TARGETS, convert
from intarsia.errors import InputError
from intarsia.panoptic import PanopticMap
from tests.formats.test_both_ways import NO_CROWDS
from tests.formats.written_maps import TABLES, random_map, read_back, write_coco

OWN_TABLE = {"ade20k": "ade20k", "cityscapes": "cityscapes", "vistas": "vistas", "vistas-v2": "vistas-v2"}
"""Formats that hold the categories of one data set only; the others take any."""
READ_AS = {"vistas-v2": "vistas"}
TABLES_THAT_FIT = {("cityscapes", "vistas"), ("cityscapes", "vistas-v2")}
"""Vistas names its categories in its own configuration, so any table of ids from 1 to 255 goes in."""


def shared(first: str, second: str) -> Categories:
    """What both formats can hold: one's own table, or of two tables the categories of equal names."""
    if (first, second) in TABLES_THAT_FIT:
        return Categories.named(OWN_TABLE[first])
    tables = [Categories.named(OWN_TABLE[name]) for name in (first, second) if name in OWN_TABLE]
    if not tables:
        return Categories.named("facades")
    names = set.intersection(*(set(table.names) for table in tables))
    kinds = [{row.name: row.is_thing for row in table} for table in tables]
    alike = [row for row in tables[0] if row.name in names and len({kind[row.name] for kind in kinds}) == 1]
    return Categories(alike)


def said(one: PanopticMap, categories: Categories) -> set[tuple[bytes, str, bool]]:
    """What a map says, whatever its ids: pixels, the category's name, and whether it is a crowd."""
    name_of = {row.id: row.name for row in categories}
    return {(one.mask(s.id).tobytes(), name_of[s.category_id], s.is_crowd) for s in one.segments}


NOTHING_SHARED = [
    (first, second)
    for first in OWN_TABLE
    for second in OWN_TABLE
    if first.partition("-")[0] != second.partition("-")[0] and "vistas" in (first + second)
    if (first, second) not in TABLES_THAT_FIT
]
"""Vistas' names are written otherwise than those of the two others, and ADE20K's ids begin at 0."""


@pytest.mark.parametrize(("first", "second"), sorted({*product(TARGETS, TARGETS)} - {*NOTHING_SHARED}))
def test_maps_come_through_every_pair_of_formats(tmp_path: Path, first: str, second: str):
    categories = shared(first, second)
    crowds = not {first, second} & {*NO_CROWDS}
    seed = 100 * [*TARGETS].index(first) + [*TARGETS].index(second)
    maps = [random_map(categories, seed, crowds=crowds), PanopticMap.empty(4, 3)]
    write_coco(tmp_path / "0" / "val", maps, categories)
    chain = ["coco", READ_AS.get(first, first), READ_AS.get(second, second)]
    for n, (source, to) in enumerate(zip(chain, (first, second, "coco"), strict=True)):
        convert(source, str(tmp_path / str(n)), str(tmp_path / str(n + 1)), to=to, workers=1)
    folder = tmp_path / "3" / "val"
    table = Categories.from_coco(folder / "panoptic.json")
    assert [said(one, table) for one in read_back(folder).values()] == [said(one, categories) for one in maps]


@pytest.mark.parametrize(("first", "second"), NOTHING_SHARED)
def test_formats_without_a_category_in_common_are_refused(tmp_path: Path, first: str, second: str):
    table = Categories.named(OWN_TABLE[first])
    write_coco(tmp_path / "0" / "val", [random_map(table, 1, crowds=False)], table)
    convert("coco", str(tmp_path / "0"), str(tmp_path / "1"), to=first)
    with pytest.raises(InputError, match="must be .* got"):
        convert(READ_AS.get(first, first), str(tmp_path / "1"), str(tmp_path / "2"), to=second)


def test_every_format_that_is_written_has_a_table_here():
    assert {*TARGETS} == {*TABLES}
