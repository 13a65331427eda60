"""All label images of a part as the pages of one TIFF, `labels/pages.tif`; `category_map.json` names them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tifffile

from intarsia._files import whole
from intarsia.formats.category_map import FILE_NAME
from intarsia.formats.json_file import write_json
from intarsia.formats.label_folder import category_map_of, read_label_folder, row_of
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image
from intarsia.panoptic import PanopticMap

STACK = Path("labels", "pages.tif")
MAX_PLAIN = 1 << 31
"""Bytes of pixels; more go into a BigTIFF, which fewer programs read."""


def write_page(root: Path, part: SourcePart, source: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write one page to a file of its own, and the photo; the ids are the labels, 32 bits each."""
    folder = root / part.name
    pages = folder / "pages"
    pages.mkdir(parents=True, exist_ok=True)
    with whole(pages / f"{source.name}.npy") as partial_file:
        np.save(partial_file, panoptic_map.ids)
    copy_image(source, folder / "images" / f"{source.name}{Path(source.image_file).suffix or '.png'}")
    return row_of(source, panoptic_map)


def bind_pages(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """Bind the pages to one file; none of them is held in memory longer than it takes to write it."""
    folder = root / part.name
    names = [row["name"] for row in rows]
    pages = folder / "pages"
    files = [pages / f"{name}.npy" for name in names]
    if files and all(file.is_file() for file in files):  # else an earlier run got this far
        (folder / STACK).parent.mkdir(exist_ok=True)
        is_large = sum(file.stat().st_size for file in files) > MAX_PLAIN
        with (
            whole(folder / STACK) as partial_file,
            tifffile.TiffWriter(partial_file, bigtiff=is_large) as writer,
        ):
            for file in files:
                page = np.load(file).astype(np.uint32)
                writer.write(page, photometric="minisblack", compression="zlib", metadata=None)
    write_json(folder / FILE_NAME, {**category_map_of(part, rows), "pages": {STACK.stem: names}})
    shutil.rmtree(pages, ignore_errors=True)


TARGET = Target(write_page, bind_pages, read_label_folder)
