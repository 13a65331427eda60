"""All label images of a part as the pages of one TIFF, `labels/pages.tif`; `category_map.json` names them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from intarsia.formats.category_map import FILE_NAME
from intarsia.formats.json_file import write_json
from intarsia.formats.label_folder import category_map_of, read_label_folder, row_of
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image
from intarsia.panoptic import PanopticMap

STACK = Path("labels", "pages.tif")
MAX_PLAIN = 1 << 31
"""Bytes of pixels; more go into a BigTIFF, which fewer programs read."""


def write_page(root: Path, part: SourcePart, one: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write one page to a file of its own, and the photo; the ids are the labels, 32 bits each."""
    folder = root / part.name
    pages = folder / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    partial_file = pages / f"{one.name}.npy.partial"
    with partial_file.open("wb") as file:
        np.save(file, panoptic_map.ids)
    partial_file.replace(pages / f"{one.name}.npy")
    copy_image(one, folder / "images" / f"{one.name}{Path(one.image_file).suffix or '.png'}")
    return row_of(one, panoptic_map)


def bind_pages(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """Bind the pages to one file; none of them is held in memory longer than it takes to write it."""
    folder = root / part.name
    names = [row["name"] for row in rows]
    pages = folder / "pages"
    if pages.is_dir():  # else an earlier run got this far
        partial_file = folder / f"{STACK}.partial"
        partial_file.parent.mkdir(exist_ok=True)
        is_large = sum((pages / f"{name}.npy").stat().st_size for name in names) > MAX_PLAIN
        with tifffile.TiffWriter(partial_file, bigtiff=is_large) as writer:
            for name in names:
                page = np.load(pages / f"{name}.npy").astype(np.uint32)
                writer.write(page, photometric="minisblack", compression="zlib", metadata=None)
        partial_file.replace(folder / STACK)
    write_json(folder / FILE_NAME, {**category_map_of(part, rows), "pages": {STACK.stem: names}})
    shutil.rmtree(pages, ignore_errors=True)


TARGET = Target(write_page, bind_pages, read_label_folder)
