"""Random maps through random chains of formats come out as they went in."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from intarsia.categories import Categories
from intarsia.commands.convert import convert
from intarsia.panoptic import PanopticMap
from tests.formats.written_maps import TABLES, pixels, random_map, read_back, write_coco

COCO = Categories.named("coco")
FORMATS = ("coco", "coco-instances", "label-divisor", "label-stack", "labels", "semantic-instances")
"""Those that take any table of categories, and crowds."""


@given(
    seeds=st.lists(st.integers(0, 10**6), min_size=1, max_size=3),
    chain=st.lists(st.sampled_from(FORMATS), min_size=1, max_size=3),
    with_void=st.booleans(),
)
@settings(max_examples=12, deadline=None)
def test_any_chain_of_formats_ends_with_the_maps_it_began_with(
    seeds: list[int], chain: list[str], with_void: bool
):
    maps = [random_map(COCO, seed) for seed in seeds] + ([PanopticMap.empty(3, 4)] if with_void else [])
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        write_coco(root / "0" / "val", maps, COCO)
        format, source = "coco", root / "0"
        for n, to in enumerate([*chain, "coco"], start=1):
            convert(format, str(source), str(root / str(n)), to=to)
            format, source = to, root / str(n)
        back = read_back(source / "val")
    assert {id: pixels(one) for id, one in back.items()} == {
        f"town_{n:06d}_x": pixels(one) for n, one in enumerate(maps)
    }


def test_every_format_is_in_a_chain():
    assert {*FORMATS} == {format for format, table in TABLES.items() if table in ("coco", "facades")}
