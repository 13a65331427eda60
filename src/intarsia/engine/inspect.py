"""`intarsia inspect`: what a data set holds, and everything that is wrong with it. Starts without torch."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import numpy as np
import tyro
from PIL import Image

from intarsia._check import InputError, PartialFailure, fail
from intarsia.formats.coco import CocoPanoptic, MapRecord, read_coco, read_map
from intarsia.panoptic import VOID_ID, PanopticMap


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

    def add(self, other: Inspection) -> None:
        """Add the counts of another folder."""
        for name in self.__dataclass_fields__:
            setattr(self, name, getattr(self, name) + getattr(other, name))


def inspect(folder: Annotated[str, tyro.conf.Positional], *, sheet: str | None = None) -> Inspection:
    """Count what a COCO panoptic folder holds (`panoptic.json`, `panoptic/`, `images/`), and print it.

    A folder with `train/` and `val/` is inspected part by part.

    Args:
        folder: The data set.
        sheet: Also write a contact sheet of maps to this PNG or JPEG.

    Raises:
        ValueError: The folder is no data set.
        PartialFailure: Files are missing, broken or contradict the JSON: one sentence each. All else is done.

    Example:
        >>> inspect("no-such-folder")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
            ...
        intarsia._check.InputError: `no-such-folder` must be a data set folder with ...
    """
    places = (Path(folder), Path(folder, "train"), Path(folder, "val"))
    parts = [part for part in places if (part / "panoptic.json").exists()]
    if not parts:
        fail(
            str(folder),
            "a data set folder with panoptic.json, or with train/ and val/ of that shape",
            "neither",
        )
    total, tiles = Inspection(), []
    for part in parts:
        coco = read_coco(part / "panoptic.json")
        found = Inspection()
        for record in coco.records:
            _inspect_image(part, record, coco, found)
        _find_strays(part, coco, found)
        _print(part, coco, found)
        tiles += [(part, record, coco) for record in coco.records[:24]]
        total.add(found)
    if sheet is not None:
        _write_sheet(Path(sheet), tiles[:24])
    if total.problems:
        raise PartialFailure(total.problems, total=total.num_images, result=total)
    return total


def _inspect_image(folder: Path, record: MapRecord, coco: CocoPanoptic, found: Inspection) -> None:
    found.num_images += 1
    try:
        one = read_map(record, folder / "panoptic")
    except InputError as error:
        found.problems.append(str(error))
        return
    found.sizes[one.size] += 1
    found.num_pixels += one.ids.size
    found.num_void += one.area(VOID_ID)
    things = {category.id for category in coco.categories.things}
    for segment in one.segments:
        found.segments[segment.category_id] += 1
        found.pixels[segment.category_id] += one.area(segment.id)
        found.num_crowds += segment.is_crowd
    found.things_per_image.append(sum(s.category_id in things for s in one.segments))
    _check_image(folder / "images" / record.image_file, one, found)


def _check_image(path: Path, one: PanopticMap, found: Inspection) -> None:
    try:
        with Image.open(path) as image:
            size = image.height, image.width
    except (OSError, SyntaxError, ValueError) as error:
        found.problems.append(f"`{path}` must be a readable image, got {type(error).__name__}.")
        return
    if size != one.size:
        expected = f"{one.size[0]}x{one.size[1]}"
        found.problems.append(f"`{path}` must be as large as its map, {expected}, got {size[0]}x{size[1]}.")


def _find_strays(folder: Path, coco: CocoPanoptic, found: Inspection) -> None:
    listed = {record.map_file for record in coco.records}
    for path in sorted((folder / "panoptic").glob("*.png")):
        if path.name not in listed:
            found.problems.append(f"`{path}` must be listed in panoptic.json, got no annotation.")


def _print(folder: Path, coco: CocoPanoptic, found: Inspection) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console()
    void = 100 * found.num_void / max(found.num_pixels, 1)
    sizes = ", ".join(f"{h}x{w} ({n})" for (h, w), n in found.sizes.most_common(4))
    more = f" and {len(found.sizes) - 4} other sizes" if len(found.sizes) > 4 else ""
    console.print(f"{folder}: {found.num_images} images, {sizes}{more}", highlight=False, markup=False)
    counts = found.things_per_image or [0]
    things = f"{min(counts)} to {max(counts)}, median {np.median(counts):.0f}"
    console.print(f"void {void:.1f} %, things an image {things}, crowds {found.num_crowds}", highlight=False)
    table = Table("category", "id", "kind", "segments", "% of pixels")
    for row in coco.categories:
        share = 100 * found.pixels[row.id] / max(found.num_pixels, 1)
        kind = "thing" if row.is_thing else "stuff"
        table.add_row(row.name, str(row.id), kind, str(found.segments[row.id]), f"{share:.2f}")
    console.print(table)


def _write_sheet(path: Path, tiles: list[tuple[Path, MapRecord, CocoPanoptic]]) -> None:
    """Thumbnails of the maps in the colours of their categories, six a row."""
    side, columns = 160, 6
    sheet = Image.new("RGB", (side * columns, side * -(-len(tiles) // columns) or side))
    for n, (folder, record, coco) in enumerate(tiles):
        try:
            one = read_map(record, folder / "panoptic")
        except InputError:
            continue
        colors = np.zeros((256, 3), np.uint8)
        colors[: len(coco.categories)] = [row.color for row in coco.categories]
        tile = Image.fromarray(colors[one.semantic(coco.categories)])
        tile.thumbnail((side - 4, side - 4), Image.Resampling.NEAREST)
        sheet.paste(tile, (n % columns * side + 2, n // columns * side + 2))
    sheet.save(path)
