"""`intarsia inspect`: what a data set holds, and everything that is wrong with it. Starts without torch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro

from intarsia._check import check_least, counted, fail
from intarsia._threads import in_order
from intarsia.commands.conversion import with_name
from intarsia.commands.conversion_count import ConversionCount, facts_of
from intarsia.errors import InputError, PartialFailure
from intarsia.formats.coco_check import CheckedJson, CheckedMap, Choose, check_json, check_map, check_strays
from intarsia.formats.coco_places import CocoPlace, find_coco
from intarsia.formats.layout import find_parts
from intarsia.formats.lesson import nothing_to_learn
from intarsia.formats.photo_fit import check_photo
from intarsia.formats.source import SourceMap, SourcePart
from intarsia.panoptic import VOID_ID, Categories, PanopticMap, Segment


@dataclass
class Inspection:
    """The counts of one data set folder.

    Attributes:
        num_images: Those whose maps could be read.
        num_pixels: Of all maps.
        num_void: Pixels that nobody labelled.
        sizes: How many maps have a height and width.
        segments: How many a category has, by its id.
        pixels: How many a category covers, by its id.
        num_crowds: Segments that stand for several things.
        things_per_image: One number a map.
        problems: What makes training or evaluation fail, a sentence each.
        remarks: What is only worth knowing, a sentence each.
        lessons: The segments of each map.
    """

    num_images: int = 0
    num_pixels: int = 0
    num_void: int = 0
    sizes: Counter[tuple[int, int]] = field(default_factory=Counter)
    segments: Counter[int] = field(default_factory=Counter)
    pixels: Counter[int] = field(default_factory=Counter)
    num_crowds: int = 0
    things_per_image: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    lessons: list[Sequence[Segment]] = field(default_factory=list)

    def add(self, other: Inspection) -> None:
        """Add the counts of another folder."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def inspect(
    folder: Annotated[str, tyro.conf.Positional],
    *,
    channel: tuple[int, ...] = (),
    page: int | None = None,
    sheet: str | None = None,
    workers: int = 2,
) -> Inspection:
    """Count what a data set holds, print it, and name all that is wrong.

    A COCO panoptic folder (`panoptic.json`, `panoptic/`, `images/`), part by part where it has `train/` and
    `val/`, COCO's own layout, or one JSON; and every format that `convert` reads.

    Args:
        folder: The data set.
        channel: Which channels of the photos' files are seen, as training will be told.
        page: Which page of the photos' files, likewise.
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
    check_least("workers", workers, 1)
    places = find_coco(folder)
    parts = find_parts(folder) if not places and Path(folder).is_dir() else []
    if not places and not parts:
        fail(
            str(folder),
            "a data set folder with panoptic.json, or with train/ and val/ of that shape",
            "neither",
            hint="Other formats that `intarsia convert` names are recognised, too.",
        )
    # every map is read and counted; some are kept for the sheet
    tiles: list[tuple[SourceMap, Categories]] = []
    choose = partial(SourceMap.with_view, channel=channel, page=page)
    total = _inspect_coco(places, tiles, choose=choose, workers=workers)
    for part in (part.read() for part in parts):
        part = replace(part, maps=tuple(map(choose, part.maps)))
        total.add(_inspect_part(part, Path(folder), tiles, workers=workers))
    # what it says, and the sheet
    if total.lessons and (lesson := nothing_to_learn(total.lessons)):
        print(f"Nothing can be learned from it: {lesson}.")
    if sheet is not None:
        from intarsia.commands.sheet import write_sheet  # draws: not needed otherwise

        write_sheet(sheet, tiles)
    if total.problems:
        summary = f"{counted(len(total.problems), 'problem')} in {counted(total.num_images, 'image')}"
        raise PartialFailure(total.problems, total=total.num_images, result=total, summary=summary)
    return total


def _inspect_coco(
    places: Sequence[CocoPlace], tiles: list[tuple[SourceMap, Categories]], *, choose: Choose, workers: int
) -> Inspection:
    """COCO panoptic data sets: their JSONs say what should be in the files, and all of it is compared."""
    total, parts = Inspection(), []
    for place in places:
        try:
            document = check_json(place)
        except InputError as error:
            total.problems.append(str(error))
            continue
        part = _inspect_json(document, choose=choose, workers=workers)
        _print(place.json_path.parent, document.categories, part)
        parts.append(document)
        total.add(part)
        tiles += [
            (choose(document.source_of(listed.record)), document.categories) for listed in document.maps
        ]
    total.problems += check_strays(parts)
    return total


def _inspect_json(document: CheckedJson, *, choose: Choose, workers: int) -> Inspection:
    inspection = Inspection(num_images=len(document.maps), problems=list(document.problems))
    has_photos = bool(document.photos) or document.place.images.is_dir()
    if not has_photos:
        inspection.remarks.append(f"No photos: there is no {document.place.images}. Training needs them.")
    check = partial(check_map, document=document, choose=choose if has_photos else None)
    for listed, checked_map in in_order(check, document.maps, workers=workers, description="maps"):
        _count(listed.record.segments, checked_map, inspection, document.categories)
    return inspection


def _inspect_part(
    part: SourcePart, folder: Path, tiles: list[tuple[SourceMap, Categories]], *, workers: int
) -> Inspection:
    """A data set of another format: its maps are read as `convert` reads them, and counted."""
    inspection, count = Inspection(num_images=len(part.maps)), ConversionCount(part)
    for source, (checked_map, panoptic_map) in in_order(
        _check_source, part.maps, workers=workers, description="maps"
    ):
        _count(panoptic_map.segments if panoptic_map else (), checked_map, inspection, part.categories)
        if panoptic_map is not None:
            count.add(source, facts_of(source, panoptic_map))
    inspection.problems += count.losses()
    if part.maps and not any(source.has_photo for source in part.maps):
        inspection.remarks.append(f"No photos in {folder}. Training needs them.")
    _print(folder / part.name, part.categories, inspection)
    tiles += [(source, part.categories) for source in part.maps]
    return inspection


def _check_source(source: SourceMap) -> tuple[CheckedMap, PanopticMap | None]:
    try:
        panoptic_map = source.read()
    except InputError as error:
        return CheckedMap(problems=[with_name(source, error)]), None
    areas = {segment.id: panoptic_map.area(segment.id) for segment in panoptic_map.segments}
    checked_map = CheckedMap(panoptic_map.size, areas | {VOID_ID: panoptic_map.area(VOID_ID)})
    try:
        check_photo(source, panoptic_map.size)
    except InputError as error:
        checked_map.problems.append(with_name(source, error))
    return checked_map, panoptic_map


def _count(
    segments: Sequence[Segment], checked_map: CheckedMap, inspection: Inspection, categories: Categories
) -> None:
    inspection.problems += checked_map.problems
    if checked_map.size is None:
        return
    inspection.lessons.append(segments)
    inspection.sizes[checked_map.size] += 1
    inspection.num_pixels += checked_map.size[0] * checked_map.size[1]
    inspection.num_void += checked_map.areas.get(VOID_ID, 0)
    visible = [segment for segment in segments if segment.id in checked_map.areas]
    for segment in visible:
        inspection.segments[segment.category_id] += 1
        inspection.pixels[segment.category_id] += checked_map.areas[segment.id]
        inspection.num_crowds += segment.is_crowd
    things = {category.id for category in categories.things}
    inspection.things_per_image.append(sum(segment.category_id in things for segment in visible))


def _print(folder: Path, categories: Categories, inspection: Inspection) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    # the data set as a whole
    void = 100 * inspection.num_void / max(inspection.num_pixels, 1)
    sizes = ", ".join(f"{h}x{w} ({n})" for (h, w), n in inspection.sizes.most_common(4))
    more = f" and {len(inspection.sizes) - 4} other sizes" if len(inspection.sizes) > 4 else ""
    images = counted(inspection.num_images, "image")
    console.print(f"{folder}: {images}, {sizes}{more}", highlight=False, markup=False)
    counts = inspection.things_per_image or [0]
    things = f"{min(counts)} to {max(counts)}, median {np.median(counts):.0f}"
    console.print(
        f"void {void:.1f} %, things an image {things}, crowds {inspection.num_crowds}", highlight=False
    )
    # each category
    table = Table("category", "id", "kind", "segments", "pixels a segment", "% of pixels")
    for row in categories:
        pixels, segments = inspection.pixels[row.id], inspection.segments[row.id]
        mean = f"{pixels / segments:.0f}" if segments else "–"
        share = f"{100 * pixels / max(inspection.num_pixels, 1):.2f}"
        kind = "thing" if row.is_thing else "stuff"
        table.add_row(Text(row.name), str(row.id), kind, str(segments), mean, share)
    console.print(table)
    for remark in inspection.remarks:
        console.print(remark, highlight=False, markup=False, soft_wrap=True)
