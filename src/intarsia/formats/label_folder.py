"""Folders of label images as data sets: read as napari, cellpose and StarDist leave them, and written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any, Literal

import numpy as np
from jaxtyping import Int64

from intarsia._check import counted, fail
from intarsia.formats.category_map import (
    BACKGROUND,
    FILE_NAME,
    OBJECT,
    VOID,
    CategoryMap,
    read_category_map,
    with_background,
)
from intarsia.formats.json_file import naming, write_json
from intarsia.formats.label_checks import check_no_mask, check_no_photo, check_not_resized, pieces_of
from intarsia.formats.label_image import map_of_labels, num_pages, read_page, void_label_of
from intarsia.formats.label_pairs import LabelFile, pair_label_files
from intarsia.formats.label_places import LabelPlace, find_label_places
from intarsia.formats.mask_files import find_mask_files
from intarsia.formats.source import SourceMap, SourcePart, Target, copy_image, write_values
from intarsia.panoptic import VOID_ID, Categories, PanopticMap
from intarsia.pictures import reading

Objects = Literal["labels", "pieces"]
CLASSES_FILE = "_classes.csv"
"""Of Roboflow: the class of each value of its semantic masks."""


def read_label_folder(
    source: str | Path,
    *,
    category_map: str | Path | None = None,
    background: str = BACKGROUND.name,
    objects: Objects | None = None,
) -> list[SourcePart]:
    """Label images: one file (pages are images), or a folder with photos beside them or in one of their own.

    `labels/`, `masks/` or `instances/` with `images/`; or NAME.tif with NAME_labels.tif (_masks, _mask,
    _label, _seg, _cp_masks) in one folder or two. Pages of labels belong to the pages of their photo.

    Args:
        source: The file or folder; a folder may have `train/` and `val/` of that shape.
        category_map: What each label is; by default `category_map.json` in the folder, and without one every
            label is an "object".
        background: The name of the stuff category that label 0 is; "void" makes it void. A category map that
            says what 0 is goes before.
        objects: Whether each label is an object ("labels"), or each connected piece of one ("pieces"), as in
            masks of 0 and 1. By default labels are, and what looks like such a mask is refused.

    Raises:
        ValueError: There is no label image, files cannot be paired, or the category map is broken.

    Example:
        >>> import tempfile; import numpy as np; from PIL import Image
        >>> folder = tempfile.mkdtemp()
        >>> Image.fromarray(np.array([[0, 3], [5, 5]], np.uint8)).save(f"{folder}/a_masks.png")
        >>> [part] = read_label_folder(folder)
        >>> part.maps[0].name, part.categories.names, len(part.maps[0].read().segments)
        ('a', ('object', 'background'), 3)
    """
    if objects not in (None, "labels", "pieces"):
        fail("objects", '"labels" or "pieces"', repr(objects))
    if find_mask_files(source):
        hint = "`intarsia convert mask-files` reads them, and `train`, `inspect` and `evaluate` as they are."
        fail(str(source), "label images", "a mask file for each object", hint=hint)
    return [
        _part(place, _table(place.root, category_map, background), objects)
        for place in find_label_places(Path(source))
    ]


def write_map(root: Path, part: SourcePart, source: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """Write label image and photo of one image; its ids are the labels."""
    folder = root / part.name
    write_values(folder / "labels" / f"{source.name}.png", panoptic_map.ids)
    copy_image(source, folder / "images" / f"{source.name}{Path(source.image_file).suffix or '.png'}")
    return row_of(source, panoptic_map)


def row_of(source: SourceMap, panoptic_map: PanopticMap) -> dict[str, Any]:
    """What a category map says of one image whose labels are its ids."""
    crowds = [segment.id for segment in panoptic_map.segments if segment.is_crowd]
    labels = {str(segment.id): segment.category_id for segment in panoptic_map.segments}
    return {"name": source.name, "labels": labels, "crowds": crowds}


def category_map_of(part: SourcePart, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The category map of all images of a part, in whose label images 0 is void."""
    return {
        "categories": part.categories.to_coco(),
        "labels": {"0": None},
        "images": {row["name"]: row["labels"] for row in rows},
        "crowds": {row["name"]: row["crowds"] for row in rows if row["crowds"]},
    }


def write_category_map(root: Path, part: SourcePart, rows: Sequence[dict[str, Any]]) -> None:
    """Write `category_map.json`."""
    write_json(root / part.name / FILE_NAME, category_map_of(part, rows))


TARGET = Target(write_map, write_category_map, read_label_folder)


@dataclass(frozen=True, slots=True)
class _Table:
    """What labels are: the categories, and a category map that says of 0 what it is.

    With `is_given`, somebody wrote down what each label is, so that nothing need be guessed from the pixels.
    """

    map: CategoryMap
    is_given: bool


def _table(place: Path, category_map: str | Path | None, background: str) -> _Table:
    if category_map is None and (place / FILE_NAME).is_file():
        category_map = place / FILE_NAME
    known = CategoryMap(Categories([OBJECT])) if category_map is None else read_category_map(category_map)
    if 0 not in known.labels:
        known = _with_background(known, background)
    return _Table(known, category_map is not None)


def _with_background(table: CategoryMap, name: str) -> CategoryMap:
    """The map with what 0 is: void, a stuff category that it lists, or one more."""
    if name == VOID:
        return replace(table, labels={0: None, **table.labels})
    categories = with_background(table.categories, name)
    id = next(row.id for row in categories if row.name == name)
    return replace(table, categories=categories, labels={0: id, **table.labels})


def _part(place: LabelPlace, table: _Table, objects: Objects | None) -> SourcePart:
    if not table.is_given and objects is None:
        _refuse_classes(place.root)
    pairs = pair_label_files(place)
    maps = [source for file in pairs.files for source in _pages(file, pairs.photos, table, objects)]
    photos_with_labels = {source.image_path for source in maps}
    folders = [folder for choice in place.photos.values() for folder in choice]
    return SourcePart(
        place.name,
        table.map.categories,
        tuple(maps),
        unlabelled=tuple(path for path in pairs.photos.values() if path not in photos_with_labels),
        left_out=pairs.left_out,
        photo_folder=next((folder for folder in folders if folder.is_dir()), place.root),
        is_guessed=not table.is_given,
    )


def _refuse_classes(folder: Path) -> None:
    """Roboflow's semantic masks look like label images; a file beside them says what they are."""
    listing = folder / CLASSES_FILE
    if listing.is_file():
        hint = "Export COCO segmentation; or say what each label is in a category map."
        fail(str(folder), "label images of objects", f"masks of classes, as {CLASSES_FILE} says", hint=hint)


def _pages(
    file: LabelFile, photos: Mapping[str, Path], table: _Table, objects: Objects | None
) -> Iterator[SourceMap]:
    names = _page_names(file, table.map)
    photo = photos.get(file.name)
    by_page = len(names) > 1 and photo is not None and file.path.stem not in table.map.pages
    if photo is not None and not (len(names) > 1 and not by_page):
        _check_pages(photo, file, len(names))
    for page, name in enumerate(names):
        photo_of_page = photo if by_page else photos.get(name)
        image_file = f"{name}.png"
        if photo_of_page and not by_page:
            image_file = str(PurePosixPath(name).with_name(photo_of_page.name))
        map_file = f"{name.replace('/', '_')}.png"
        read = partial(_read_page, file.path, page, name, table, objects)
        chosen = page if by_page else None
        yield SourceMap(name, image_file, map_file, photo_of_page, read, chosen, map_path=file.path)


def _check_pages(photo: Path, file: LabelFile, count: int) -> None:
    """A stack of labels needs a stack of photos; one page of labels may belong to any."""
    try:
        pages = reading.num_pages(photo)
    except ValueError:
        return  # what is wrong with it is said when it is read
    if pages != count and count > 1:
        fail(str(photo), f"a picture of {counted(count, 'page')} like its labels {file.path.name}", pages)


def _page_names(file: LabelFile, known: CategoryMap) -> Sequence[str]:
    count = num_pages(file.path)
    if file.path.stem in known.pages:
        names = known.pages[file.path.stem]
        if len(names) != count:
            fail(str(file.path), f"of {counted(len(names), 'page')} as its category map names", count)
        return names
    return [file.name] if count == 1 else [f"{file.name}_{page:04d}" for page in range(count)]


def _read_page(path: Path, page: int, name: str, table: _Table, objects: Objects | None) -> PanopticMap:
    labels = read_page(path, page)
    if not table.is_given:
        return _guessed_map(labels, path, table.map.labels[0], objects)
    if objects == "pieces":
        labels = pieces_of(labels)
    with naming(path):
        panoptic_map = map_of_labels(labels, table.map.of_image(name))
    crowds = table.map.crowds.get(name, frozenset())
    return PanopticMap(panoptic_map.ids, (replace(s, is_crowd=s.id in crowds) for s in panoptic_map.segments))


def _guessed_map(
    labels: Int64[np.ndarray, "h w"], path: Path, background: int | None, objects: Objects | None
) -> PanopticMap:
    """Every label is an object, if the picture is one of labels at all; the rim of VOC's palette is void."""
    check_no_photo(labels, path)
    rim = labels == void_label_of(path)
    labels = np.where(rim, 0, labels)
    if objects == "pieces":
        labels = pieces_of(labels)
    elif objects is None:
        check_no_mask(labels, path)
        check_not_resized(labels, path)
    panoptic_map = map_of_labels(labels, OBJECT.id, background=background)
    return (
        PanopticMap.keeping_visible(np.where(rim, VOID_ID, panoptic_map.ids), panoptic_map.segments)
        if rim.any()
        else panoptic_map
    )
