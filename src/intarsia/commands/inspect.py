"""`intarsia inspect`: what a data set holds, and everything that is wrong with it. Starts without torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from intarsia._check import fail
from intarsia._threads import in_order
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco import MapRecord
from intarsia.formats.coco_check import CheckedJson, CheckedMap, check_json, check_map, check_strays
from intarsia.formats.coco_folder import source_map_of
from intarsia.formats.coco_places import find_coco
from intarsia.formats.lesson import nothing_to_learn
from intarsia.panoptic import VOID_ID, Categories


@dataclass
class Inspection:
    """The counts of one data set folder."""

    num_images: int = 0
    num_pixels: int = 0
    num_void: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    segments: Counter[int] = field(default_factory=Counter)  # by category id
    pixels: Counter[int] = field(default_factory=Counter)
    num_crowds: int = 0
    things_per_image: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def add(self, other: Inspection) -> None:
        """Add the counts of another folder."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def inspect(
    folder: Annotated[str, tyro.conf.Positional], *, sheet: str | None = None, workers: int = 2
) -> Inspection:
    """Count what a COCO panoptic folder holds (`panoptic.json`, `panoptic/`, `images/`), and print it.

    A folder with `train/` and `val/` is inspected part by part; so is COCO's own layout, and one JSON.

    Args:
        folder: The data set.
        sheet: Also write a contact sheet to this PNG or JPEG: the first 24 photos with their segments
            outlined, each instance in a colour of its own.
        workers: How many images to read at once.

    Raises:
        ValueError: The folder is no data set, or the sheet cannot be written.
        PartialFailure: Files are missing, broken or contradict the JSON: one sentence each. All else is done.

    Example:
        >>> inspect("no-such-folder")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        intarsia.errors.InputError: `no-such-folder` must be a data set folder with ...
    """
    places = find_coco(folder)
    if not places:
        fail(
            str(folder),
            "a data set folder with panoptic.json, or with train/ and val/ of that shape",
            "neither",
        )
    if workers < 1:
        fail("workers", "at least 1", workers)
    total, parts = Inspection(), []
    for place in places:
        try:
            checked = check_json(place)
        except InputError as error:
            total.problems.append(str(error))
            continue
        part = _inspect_part(checked, workers=workers)
        _print(place.json_path.parent, checked.categories, part)
        parts.append(checked)
        total.add(part)
    total.problems += check_strays(parts)
    lesson = nothing_to_learn(listed.record.segments for part in parts for listed in part.maps)
    if lesson and parts:
        print(f"Nothing can be learned from it: {lesson}.")
    if sheet is not None:
        from intarsia.commands.sheet import write_sheet  # draws: not needed otherwise

        tiles = [
            (source_map_of(one.record, part.place, part.photos), part.categories)
            for part in parts
            for one in part.maps
        ]
        write_sheet(sheet, tiles)
    if total.problems:
        summary = f"{len(total.problems)} problems in {total.num_images} images"
        raise PartialFailure(total.problems, total=total.num_images, result=total, summary=summary)
    return total


def _inspect_part(checked: CheckedJson, *, workers: int) -> Inspection:
    found = Inspection(num_images=len(checked.maps), problems=list(checked.problems))
    has_photos = bool(checked.photos) or checked.place.images.is_dir()
    if not has_photos:
        found.remarks.append(f"No photos: there is no {checked.place.images}. Training needs them.")
    check = partial(check_map, checked=checked, with_photo=has_photos)
    things = {category.id for category in checked.categories.things}
    for listed, one in in_order(check, checked.maps, workers=workers, description="maps"):
        _count(listed.record, one, found, things)
    return found


def _count(record: MapRecord, one: CheckedMap, found: Inspection, things: set[int]) -> None:
    found.problems += one.problems
    if one.size is None:
        return
    found.sizes[one.size] += 1
    found.num_pixels += one.size[0] * one.size[1]
    found.num_void += one.areas.get(VOID_ID, 0)
    visible = [segment for segment in record.segments if segment.id in one.areas]
    for segment in visible:
        found.segments[segment.category_id] += 1
        found.pixels[segment.category_id] += one.areas[segment.id]
        found.num_crowds += segment.is_crowd
    found.things_per_image.append(sum(segment.category_id in things for segment in visible))


def _print(folder: Path, categories: Categories, found: Inspection) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    void = 100 * found.num_void / max(found.num_pixels, 1)
    sizes = ", ".join(f"{h}x{w} ({n})" for (h, w), n in found.sizes.most_common(4))
    more = f" and {len(found.sizes) - 4} other sizes" if len(found.sizes) > 4 else ""
    console.print(f"{folder}: {found.num_images} images, {sizes}{more}", highlight=False, markup=False)
    counts = found.things_per_image or [0]
    things = f"{min(counts)} to {max(counts)}, median {np.median(counts):.0f}"
    console.print(f"void {void:.1f} %, things an image {things}, crowds {found.num_crowds}", highlight=False)
    table = Table("category", "id", "kind", "segments", "pixels a segment", "% of pixels")
    for row in categories:
        pixels, segments = found.pixels[row.id], found.segments[row.id]
        mean = f"{pixels / segments:.0f}" if segments else "–"
        share = f"{100 * pixels / max(found.num_pixels, 1):.2f}"
        kind = "thing" if row.is_thing else "stuff"
        table.add_row(Text(row.name), str(row.id), kind, str(segments), mean, share)
    console.print(table)
    for remark in found.remarks:
        console.print(remark, highlight=False, markup=False, soft_wrap=True)
