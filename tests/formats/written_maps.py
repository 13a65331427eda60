"""Maps to write in a format, and what was read back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from intarsia.categories import Categories
from intarsia.formats.coco import CocoWriter, read_coco, read_map
from intarsia.panoptic import PanopticMap, Segment

TABLES = {
    "ade20k": "ade20k",
    "cityscapes": "cityscapes",
    "coco": "coco",
    "coco-instances": "coco",
    "label-divisor": "coco",
    "label-stack": "facades",
    "labels": "facades",
    "semantic-instances": "coco",
    "vistas": "vistas",
    "vistas-v2": "vistas-v2",
}
"""A table of categories to write each format with."""


def random_map(categories: Categories, seed: int, *, crowds: bool = True) -> PanopticMap:
    """At most one stuff segment and one crowd a category, as every format can tell them apart."""
    generator = np.random.default_rng(seed)
    chosen = generator.permutation(len(categories))[:6]
    kinds = [(categories[int(k)], False) for k in chosen]
    things = [row for row, _ in kinds if row.is_thing]
    kinds += [(row, False) for row in things] + ([(row, True) for row in things] if crowds else [])
    ids = np.kron(generator.integers(0, len(kinds) + 1, (5, 7)), np.ones((2, 3), int))
    numbers = generator.permutation(np.arange(1, 900))[: len(kinds)].tolist()
    segments = [Segment(n, row.id, is_crowd=crowd) for n, (row, crowd) in zip(numbers, kinds, strict=True)]
    return PanopticMap.keeping_visible(np.array([0, *numbers])[ids], segments)


def pixels(one: PanopticMap) -> set[tuple[bytes, int, bool]]:
    """What a map says, whatever its ids: each segment's pixels, category, and whether it is a crowd."""
    return {(one.mask(s.id).tobytes(), s.category_id, s.is_crowd) for s in one.segments}


def write_coco(folder: Path, maps: list[PanopticMap], categories: Categories) -> Path:
    (folder / "images").mkdir(parents=True)
    with CocoWriter(folder / "panoptic.json", categories) as writer:
        for n, one in enumerate(maps):
            writer.add(f"town_{n:06d}_x.png", one, image_id=f"town_{n:06d}_x")
            Image.new("RGB", (one.size[1], one.size[0]), (n, 0, 0)).save(
                folder / "images" / f"town_{n:06d}_x.png"
            )
    return folder


def read_back(folder: Path) -> dict[Any, PanopticMap]:
    coco = read_coco(folder / "panoptic.json")
    return {record.image_id: read_map(record, folder / "panoptic") for record in coco.records}
