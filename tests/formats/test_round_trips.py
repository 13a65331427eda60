"""Random maps through random chains of formats come out as they went in."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.categories import Categories, Category
from intarsia.commands.convert import TARGETS, convert
from intarsia.panoptic import PanopticMap
from tests.formats.test_both_ways import NO_CROWDS
from tests.formats.written_maps import TABLES, pixels, random_map, read_back, write_coco

COCO = Categories.named("coco")
MANY = Categories(Category(n, f"kind {n}", n % 3 > 0, (n % 256, n // 256, 7)) for n in range(1, 701))
"""More categories than eight bits hold, as LVIS and the whole of ADE20K have."""
FORMATS = ("coco", "coco-instances", "label-divisor", "label-stack", "labels", "semantic-instances")
"""Those that take any table of categories, and crowds."""
READ_AS = {"vistas-v2": "vistas"}


MAPS = st.lists(
    st.tuples(st.integers(0, 10**6), st.integers(1, 10), st.integers(1, 21)), min_size=1, max_size=3
)
"""The seed, height and width of one to three maps."""


def maps_of(
    drawn: list[tuple[int, int, int]], categories: Categories, *, crowds: bool = True
) -> list[PanopticMap]:
    """Maps of things, stuff, crowds and void, and one of nothing but void."""
    maps = [(random_map(categories, seed, crowds=crowds), height, width) for seed, height, width in drawn]
    cut = [PanopticMap.keeping_visible(one.ids[:height, :width], one.segments) for one, height, width in maps]
    return [*cut, PanopticMap.empty(3, 4)]


def came_back(maps: list[PanopticMap], categories: Categories, chain: list[str]) -> bool:
    """Whether maps that are converted from format to format, and to COCO at last, are what they were."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_coco(root / "0" / "val", maps, categories)
        format, source = "coco", root / "0"
        for n, to in enumerate([*chain, "coco"], start=1):
            convert(format, str(source), str(root / str(n)), to=to, workers=1)
            format, source = READ_AS.get(to, to), root / str(n)
        back = read_back(source / "val")
    return {id: pixels(one) for id, one in back.items()} == {
        f"town_{n:06d}_x": pixels(one) for n, one in enumerate(maps)
    }


@given(drawn=MAPS, chain=st.lists(st.sampled_from(FORMATS), min_size=1, max_size=3))
@settings(max_examples=12, deadline=None)
def test_any_chain_of_formats_ends_with_the_maps_it_began_with(
    drawn: list[tuple[int, int, int]], chain: list[str]
):
    assert came_back(maps_of(drawn, COCO), COCO, chain)


@given(drawn=MAPS, chain=st.lists(st.sampled_from(FORMATS), min_size=1, max_size=2))
@settings(max_examples=12, deadline=None)
def test_more_categories_than_eight_bits_hold_come_through_any_chain(
    drawn: list[tuple[int, int, int]], chain: list[str]
):
    assert came_back(maps_of(drawn, MANY), MANY, chain)


@given(drawn=MAPS, format=st.sampled_from(sorted(TARGETS)))
@settings(max_examples=20, deadline=None)
def test_every_format_gives_back_what_was_written(drawn: list[tuple[int, int, int]], format: str):
    """Those of one data set with its own categories; crowds where the format has them."""
    categories = Categories.named(TABLES[format])
    maps = maps_of(drawn, categories, crowds=format not in NO_CROWDS)
    assert came_back(maps, categories, [format])


def test_every_format_is_in_a_chain():
    assert {*FORMATS} == {format for format, table in TABLES.items() if table in ("coco", "facades")}
