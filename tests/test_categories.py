"""Tables of categories: order, look-up, COCO's JSON there and back, and what is refused."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from intarsia.categories import Categories, Category
from intarsia.panoptic import PanopticMap, Segment

ROWS = [
    Category(7, "tree", False, (1, 2, 3)),
    Category(2, "bird", True, (4, 5, 6)),
    Category(0, "sky", False, (7, 8, 9)),
]
TABLE = Categories(ROWS)
NAMES = [
    "ade20k",
    "bdd100k",
    "bdd100k-instances",
    "cityscapes",
    "cityscapes-raw",
    "coco",
    "facades",
    "nuclei",
    "vistas",
    "vistas-v2",
    "voc",
]


def test_a_table_is_an_ordered_sequence():
    assert len(TABLE) == 3
    assert list(TABLE) == ROWS
    assert (TABLE[1], TABLE[-1], TABLE[:2]) == (ROWS[1], ROWS[2], (ROWS[0], ROWS[1]))
    assert TABLE.names == ("tree", "bird", "sky")
    assert (TABLE.things, TABLE.stuff) == ((ROWS[1],), (ROWS[0], ROWS[2]))


def test_things_are_told_from_stuff_by_an_array_of_the_category_index():
    categories = Categories.named("cityscapes")
    assert categories.is_thing.tolist() == [category.is_thing for category in categories]
    assert tuple(categories[int(i)] for i in np.flatnonzero(categories.is_thing)) == categories.things
    with pytest.raises(ValueError, match="read-only"):
        categories.is_thing[0] = True


def test_ids_are_found_whatever_their_order():
    assert [TABLE.index_of(id) for id in (7, 2, 0)] == [0, 1, 2]
    with pytest.raises(ValueError, match=re.escape("`category id` must be one of [0, 2, 7], got 1")):
        TABLE.index_of(1)


def test_ids_and_rows_are_members():
    assert 7 in TABLE
    assert 1 not in TABLE
    assert ROWS[1] in TABLE
    assert Category(2, "bird", False, (4, 5, 6)) not in TABLE


def test_tables_are_equal_by_rows_and_order():
    assert Categories(ROWS) == TABLE
    assert Categories(ROWS[::-1]) != TABLE
    assert hash(Categories(ROWS)) == hash(TABLE)
    assert pickle.loads(pickle.dumps(TABLE)) == TABLE


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([], "`categories` must be 1 to 65535 categories, got 0"),
        ([Category(n, "a", True, (0, 0, 0)) for n in range(65536)], "1 to 65535 categories, got 65536"),
        ([ROWS[0], ROWS[1], ROWS[0]], "without two of the same id, got 7"),
    ],
)
def test_tables_that_no_semantic_map_can_number_are_refused(rows: list[Category], sentence: str):
    with pytest.raises(ValueError, match=sentence):
        Categories(rows)


@pytest.mark.parametrize(
    ("count", "void", "kind"), [(255, 255, np.uint8), (256, 65535, np.uint16), (1203, 65535, np.uint16)]
)
def test_semantic_maps_of_many_categories_are_wider(count: int, void: int, kind: type):
    table = Categories(Category(n, str(n), True, (0, 0, 0)) for n in range(count))
    one = PanopticMap(np.array([[0, 7]]), [Segment(7, count - 1)])
    assert one.semantic(table).tolist() == [[void, count - 1]]
    assert one.semantic(table).dtype == kind
    assert table.void_index == void


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.text(max_size=5), st.booleans()),
        min_size=1,
        max_size=20,
        unique_by=lambda row: row[0],
    )
)
def test_coco_json_comes_back(rows: list[tuple[int, str, bool]]):
    table = Categories(Category(id, name, thing, (id % 256, 0, 255)) for id, name, thing in rows)
    content = json.loads(json.dumps({"categories": table.to_coco()}))
    assert Categories.from_coco(content) == table
    assert Categories.from_coco(content["categories"]) == table


def test_a_file_is_read(tmp_path: Path):
    (tmp_path / "a.json").write_text(json.dumps({"categories": TABLE.to_coco()}))
    assert Categories.from_coco(tmp_path / "a.json") == TABLE
    assert Categories.from_coco(str(tmp_path / "a.json")) == TABLE


def test_colours_are_made_up_where_none_are_given():
    rows: list[Any] = [{"id": n, "name": str(n), "isthing": 1} for n in range(100)]
    colors = [row.color for row in Categories.from_coco(rows)]
    assert len(set(colors)) == 100
    assert all(0 <= part <= 255 for color in colors for part in color)
    rows[0]["color"] = [1, 2, 3]
    assert Categories.from_coco(rows)[0].color == (1, 2, 3)


@pytest.mark.parametrize("key", ["id", "name", "isthing"])
def test_a_row_without_a_key_is_refused(key: str):
    rows: list[dict[str, Any]] = [{"id": n, "name": "a", "isthing": 1} for n in range(2)]
    del rows[1][key]
    with pytest.raises(ValueError, match=f"rows with `id`, `name` and `isthing`; row 1 lacks, got `{key}`"):
        Categories.from_coco(rows)


@pytest.mark.parametrize("name", NAMES)
def test_a_named_table_is_whole(name: str):
    table = Categories.named(name)
    assert len(set(table.names)) == len(table)
    assert all(row.name.strip() == row.name != "" for row in table)
    assert table.stuff or name == "bdd100k-instances"
    assert table.things


def test_tables_have_the_ids_of_their_data_sets():
    assert [Categories.named("coco")[n].id for n in (0, 79, 80, 132)] == [1, 90, 92, 200]
    assert [row.id for row in Categories.named("cityscapes").things] == [24, 25, 26, 27, 28, 31, 32, 33]
    assert [row.id for row in Categories.named("cityscapes-raw")] == list(range(34))
    assert [row.id for row in Categories.named("vistas")] == list(range(1, 66))
    assert [row.id for row in Categories.named("vistas-v2")] == list(range(1, 125))
    assert [row.id for row in Categories.named("ade20k")] == list(range(150))


def test_the_raw_table_of_cityscapes_holds_the_evaluated_one():
    raw = {row.id: row for row in Categories.named("cityscapes-raw")}
    assert all(raw[row.id] == row for row in Categories.named("cityscapes"))


def test_an_unknown_table_is_answered_with_the_nearest():
    with pytest.raises(
        ValueError, match="a known table of categories, got 'citscapes'. Did you mean `cityscapes"
    ):
        Categories.named("citscapes")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "a.json` must be a JSON with categories, got JSONDecodeError"),
        ("1.5", "`categories` must be a list of rows .*, got 1.5"),
        ('{"rows": []}', "`categories` must be a list of rows .*, got None"),
        ("[7]", "row 0 lacks, got `id`"),
        (
            '[{"id": null, "name": "a", "isthing": 1}]',
            "`id` must be a whole number for each category, got None for 'a'",
        ),
        ('[{"id": 1, "name": "a", "isthing": 1, "color": [1, 2]}]', "of three, got row 0"),
        ('[{"id": 1, "name": "a", "isthing": 1, "color": 7}]', "of three, got row 0"),
        ('[{"id": 1, "name": "a", "isthing": 1, "color": [1, 2, 300]}]', r"in \[0, 256\), got \(1, 2, 300\)"),
    ],
)
def test_a_file_that_holds_no_categories_is_refused(tmp_path: Path, content: str, sentence: str):
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(ValueError, match=sentence):
        Categories.from_coco(tmp_path / "a.json")
    with pytest.raises(ValueError, match="none.json` must be a JSON with categories, got FileNotFoundError"):
        Categories.from_coco(tmp_path / "none.json")


def test_a_table_shows_itself_in_a_line_and_its_colours_in_a_notebook():
    categories = Categories.named("coco")
    assert (
        repr(categories) == "Categories(80 things, 53 stuff: person, bicycle, car, motorcycle and 129 more)"
    )
    page = categories._repr_html_()
    assert all(f"rgb{row.color}" in page and row.name in page for row in categories)
    cell = Category(1, "a<b", True, (9, 9, 9))
    assert repr(Categories([cell])) == "Categories(1 thing, 0 stuff: a<b)"
    assert "a&lt;b" in Categories([cell])._repr_html_()
