"""Stacks to predict: the pages of a file are one volume, and its labels one TIFF of as many pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from intarsia.commands.photo_pages import PhotoPage
from intarsia.errors import InputError
from intarsia.formats.results import ResultFolder
from intarsia.panoptic import PanopticMap
from intarsia.runtime.model import Model

__all__ = ["predicted_stacks"]

Picture = UInt8[np.ndarray, "h w 3"]


def predicted_stacks(
    model: Model,
    pictures: Iterator[tuple[str, Picture]],
    *,
    pages: Mapping[str, PhotoPage],
    results: ResultFolder,
    broken: list[str],
    batch: int,
) -> Iterator[tuple[str, Picture, PanopticMap]]:
    """Each page with its map, in which a thing keeps its id from page to page; labels are written here.

    Args:
        model: One whose decoder cuts.
        pictures: The pages that could be read, file by file, by their names.
        pages: All pages by their names.
        results: Takes the labels of whole stacks.
        broken: Takes a sentence for every stack that lacks a page or cannot be cut as one.
        batch: How many pages go through the network at once.
    """
    for path, group in groupby(pictures, key=lambda named: pages[named[0]].path):
        picture_of_page = dict(group)
        names = [name for name, page in pages.items() if page.path == path]
        missing = len(names) - len(picture_of_page)
        if missing:
            broken.append(f"`{path}` must be a stack of whole pages, got {missing} of {len(names)} broken.")
            continue
        try:
            maps = model.predict_stack(list(picture_of_page.values()), batch=batch)
            results.add_stack(_name_of_stack(path, names), dict(zip(names, maps, strict=True)), source=path)
        except InputError as error:
            broken.append(f"{path}: {error}")
            continue
        yield from zip(names, picture_of_page.values(), maps, strict=True)


def _name_of_stack(path: Path, names: list[str]) -> str:
    """As the file is called among the photos: its pages have numbers behind its name."""
    return names[0] if len(names) == 1 else str(Path(names[0]).with_name(path.name))
